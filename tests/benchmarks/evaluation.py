"""Seconds and peak memory of scoring N real and N generated volumes, from files and again from the feature cache.

    python tests/benchmarks/evaluation.py --dataset_dir data/openkbp --count 232 --work output/benchmark

The generated set is made of the real cases, preprocessed as evaluate.yaml does and blurred; making it is not timed.
Prints a Markdown table. CPU seconds are those of all cores, less moved by other work on the machine than the wall's.
Memory is the sum over the processes of a run (proportional set size), looked at every second.
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
    options = parser.parse_args()
    generated = options.work / "generated"
    if not (generated / "provenance.json").is_file():
        write_set(generated, options)
    shutil.rmtree(options.work / "cache", ignore_errors=True)
    print("| run | real | generated | seconds | CPU seconds | peak memory, GB |")
    print("|---|---|---|---|---|---|")
    for name in ("from files", "features at hand"):
        seconds, cpu, peak = measure(options, generated)
        print(f"| {name} | {options.count} | {options.count} | {seconds:.0f} | {cpu:.0f} | {peak:.2f} |", flush=True)


def write_set(directory: Path, options: argparse.Namespace) -> None:
    import nibabel as nib
    import numpy as np
    from monai.bundle import ConfigParser
    from scipy.ndimage import gaussian_filter

    from common.data.datalist import write_datalist
    from common.data.provenance import write_provenance

    parser = ConfigParser()
    parser.read_config(CONFIG)
    form = {"image_size": options.size, "hu_window": [-1024, 600], "binary_mask": False, "folds": "everything"}
    parser.update({"dataset_dir": options.dataset_dir, "output_dir": str(options.work), **form})
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


def measure(options: argparse.Namespace, generated: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak GB of one evaluation."""
    places = {"output_dir": options.work / "report", "cache_dir": options.work / "cache", "generated_dir": generated}
    flags = [f"--{key}={value}" for key, value in {**places, "dataset_dir": options.dataset_dir}.items()]
    command = [sys.executable, "-m", "monai.bundle", "run", "evaluating", "--config_file", str(CONFIG)]
    start, used, peak = time.perf_counter(), cpu_seconds(), 0.0
    with (options.work / "log.txt").open("w") as log:
        process = subprocess.Popen([*command, *flags, "--folds=everything"], cwd=ROOT, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(1)
    if process.returncode:
        raise SystemExit(f"the evaluation failed, see {options.work / 'log.txt'}")
    return time.perf_counter() - start, cpu_seconds() - used, peak


def cpu_seconds() -> float:
    """Of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


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
