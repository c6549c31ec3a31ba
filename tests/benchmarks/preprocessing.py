"""Seconds of preprocessing a case by a bundle's training config, and of reading it back from the disk cache.

    python tests/benchmarks/preprocessing.py --dataset_dir data/phantom
    python tests/benchmarks/preprocessing.py --bundle hagan_256 --dataset_dir data/openkbp --cases 8

Prints a Markdown table: the median, lowest and highest of the cases.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="hagan_128")
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--cases", type=int, default=8)
    options = parser.parse_args()
    print("| bundle | data | pass | median s / case | lowest | highest |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        for name in ("computed", "from the disk cache"):
            seconds = measure(options, cache)
            row = [f"{value:.3f}" for value in (statistics.median(seconds), min(seconds), max(seconds))]
            print(f"| {options.bundle} | {options.dataset_dir} | {name} | {' | '.join(row)} |", flush=True)


def measure(options: argparse.Namespace, cache_dir: str) -> list[float]:
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config(ROOT / "bundles" / options.bundle / "configs" / "train.yaml")
    parser.update({"dataset_dir": options.dataset_dir, "cache_dir": cache_dir})
    dataset = parser.get_parsed_content("train::dataset")
    seconds = []
    for index in range(min(options.cases, len(dataset))):
        start = time.perf_counter()
        dataset[index]
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
