"""What principal components of blocks keep of images: the error, and how far the slices are from those that went in.

    python tests/benchmarks/block_code.py --dataset_dir data/openkbp --folds "[1,2,3,4]" --held_out 0 --cases 40

The components are those of the training folds. The error is that of the held-out cases; the KID is between these, as
they are, and as many training cases that were coded. Beside them stand Gaussian blurs, to compare a figure with. With
`--picture FILE` one case is drawn, and what numbers of components leave of it. Prints a Markdown table.
"""

import argparse
import ast
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.transforms import GaussianSmooth
from torch import Tensor

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from common.data.datalist import read_datalist, select_cases  # noqa: E402
from common.metrics.kernel_distance import kernel_distance  # noqa: E402
from common.networks.block_code import BlockCode  # noqa: E402
from common.networks.extractor import Extractor, load_extractor  # noqa: E402
from common.reports.slices import pair_grid  # noqa: E402
from common.transforms.prepare_case import PrepareCased  # noqa: E402

LOW, HIGH = -1024, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=Path, default="data/phantom")
    parser.add_argument("--folds", default="[1,2,3,4]", help="that the components are found in")
    parser.add_argument("--held_out", default="0", help="folds that judge, or testing")
    parser.add_argument("--cases", type=int, default=40, help="of the held-out ones, at most")
    parser.add_argument("--size", type=int, nargs=3, default=[64, 64, 32])
    parser.add_argument("--spacing", type=float, default=3.0)
    parser.add_argument("--components", type=int, nargs="*", default=[8, 16, 24, 32, 48, 64])
    parser.add_argument("--blurs", type=float, nargs="*", default=[0.5, 0.7], help="deviations in voxels")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    data = [read_images(options, folds) for folds in (options.folds, options.held_out)]
    training, real = data[0], torch.stack(data[1][: options.cases])
    if options.picture:
        draw(training, real[0], options)
        return
    extractor = load_extractor("slices")
    features, seen = describe(extractor, real), torch.stack(training[: options.cases])
    print(f"{len(training)} training cases, {len(real)} held out, {'×'.join(map(str, options.size))} voxels\n")
    print("| code | error | KID of slices | s |\n|---|---|---|---|", flush=True)
    for name, code in codes(training, options):
        start = time.perf_counter()
        error = (code(real) - real).abs().mean()
        seconds = time.perf_counter() - start
        kid = kernel_distance(features, describe(extractor, code(seen)))
        print(f"| {name} | {error:.4f} | {kid:.4f} | {seconds:.1f} |", flush=True)


def read_images(options: argparse.Namespace, folds: str) -> list[Tensor]:
    """Images (1, *size) in [-1, 1] of some folds, as a training prepares them."""
    chosen = folds if folds in ("testing", "everything") else ast.literal_eval(folds)
    cases = select_cases(
        read_datalist(options.dataset_dir / "datalist.json"), folds=chosen, dataset_dir=options.dataset_dir
    )
    preprocessing = {"spacing": [options.spacing] * 3}
    prepare = PrepareCased(["image"], preprocessing=preprocessing, image_size=options.size, hu_window=[LOW, HIGH])
    return [torch.as_tensor(np.asarray(prepare(dict(case))["image"])).float() for case in cases]


def codes(training: list[Tensor], options: argparse.Namespace) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    """Names, and functions from images (B, 1, *size) to what is left of them."""
    for channels in options.components:
        code = BlockCode(channels)
        code.fit(training)
        yield f"{channels} components", lambda images, code=code: code.decode(code.encode(images))
    for sigma in options.blurs:
        yield f"blur of {sigma} voxel", partial(blurred, smooth=GaussianSmooth(sigma))


def blurred(images: Tensor, *, smooth: GaussianSmooth) -> Tensor:
    """Images smoothed, their borders continued, where MONAI's transform would put 0."""
    padded = torch.nn.functional.pad(images, [4] * 6, mode="replicate")
    return torch.stack([torch.as_tensor(smooth(image)) for image in padded])[..., 4:-4, 4:-4, 4:-4]


def describe(extractor: Extractor, images: Tensor) -> np.ndarray:
    """Features (B, d), a few images at a time."""
    return torch.cat([extractor(part) for part in images.split(4)]).double().numpy()


def draw(training: list[Tensor], image: Tensor, options: argparse.Namespace) -> None:
    """Picture of an image and of what numbers of components leave of it, a row each."""
    rows = {"as it is": image}
    for channels in options.components:
        code = BlockCode(channels)
        code.fit(training)
        rows[f"{channels} of 64"] = code.decode(code.encode(image[None]))[0]
    volumes = [(row + 1) / 2 * (HIGH - LOW) + LOW for row in rows.values()]
    pair_grid(volumes, path=options.picture, spacing=[options.spacing] * 3, names=list(rows), width=9)


if __name__ == "__main__":
    main()
