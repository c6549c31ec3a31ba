"""CPU seconds that a pair costs a segmenter's training: drawn by a generator, read from a set, or from the cache.

    python tests/benchmarks/drawn_pairs.py                                      # the shipped hagan_128
    python tests/benchmarks/drawn_pairs.py --checkpoint output/hecktor/model.pt

One thread, as a worker of a `DataLoader` has; the three take turns. Prints a Markdown table of medians.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import nibabel as nib
import torch

from common.data.cached import cached_dataset
from common.runs.generator_pairs import GeneratorPairs
from common.transforms import LoadCased


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default="bundles/hagan_128")
    parser.add_argument("--checkpoint", default=None)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument(
        "--spacing", type=float, nargs=3, default=None, help="of the segmenter, mm; by default the pairs'"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = GeneratorPairs(options.generator, checkpoint=options.checkpoint)
    load = LoadCased(["image", "label"], crop="none", spacing=options.spacing)
    shape = tuple(pairs.draw(options.pairs)["image"].shape[1:])  # the network is built here
    with tempfile.TemporaryDirectory() as folder:
        seconds: dict[str, list[float]] = {"drawn": [], "read": [], "cached": []}
        for number in range(options.pairs):
            start = time.process_time()
            volumes = pairs.draw(number)
            load(volumes)
            seconds["drawn"].append(time.process_time() - start)
            entry = {key: str(Path(folder, f"{key}_{number}.nii.gz")) for key in volumes}
            for key, volume in volumes.items():
                nib.save(nib.Nifti1Image(volume[0].numpy(), volume.affine.numpy()), entry[key])
            items = cached_dataset([entry], load, cache="disk", cache_dir=folder)
            for kind in ("read", "cached"):
                start = time.process_time()
                items[0]
                seconds[kind].append(time.process_time() - start)
    print(f"| a pair of {'×'.join(map(str, shape))} | CPU s, median of {options.pairs} |\n|---|---|")
    for kind, values in seconds.items():
        print(f"| {kind} | {statistics.median(values):.3f} |")


if __name__ == "__main__":
    main()
