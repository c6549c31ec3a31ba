"""CPU seconds of one update of the segmenter's training: the plain form, and what each lever changes, one by one.

    python tests/benchmarks/segmentation_update.py                                  # size of docs/results.md
    python tests/benchmarks/segmentation_update.py --size default --steps 1 --untimed 1 --rounds 1
    python tests/benchmarks/segmentation_update.py --beside                         # what is no default

An update is that of `run training`: patches from the filled cache, augmentation, network, loss, gradients, optimiser
and handlers, all in one process and thread. Each row keeps the levers above it; with `--beside` each is all of them and
one more. Rows take turns within one run, each in a process of its own. Prints a Markdown table: the median of the
updates behind `--untimed` ones, its ratio to the first row, the loss of the last update, and the peak memory.
"""

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peak_memory import peak_gb

ROOT = Path(__file__).parents[2]
SIZES = {
    "study": {"spacing": [5, 5, 5], "roi_size": [48] * 3, "init_filters": 8, "blocks_down": [1, 2, 2, 4], "dsdepth": 3},
    "default": {},
    "tiny": {"spacing": [9, 9, 9], "roi_size": [16] * 3, "init_filters": 4, "blocks_down": [1, 1], "dsdepth": 2},
}
LAST = "$@network_def.to(@device).to(memory_format=torch.channels_last_3d)"
PLAIN = {
    "bare_network": "$@network_def.to(@device)",
    "amp": "off",
    "optimizer::fused": False,
    "train::trainer::optim_set_to_none": False,
}
FORMS = {  # what of the config each row changes; None takes a change of the rows above back
    "plain": PLAIN,
    "weights channels last": {"bare_network": LAST},
    "instance norms in that layout": {"bare_network": None},
    "bf16": {"amp": None},
    "fused AdamW, gradients freed": {"optimizer::fused": None, "train::trainer::optim_set_to_none": None},
}
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
BESIDE: dict[str, dict[str, Any]] = {
    "as it is": {},
    "float32": {"amp": "off"},
    "memory kept by malloc": {"environment": MALLOC},
    "huge pages by malloc": {"environment": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--size", default="study", choices=list(SIZES))
    parser.add_argument("--steps", type=int, default=8, help="timed ones of a process")
    parser.add_argument("--untimed", type=int, default=2, help="before them")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each form")
    parser.add_argument("--beside", action="store_true", help="what is no default, on top of all that is")
    parser.add_argument("--rows", nargs="+", default=None, help="of the table, by name; the first is always there")
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(json.loads(options.child), options)))
        return
    forms = BESIDE if options.beside else accumulated(FORMS)
    if unknown := {*(options.rows or forms)} - {*forms}:
        parser.error(f"no rows {sorted(unknown)}, there are {list(forms)}")
    first = next(iter(forms))
    forms = {name: forms[name] for name in forms if name in (options.rows or forms) or name == first}
    runs: dict[str, list[dict]] = {name: [] for name in forms}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(options.rounds):
            for name, changes in forms.items():
                runs[name].append(run_child({"cache_dir": cache, **changes}, options))
    print(f"| {options.size} size | CPU s / update | ratio | last loss | peak memory, GB |\n|---|---|---|---|---|")
    seconds = {name: statistics.median(step for run in runs[name] for step in run["steps"]) for name in forms}
    for name in forms:
        memory = max(run["peak_gb"] for run in runs[name])
        cells = (
            f"{seconds[name]:.3f} | {seconds[name] / seconds[first]:.2f} | {runs[name][0]['loss']:.4f} | {memory:.2f}"
        )
        print(f"| {name} | {cells} |", flush=True)


def accumulated(forms: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each row with the changes of those above it."""
    changes: dict[str, Any] = {}
    rows = {}
    for name, own in forms.items():
        changes = {key: value for key, value in (changes | own).items() if value is not None}
        rows[name] = changes
    return rows


def run_child(changes: dict[str, Any], options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--child", json.dumps(changes), "--dataset_dir", options.dataset_dir]
    command += ["--size", options.size, "--steps", str(options.steps), "--untimed", str(options.untimed)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **changes.get("environment", {})}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def filled_trainer(settings: Mapping[str, Any]) -> Any:
    """The segmenter's trainer for one epoch with `settings` over train.yaml, the cases of its steps in its cache."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    configs = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
    parser.read_config(str(configs / "train.yaml"))
    parser.read_meta(str(configs / "metadata.json"))
    parser.update({"fold": None, "max_epochs": 1, "checkpoint_interval": 0, "num_workers": 0, **settings})
    dataset = parser.get_parsed_content("train::dataset")
    for batch in parser.get_parsed_content("train::sampler"):
        for case, _ in batch:
            dataset[(case, 0)]
    return parser.get_parsed_content("train::trainer")


def measure(changes: Mapping[str, Any], options: argparse.Namespace) -> dict:
    """CPU seconds of each timed update, the loss of the last, and the peak memory."""
    sys.path.insert(0, str(ROOT))
    import torch
    from ignite.engine import Events

    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as output:
        settings = {"dataset_dir": options.dataset_dir, "output_dir": output, "lr": 0.001}
        settings |= {"epoch_steps": options.untimed + options.steps, **SIZES[options.size]}
        trainer = filled_trainer(settings | {key: value for key, value in changes.items() if key != "environment"})
        marks: list[float] = []
        losses: list[float] = []
        trainer.add_event_handler(Events.GET_BATCH_STARTED, lambda: marks.append(time.process_time()))
        trainer.add_event_handler(
            Events.ITERATION_COMPLETED, lambda: losses.append(trainer.state.output["loss"].item())
        )
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: marks.append(time.process_time()))
        trainer.run()
    steps = [stop - start for start, stop in zip(marks[::2], marks[1::2], strict=True)]
    return {"steps": steps[options.untimed :], "loss": losses[-1], "peak_gb": peak_gb()}


if __name__ == "__main__":
    main()
