"""Seconds and peak memory of scoring N real and N generated volumes, from files and again from the feature cache.

    python tests/benchmarks/evaluation.py --dataset_dir data/openkbp --count 232 --work output/benchmark
    python tests/benchmarks/evaluation.py --dataset_dir data/openkbp --count 24 --against ../other_checkout

The generated set is made of the real cases, preprocessed as evaluate.yaml does and blurred; making it is not timed.
Prints a Markdown table; with --against also of another checkout, which takes turns with this one, the ratios of this
one to it, and how far their numbers are apart. CPU seconds are of all cores, less moved by other work on the
machine than the wall's. Memory is the sum over the processes of a run (proportional set size), seen twice a second.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
CONFIG = ROOT / "bundles" / "evaluation" / "configs" / "evaluate.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--count", type=int, default=232)
    parser.add_argument("--size", type=int, nargs=3, default=[128, 128, 64])
    parser.add_argument("--work", type=Path, default=ROOT / "output" / "benchmark")
    parser.add_argument("--generated_dir", type=Path, help="a set that is there already, in place of the blurred cases")
    parser.add_argument("--against", type=Path, help="another checkout")
    options = parser.parse_args()
    options.work = options.work.resolve()
    generated = (options.generated_dir or options.work / "generated").resolve()
    if not (generated / "provenance.json").is_file():
        write_set(generated, options)
    builds = {**({"other": options.against.resolve()} if options.against else {}), "this": ROOT}
    print("| run | build | real | generated | seconds | CPU seconds | of which the system's | peak memory, GB |")
    print("|---|---|---|---|---|---|---|---|")
    for build in builds:
        shutil.rmtree(options.work / build, ignore_errors=True)
    for name in ("from files", "features at hand"):
        rows = {build: measure(options, generated, root, options.work / build) for build, root in builds.items()}
        for build, (seconds, cpu, system, peak) in rows.items():
            sizes = f"{options.count} | {options.count}"
            print(f"| {name} | {build} | {sizes} | {seconds:.0f} | {cpu:.1f} | {system:.1f} | {peak:.2f} |", flush=True)
        if "other" in rows:
            ratios = [mine / other for mine, other in zip(rows["this"], rows["other"], strict=True)]
            print(f"| {name} | ratio | | | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |", flush=True)
    if "other" in builds:
        print_differences(*(options.work / build / "report" / "metrics.json" for build in builds))


def write_set(directory: Path, options: argparse.Namespace) -> None:
    import nibabel as nib
    import numpy as np
    from monai.bundle import ConfigParser
    from scipy.ndimage import gaussian_filter

    from common.data.datalist import write_datalist
    from common.data.preprocessing import complete
    from common.data.provenance import write_provenance

    parser = ConfigParser()
    parser.read_config(CONFIG)
    form = {"image_size": options.size, "hu_window": [-1024, 600], "binary_mask": False, "folds": "everything"}
    places = {"dataset_dir": options.dataset_dir, "output_dir": str(options.work)}
    parser.update({**places, **form, "preprocessing": complete({}), "cache_dir": str(options.work / "cases")})
    cases, volumes = parser.get_parsed_content("real_cases"), parser.get_parsed_content("volumes::real")
    entries: list[dict[str, Any]] = []
    for index in range(options.count):
        item = volumes[index % len(cases)]
        image = gaussian_filter(item["image"][0].numpy().astype(np.float32), 1)
        paths = {"image": f"images/{index:05d}.nii.gz", "label": f"labels/{index:05d}.nii.gz"}
        affine = np.diag([*item["spacing"].tolist(), 1.0])
        for key, array in (("image", image.astype(np.int16)), ("label", item["label"][0].numpy())):
            path = directory / paths[key]
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array, affine), path)
        entries.append({"case_id": f"{index:05d}", **paths, "centre": "generated", "fold": 0})
    write_datalist({"training": entries}, directory / "dataset.json")
    keys = ("bundle", "checkpoint", "seed", "cases", "spacing", "postprocessing")
    training = {"case_ids": [case["case_id"] for case in cases[: len(cases) // 2]]}
    write_provenance(directory, {**dict.fromkeys(keys), "training": training, "hu_window": form["hu_window"]})


def measure(options: argparse.Namespace, generated: Path, root: Path, work: Path) -> tuple[float, float, float, float]:
    """Wall seconds, CPU seconds, those of the system, and peak GB of one evaluation by the checkout at `root`."""
    places = {"output_dir": work / "report", "cache_dir": work / "cache", "generated_dir": generated}
    flags = [
        f"--{key}={value}" for key, value in {**places, "dataset_dir": Path(options.dataset_dir).resolve()}.items()
    ]
    config = root / CONFIG.relative_to(ROOT)
    command = [sys.executable, "-m", "monai.bundle", "run", "evaluating", "--config_file", str(config)]
    work.mkdir(parents=True, exist_ok=True)
    start, before, peak = time.perf_counter(), cpu_seconds(), 0.0
    with (work / "log.txt").open("w") as log:
        process = subprocess.Popen([*command, *flags, "--folds=everything"], cwd=root, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"the evaluation failed, see {work / 'log.txt'}")
    user, system = (after - earlier for after, earlier in zip(cpu_seconds(), before, strict=True))
    return time.perf_counter() - start, user + system, system, peak


def cpu_seconds() -> tuple[float, float]:
    """The user's and the system's, of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime, usage.ru_stime


def print_differences(before: Path, after: Path) -> None:
    """For each kind of score, how far the values of two files are apart, and how large they are."""
    import json

    scores = [json.loads(path.read_text())["scores"] for path in (before, after)]
    apart: dict[str, tuple[float, float]] = {}
    for key in scores[0].keys() & scores[1].keys():
        for first, second in zip(*(numbers(score[key]) for score in scores), strict=True):
            largest = apart.get(kind := key.split("/")[0], (0.0, 0.0))
            apart[kind] = max(largest, (abs(first - second), abs(first)))
    print("\n| score | largest difference | of the value |\n|---|---|---|")
    for kind, (difference, value) in sorted(apart.items()):
        print(f"| {kind} | {difference:.2g} | {value:.4g} |")


def numbers(row: Any) -> list[float]:
    """All numbers of a nested row, in order."""
    if isinstance(row, dict | list):
        return [each for value in (row.values() if isinstance(row, dict) else row) for each in numbers(value)]
    return [float(row)] if isinstance(row, int | float) else []


def memory(pid: int) -> float:
    """GB of a process and its descendants; shared pages count once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e6
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it ended in between
        return 0.0
    return own + sum(memory(int(child)) for child in children)


if __name__ == "__main__":
    main()
