"""Wall time of an experiment of six small arms on workers of dask, against one arm after the other.

    python tests/benchmarks/arms_at_once.py --workers 2
    python tests/benchmarks/arms_at_once.py --workers 2 --stand_in 3    # seconds of arithmetic in place of each arm

Both experiments run for real, one after the other, with a thread for each training: `run experiment` of
segresnet_auto3dseg on phantoms, of one fold and one seed, each arm a training and an evaluation. Prints a Markdown
table with the load of the machine (processes that want a core, averaged over a minute) before and behind each, and the
share of the cores' time that was idle: on a machine that others use, the ratio is theirs too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=Path, default=ROOT / "data" / "phantom")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--arms", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--stand_in", type=float, default=0, help="CPU seconds of arithmetic in place of each arm")
    options = parser.parse_args()
    print("| workers | arms | wall, s | load before | load behind | idle, share |\n|---|---|---|---|---|---|")
    walls = []
    for workers in (1, options.workers):
        before, idle = os.getloadavg()[0], idle_seconds()
        wall = run_stand_ins(options, workers) if options.stand_in else run_experiment(options, workers)
        walls.append(wall)
        free = (idle_seconds() - idle) / wall / (os.cpu_count() or 1)
        row = (workers, options.arms, f"{wall:.1f}", f"{before:.1f}", f"{os.getloadavg()[0]:.1f}", f"{free:.2f}")
        print("|", *(f"{part} |" for part in row), flush=True)
    print(f"\nratio {walls[1] / walls[0]:.2f}")


def run_experiment(options: argparse.Namespace, workers: int) -> float:
    """Seconds of the wall of `run experiment`."""
    with tempfile.TemporaryDirectory() as folder:
        flags = {
            "config_file": str(CONFIGS / "experiment.yaml"),
            "dataset_dir": str(options.dataset_dir.resolve()),
            "output_dir": f"{folder}/experiment",
            "overlays": [str(CONFIGS / "smoke.yaml")],
            "arms": [{"name": f"arm {number}"} for number in range(options.arms)],
            "seeds": [0],
            "settings": {"max_epochs": options.epochs},
            "replicates": 50,
            "workers": workers,
        }
        command = [sys.executable, "-m", "monai.bundle", "run", "experiment", *(f"--{k}={v}" for k, v in flags.items())]
        start = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        return time.monotonic() - start


def run_stand_ins(options: argparse.Namespace, workers: int) -> float:
    """Seconds of the wall of runs that only count: what the engine adds, whatever a training takes."""
    sys.path.insert(0, str(ROOT))
    from common.runs.engine import Engine
    from common.runs.tasks import Task, run_tasks
    from common.runs.workflow_run import Workflow
    from tests.benchmarks.arms_at_once import count_up

    with tempfile.TemporaryDirectory() as folder:
        workflow = Workflow("counting", ["none"], {"seconds": options.stand_in})
        tasks = [Task(Path(folder) / f"arm_{number}", workflow) for number in range(options.arms)]
        start = time.monotonic()
        run_tasks(tasks, runner=count_up, engine=Engine(workers=workers), desc="arms")
        return time.monotonic() - start


def count_up(run_id: str, configs: list[str], options: dict, log: Path, **watch: Any) -> None:
    """A run that takes so many CPU seconds."""
    from common.runs.workflow_run import run_process

    code = f"import time\nwhile time.process_time() < {options['seconds']}: sum(range(10000))"
    run_process([sys.executable, "-c", code], log, **watch)


def idle_seconds() -> float:
    """Seconds that the cores have been idle so far, summed; 0 where the system does not tell."""
    path = Path("/proc/stat")
    return int(path.read_text().split()[4]) / os.sysconf("SC_CLK_TCK") if path.is_file() else 0.0


if __name__ == "__main__":
    main()
