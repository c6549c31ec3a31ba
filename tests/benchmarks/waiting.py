"""Share of a training's time that it waits for data: with an empty disk cache, and with a filled one.

    python tests/benchmarks/waiting.py --dataset_dir data/openkbp --steps 40
    python tests/benchmarks/waiting.py --bundle hagan_256 --dataset_dir data/openkbp --steps 4 --overlays

Each row is a training of its own, by the bundle's config and `--overlays` (names of its configs), in wall time: run it
on a machine that does nothing else. Waiting is from Ignite's GET_BATCH_STARTED to GET_BATCH_COMPLETED; the first batch,
for which a training can only wait, stands in a column of its own. Prints a Markdown table.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="hagan_128")
    parser.add_argument("--overlays", nargs="*", default=["demo"])
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options)))
        return
    print("| workers | cache | s / step | waiting of it | first batch, s |\n|---|---|---|---|---|")
    for workers in options.workers:
        with tempfile.TemporaryDirectory() as cache:
            for name in ("empty", "filled"):
                first, waited, steps = run_child(workers, cache, options)
                share = sum(waited) / sum(steps)
                cells = f"{sum(steps) / len(steps):.2f} | {share:.1%} | {first:.2f}"
                print(f"| {workers} | {name} | {cells} |", flush=True)


def run_child(workers: int, cache: str, options: argparse.Namespace) -> tuple[float, list[float], list[float]]:
    command = [sys.executable, __file__, "--child", cache, "--workers", str(workers), "--steps", str(options.steps)]
    command += ["--bundle", options.bundle, "--dataset_dir", options.dataset_dir, "--overlays", *options.overlays]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: argparse.Namespace) -> tuple[float, list[float], list[float]]:
    """Seconds of the first batch, and of waiting and all of each later step."""
    sys.path.insert(0, str(ROOT))
    from ignite.engine import Events
    from monai.bundle import ConfigParser

    logging.disable(logging.INFO)
    parser = ConfigParser()
    names = ["train", *options.overlays]
    parser.read_config([ROOT / "bundles" / options.bundle / "configs" / f"{name}.yaml" for name in names])
    parser.read_meta(ROOT / "bundles" / options.bundle / "configs" / "metadata.json")
    with tempfile.TemporaryDirectory() as output:
        settings = {"output_dir": output, "cache_dir": options.child, "num_workers": options.workers[0]}
        settings |= {"dataset_dir": options.dataset_dir, "max_steps": options.steps + 1}
        # checkpoints and pictures are no waiting for data
        settings |= {"checkpoint_interval": 10**6, "preview_interval": 10**6}
        parser.update(settings)
        trainer = parser.get_parsed_content("train::trainer")
        asked, got = [], []
        trainer.add_event_handler(Events.GET_BATCH_STARTED, lambda: asked.append(time.perf_counter()))
        trainer.add_event_handler(Events.GET_BATCH_COMPLETED, lambda: got.append(time.perf_counter()))
        ends: list[float] = []
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: ends.append(time.perf_counter()))
        trainer.run()
    waited = [after - before for before, after in zip(asked, got, strict=True)]
    return waited[0], waited[1:], [after - before for before, after in zip(asked[1:], ends[1:], strict=True)]


if __name__ == "__main__":
    main()
