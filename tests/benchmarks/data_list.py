"""What a list of many cases costs before the first step: seconds and memory of each thing that a training does with it.

    python tests/benchmarks/data_list.py --dataset_dir data/openkbp --count 10000 --work output/data_list

The list names hard links to the cases of `--dataset_dir`, over and over, so that the files are read for real and take
no room. Both checks are those of `resolve_cases`: the first reads every file, the second knows them by size and time.
Prints a Markdown table; memory is what the process has grown to at its peak so far. Batches are then named without
reading a case: a case is read when its batch is made.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peak_memory import peak_gb

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--work", type=Path, default=ROOT / "output" / "data_list")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    path = write_list(Path(options.dataset_dir), options.count, options.work)

    from monai.transforms import LoadImaged

    from common.data.cached import cached_dataset
    from common.data.cases import resolve_cases
    from common.data.datalist import datalist_hash, read_datalist
    from common.engines.step_sampler import StepBatchSampler

    print(f"| {options.count} cases | s | peak memory, GB |\n|---|---|---|")
    print(f"| before, libraries | | {peak_gb():.2f} |")
    content = timed("list read and checked", lambda: read_datalist(path))
    timed("its hash", lambda: datalist_hash(content))
    timed("all files checked", lambda: resolve_cases(path))
    cases = timed("checked again", lambda: resolve_cases(path))
    load = LoadImaged(keys=["image", "label"])
    dataset = timed("data set", lambda: cached_dataset(cases, load, cache_dir=options.work / "cache"))
    settings = {"num_items": len(dataset), "batch_size": 4, "max_steps": 80_000, "seed": 0}
    timed("80,000 batches named", lambda: sum(1 for _ in StepBatchSampler(**settings)))
    shutil.rmtree(options.work)


def write_list(dataset_dir: Path, count: int, work: Path) -> Path:
    """A data list of `count` training cases, links to those of `dataset_dir`."""
    from common.data.datalist import read_datalist, write_datalist

    content = read_datalist(dataset_dir / "datalist.json")
    entries = []
    for number in range(count):
        entry = content["training"][number % len(content["training"])]
        linked = {key: f"{key}s/{number:05d}.nii.gz" for key in ("image", "label")}
        for key, name in linked.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            os.link((dataset_dir / entry[key]).resolve(), work / name)
        name = f"case_{number:05d}"
        entries.append({**entry, **linked, "case_id": name, "patient": name})
    write_datalist({**content, "training": entries, "testing": []}, work / "datalist.json")
    return work / "datalist.json"


def timed(name: str, task: Callable[[], Any]) -> Any:
    """Result of `task`; prints its row."""
    start = time.perf_counter()
    result = task()
    print(f"| {name} | {time.perf_counter() - start:.2f} | {peak_gb():.2f} |", flush=True)
    return result


if __name__ == "__main__":
    main()
