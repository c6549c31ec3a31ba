"""Seconds of a HA-GAN step inside `run training`, beside the training loop of the authors' own code.

    git clone https://github.com/batmanlab/HA-GAN ../HA-GAN
    python tests/benchmarks/official_hagan.py --official ../HA-GAN

The loop is that of the authors' `train.py`, as it is, on a CPU: calls that move tensors to a GPU leave them where they
are, its reader of files gives random volumes, and its pictures are not drawn. Ours is `run training` with the bundle's
`train.yaml` on phantoms, from a filled cache, with sampler, handlers and loss files. Both have one channel of 128³
voxels in batches of `--batch`. Rows take turns, each run a process of its own. Seconds are those of the wall, from the
end of a step to the end of the next: run it on a machine that does nothing else. Prints a Markdown table of the
medians, without the first two steps of each run.
"""

import argparse
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from hagan_step import ENVIRONMENT
from peak_memory import peak_gb

ROOT = Path(__file__).parents[2]
ROWS = {  # name → options of our training, or None for the authors' loop; environment
    "official": (None, {}),
    "ours": ({"amp": "off"}, {}),
    "ours, memory given back": ({"amp": "off"}, ENVIRONMENT["given"]),
    "ours, bf16": ({"amp": "bf16"}, {}),
    "ours, bf16, memory kept": ({"amp": "bf16"}, ENVIRONMENT["malloc"]),
    "ours, threads asleep": ({"amp": "off"}, {"OMP_WAIT_POLICY": "PASSIVE"}),
}
UNTIMED = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="checkout of the authors' code")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="timed ones of a run, after two")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), help="by name; the first is always there")
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        ours = ROWS[options.child][0]
        times = official_steps(options) if ours is None else our_steps(ours, options)
        print(json.dumps({"steps": times[UNTIMED:], "peak_gb": peak_gb()}))
        return
    print("| threads | form | s / step | ratio | peak memory, GB | ratio |\n|---|---|---|---|---|---|")
    for threads in options.threads:
        names = [name for name in ROWS if name in ("official", *options.rows)]
        runs: dict[str, list[dict]] = {name: [] for name in names}
        for _ in range(options.rounds):
            for name in names:
                runs[name].append(run_child(name, threads, options))
        seconds = {name: statistics.median(step for run in runs[name] for step in run["steps"]) for name in names}
        memory = {name: max(run["peak_gb"] for run in runs[name]) for name in names}
        for name in names:
            ratios = [values[name] / values["official"] for values in (seconds, memory)]
            cells = f"{seconds[name]:.2f} | {ratios[0]:.2f} | {memory[name]:.2f} | {ratios[1]:.2f}"
            print(f"| {threads} | {name} | {cells} |", flush=True)


def run_child(name: str, threads: int, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--official", str(options.official.resolve()), "--child", name]
    command += ["--batch", str(options.batch), "--steps", str(options.steps)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads), **ROWS[name][1]}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def our_steps(settings: dict[str, Any], options: argparse.Namespace) -> list[float]:
    """Seconds of each step of `run training`."""
    import ignite.engine
    import monai.bundle

    from common.data.cli import prepare

    ends: list[float] = []
    fire = ignite.engine.Engine._fire_event

    def note(engine: Any, event: Any, *args: Any, **kwargs: Any) -> None:
        fire(engine, event, *args, **kwargs)
        if event == ignite.engine.Events.ITERATION_COMPLETED:
            ends.append(time.perf_counter())

    ignite.engine.Engine._fire_event = note
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        prepare("phantom", f"{folder}/data", count=10, size=(32, 32, 16), folds=2)
        given = {"dataset_dir": f"{folder}/data", "output_dir": f"{folder}/output", "cache_dir": f"{folder}/cache"}
        given |= {"max_steps": options.steps + UNTIMED + 1, "batch_size": options.batch, "num_workers": 0, **settings}
        monai.bundle.run("training", config_file="bundles/hagan_128/configs/train.yaml", **given)
    return [after - before for before, after in pairwise(ends)]


def official_steps(options: argparse.Namespace) -> list[float]:
    """Seconds of each step of the authors' loop."""
    import torch

    starts: list[float] = []

    class Enough(Exception):
        """The steps that were asked for are done."""

    class Volumes(torch.utils.data.Dataset):
        def __init__(self, **_: Any) -> None: ...

        def __len__(self) -> int:
            return 1000

        def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
            if number % options.batch == 0:
                starts.append(time.perf_counter())
                if len(starts) > options.steps + UNTIMED:
                    raise Enough
            return torch.rand(1, 128, 128, 128) * 2 - 1, 0

    class Nothing:
        """Takes every call; as the writer of logs it makes the folder that the loop writes its settings into."""

        def __init__(self, *args: Any, **_: Any) -> None:
            Path(*args[:1]).mkdir(parents=True, exist_ok=True)

        def __getattr__(self, name: str) -> Any:
            return lambda *_, **__: None

    for name, content in {
        "volume_dataset": {"Volume_Dataset": Volumes},
        "tensorboardX": {"SummaryWriter": Nothing},
        "nilearn": {"plotting": Nothing()},
    }.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(content)
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_: self  # type: ignore[method-assign]
    sys.path.insert(0, str(options.official))
    sys.argv = ["train.py", "--img-size", "128", "--batch-size", str(options.batch), "--workers", "0", "--data-dir", ""]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with suppress(Enough):
            runpy.run_path(str(options.official / "train.py"), run_name="__main__")
    return [after - before for before, after in pairwise(starts)]


if __name__ == "__main__":
    main()
