"""CPU seconds from `import monai.bundle` to the end of a run's first step, run by run.

    python tests/benchmarks/start.py
    git worktree add ../before COMMIT && python tests/benchmarks/start.py --against ../before --rounds 3

The step is the first that an engine of Ignite finishes; of a run without one, such as the analysis, it is the check of
options, files and folder behind which the work begins. Runs are those of the smoke overlays on phantoms, but with
`train.yaml`'s intervals, so that the first step writes neither a model nor pictures. With `--against`, the runs of
another checkout take turns with those of this one. Prints a Markdown table of the medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS = {  # bundle and run id → configs
    "hagan_128 training": ["train", "smoke"],
    "hagan_128 inferring": ["inference"],
    "hagan_256 training": ["train", "smoke"],
    "baseline_gans training": ["train", "wgan_gp_3d", "smoke"],
    "latent_flow training": ["train", "smoke"],
    "evaluation training": ["train", "smoke"],
    "evaluation analysing": ["analyse", "smoke"],
    "segresnet_auto3dseg training": ["train", "smoke"],
    "segresnet_auto3dseg inferring": ["inference", "smoke"],
    "segresnet_auto3dseg evaluating": ["evaluate", "smoke"],
    "segresnet_auto3dseg experiment": ["experiment"],
}
NO_FILES = {"checkpoint_interval": 1000, "preview_interval": 1000}
OPTIONS = {
    "hagan_128 inferring": {"num_samples": 2},
    **{f"{bundle} training": NO_FILES for bundle in ("hagan_128", "hagan_256", "baseline_gans", "latent_flow")},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--against", type=Path, default=None, help="another checkout")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rows", nargs="+", default=list(RUNS), help="runs, by name")
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options.child, options.dataset_dir)
        return
    checkouts = [path for path in (options.against, ROOT) if path]
    print(
        "| run | before, CPU s | now, CPU s | ratio |\n|---|---|---|---|"
        if options.against
        else "| run | CPU s |\n|---|---|"
    )
    for name in options.rows:
        seconds: dict[Path, list[float]] = {checkout: [] for checkout in checkouts}
        for _ in range(options.rounds):
            for checkout in checkouts:
                seconds[checkout].append(run_child(name, checkout, Path(options.dataset_dir).resolve()))
        medians = [statistics.median(seconds[checkout]) for checkout in checkouts]
        cells = [f"{median:.2f}" for median in medians] + (
            [f"{medians[1] / medians[0]:.2f}"] if options.against else []
        )
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def run_child(name: str, checkout: Path, dataset_dir: Path) -> float:
    command = [sys.executable, __file__, "--child", name, "--dataset_dir", str(dataset_dir)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(checkout)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=checkout)
    if done.returncode:
        raise SystemExit(f"{name} in {checkout} failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def measure(name: str, dataset_dir: str) -> None:
    """Run it here until the first step has ended, print the CPU seconds, and end the process."""
    import monai.bundle

    started = time.process_time()
    import ignite.engine

    def end(engine: object, event: object, *args: object, **kwargs: object) -> None:
        fire(engine, event, *args, **kwargs)
        if event == ignite.engine.Events.ITERATION_COMPLETED:
            print(f"\n{time.process_time() - started}", flush=True)
            os._exit(0)

    fire, ignite.engine.Engine._fire_event = ignite.engine.Engine._fire_event, end
    bundle, run_id = name.split()
    files = [f"bundles/{bundle}/configs/{config}.yaml" for config in RUNS[name]]
    with tempfile.TemporaryDirectory() as output:
        options = {"dataset_dir": dataset_dir, "output_dir": output, "num_workers": 0, **OPTIONS.get(name, {})}
        if not has_engine(name):
            import common.one_run

            def begin(**given: object) -> None:
                os._exit(print(f"\n{time.process_time() - started}", flush=True) or 0)

            common.one_run.begin_run = begin
            options.pop("num_workers")
        monai.bundle.run(run_id, config_file=files, **options)


def has_engine(name: str) -> bool:
    return name.split()[1] not in ("analysing", "experiment")


if __name__ == "__main__":
    main()
