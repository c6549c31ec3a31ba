"""CPU seconds and peak memory of checking and of preparing one large case, beside another checkout.

    python tests/benchmarks/large_case.py --against ../other_checkout
    python tests/benchmarks/large_case.py --sizes 512x512x200 --repeats 3

The volumes are made, at a scanner's noise: an ellipse of soft tissue with bone and a lesion in air, int16, with a mask,
as .nii.gz. Each row is a process of its own, the two checkouts take turns, and the fastest of the repeats counts.
Preparing is what trainings, the evaluation and the reader study do to a case: 1.5 mm, the body's box, 128×128×64.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHILD = """
import resource, sys, time
sys.path.insert(0, ".")
import torch
torch.set_num_threads(1)
from common.data.check import check_case
from common.transforms import PrepareCased
entry = {"case_id": "a", "image": sys.argv[2], "label": sys.argv[3]}
prepare = PrepareCased(["image", "label"], preprocessing={}, image_size=[128, 128, 64], hu_window=[-1024, 600])
used = lambda: resource.getrusage(resource.RUSAGE_SELF)
before = used()
if sys.argv[1] == "libraries":
    pass
elif sys.argv[1] == "check":
    assert not check_case(entry)
else:
    prepare(entry)
after = used()
print([after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1e6])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["512x512x200", "512x512x736"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--against", type=Path, help="another checkout")
    options = parser.parse_args()
    builds = {**({"other": options.against.resolve()} if options.against else {}), "this": ROOT}
    print("| volume | step | build | CPU seconds | ratio | peak memory, GB | ratio |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            paths = make_case(Path(folder), [int(length) for length in size.split("x")])
            for step in ("libraries", "check", "prepare"):
                runs = [
                    {build: measure(root, step, paths) for build, root in builds.items()}
                    for _ in range(options.repeats)
                ]
                best = {build: [min(run[build][i] for run in runs) for i in (0, 1)] for build in builds}
                first = best[next(iter(builds))]
                for build, (seconds, memory) in best.items():
                    ratios = [mine / max(its, 1e-9) for mine, its in zip((seconds, memory), first, strict=True)]
                    time = f"{seconds:.2f} | {ratios[0]:.2f}" if step != "libraries" else " | "
                    print(f"| {size} | {step} | {build} | {time} | {memory:.2f} | {ratios[1]:.2f} |", flush=True)


def measure(root: Path, step: str, paths: tuple[str, str]) -> tuple[float, float]:
    """CPU seconds of the step and peak GB of its process."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, step, *paths]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, memory


def make_case(folder: Path, size: list[int]) -> tuple[str, str]:
    """Paths of an image of 0.977 mm pixels and 3 mm slices, or 1.5 mm where there are many, and of its mask."""
    import nibabel as nib
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = np.meshgrid(*(np.linspace(-1, 1, length) for length in size[:2]), indexing="ij")
    radius = np.hypot(x / 0.7, y / 0.5)
    plane = np.select([radius < 0.3, radius < 0.35, radius < 1], [60, 900, 20], -1000)
    image = np.empty(size, np.int16)
    for z in range(size[2]):
        image[:, :, z] = plane + rng.normal(0, 12, size[:2])
    label = np.zeros(size, np.uint8)
    label[240:280, 240:270, size[2] // 2 : size[2] // 2 + 12] = 1
    affine = np.diag([-0.977, -0.977, 3.0 if size[2] < 400 else 1.5, 1])
    paths = str(folder / "image.nii.gz"), str(folder / "label.nii.gz")
    for path, array in zip(paths, (image, label), strict=True):
        volume = nib.Nifti1Image(array, affine)
        volume.header.set_xyzt_units("mm")
        nib.save(volume, path)
    return paths


if __name__ == "__main__":
    main()
