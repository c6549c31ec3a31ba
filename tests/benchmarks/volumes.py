"""CPU seconds of what preparing and scoring volumes is made of: the plain form, other libraries, and ours, in turns.

    OMP_NUM_THREADS=1 python tests/benchmarks/volumes.py
    OMP_NUM_THREADS=1 python tests/benchmarks/volumes.py --rows resampling window

Prints a Markdown table: the fastest of the repeats, which take turns, the ratio to the first form of a row's work, and
the largest difference from its result. SimpleITK takes part where it is installed.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
from monai.data import MetaTensor
from monai.metrics import MultiScaleSSIMMetric
from monai.transforms import Resize, ScaleIntensityRange, Spacing
from scipy import ndimage

Form = tuple[str, Callable[[], Any]]
RNG = np.random.default_rng(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| work | form | CPU seconds | ratio | largest difference |\n|---|---|---|---|---|")
    for name in options.rows:
        for title, forms in WORK[name]():
            results = [torch.as_tensor(np.asarray(run())).float() for _, run in forms]
            seconds = [[] for _ in forms]
            for _ in range(options.repeats):
                for place, (_, run) in enumerate(forms):
                    start = time.process_time()
                    run()
                    seconds[place].append(time.process_time() - start)
            best = [min(each) for each in seconds]
            for (form, _), used, result in zip(forms, best, results, strict=True):
                apart = float((result - results[0]).abs().max())
                print(f"| {title} | {form} | {used:.3f} | {used / best[0]:.2f} | {apart:.2g} |", flush=True)


def resampling() -> Iterator[tuple[str, list[Form]]]:
    """A case of OpenKBP to 1.5 mm, 332×332×213."""
    from common.transforms.separable_resample import SeparableResample

    values = RNG.integers(-1000, 2000, (1, 128, 128, 128)).astype(np.float32)
    sizes = (3.906, 3.906, 2.5)
    image = MetaTensor(torch.as_tensor(values), affine=np.diag([*sizes, 1.0]))
    for mode, order in (("bilinear", 1), ("nearest", 0)):
        monai, ours = (Spacing((1.5,) * 3, mode=mode) for _ in range(2))
        ours.sp_resample = SeparableResample(mode=mode)
        scipy = partial(
            ndimage.affine_transform,
            *(values[0], np.divide(1.5, sizes)),
            output_shape=tuple(monai(image).shape[1:]),
            order=order,
            mode="nearest",
            output=np.float32,
        )
        forms = [
            ("MONAI's Spacing", partial(monai, image)),
            ("scipy's affine_transform", lambda scipy=scipy: scipy()[None]),
        ]
        forms += by_simpleitk(values[0], sizes, monai(image).shape[1:], mode)
        yield f"to 1.5 mm, {mode}", [*forms, ("axis by axis, in slices", partial(ours, image))]


def by_simpleitk(values: np.ndarray, sizes: tuple[float, ...], after: tuple[int, ...], mode: str) -> list[Form]:
    try:
        import SimpleITK as sitk
    except ImportError:
        return []
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing(sizes)
    kind = sitk.sitkLinear if mode == "bilinear" else sitk.sitkNearestNeighbor
    grid = ([int(n) for n in after], sitk.Transform(), kind, image.GetOrigin(), [1.5] * 3, image.GetDirection())

    def run() -> np.ndarray:
        out = sitk.Resample(image, *grid, 0.0, sitk.sitkFloat32, True)
        return sitk.GetArrayFromImage(out).transpose(2, 1, 0)[None]

    return [("SimpleITK's Resample", run)]


def resizing() -> Iterator[tuple[str, list[Form]]]:
    from common.transforms import AntialiasedResize

    image, size = MetaTensor(torch.as_tensor(RNG.random((1, 300, 200, 213), dtype=np.float32))), (128, 128, 64)
    sigma = np.maximum(np.divide(image.shape[1:], size) - 1, 0) / 2
    resize = Resize(size, mode="trilinear")

    def plain() -> torch.Tensor:
        return resize(torch.as_tensor(ndimage.gaussian_filter(image[0].numpy(), sigma, mode="nearest"))[None])

    ours = AntialiasedResize(size)
    yield (
        "smoothed to 128×128×64",
        [("scipy's gaussian_filter, MONAI's Resize", plain), ("a product an axis", lambda: ours(image))],
    )


def window() -> Iterator[tuple[str, list[Form]]]:
    from common.transforms import HUWindow

    image = MetaTensor(torch.as_tensor(RNG.integers(-1000, 2000, (1, 332, 332, 213)).astype(np.float32)))
    monai = ScaleIntensityRange(-1024.0, 600.0, -1, 1, clip=True)
    yield (
        "HU window",
        [("MONAI's ScaleIntensityRange", partial(monai, image)), ("in place", partial(HUWindow(), image))],
    )


def order() -> Iterator[tuple[str, list[Form]]]:
    import nibabel as nib

    from common.transforms.volume_reader import VolumeReader

    stored = np.asfortranarray(RNG.integers(0, 100, (512, 512, 200)).astype(np.int16))
    volume = nib.Nifti1Image(stored, np.eye(4))
    whole = ("NumPy's ascontiguousarray", partial(np.ascontiguousarray, stored))
    yield "voxels in torch's order", [whole, ("row by row", lambda: VolumeReader()._get_array_data(volume, ""))]


def ms_ssim() -> Iterator[tuple[str, list[Form]]]:
    from common.metrics.diversity import KERNEL, multi_scale_ssim, scale_weights

    pair = [
        torch.as_tensor(ndimage.gaussian_filter(RNG.random((1, 128, 128, 64), dtype=np.float32), 2)) for _ in range(2)
    ]
    pair = [(volume - volume.min()) / (volume.max() - volume.min()) for volume in pair]
    monai = MultiScaleSSIMMetric(spatial_dims=3, kernel_size=KERNEL, weights=scale_weights(pair[0].shape[1:]))
    plain = ("MONAI's MultiScaleSSIMMetric", lambda: monai(pair[0][None], pair[1][None])[0])
    yield "MS-SSIM of a pair", [plain, ("the Gaussian axis by axis", partial(multi_scale_ssim, pair, pairs=1))]


def extractors() -> Iterator[tuple[str, list[Form]]]:
    """The three views of one volume, random weights; a third of the slices hold some mask."""
    from common.networks.folded import fold_batch_norms
    from common.networks.medical_resnet import medical_resnet
    from common.networks.slice_features import EfficientNetLite0, SliceFeatures

    image, mask = torch.rand(1, 1, 128, 128, 64) * 2 - 1, torch.full((1, 1, 128, 128, 64), -1.0)
    mask[..., 44:84, 44:84, 22:43] = 1
    views = [torch.where(mask > 0, 1.0, image), image, mask]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        organs = medical_resnet(10, widths=(32, 64, 128, 256)).eval()
        slices = SliceFeatures(EfficientNetLite0()).eval()
    folded = fold_batch_norms(copy.deepcopy(organs)).to(memory_format=torch.channels_last_3d)
    light = fold_batch_norms(copy.deepcopy(slices))

    def by_plane(view: torch.Tensor) -> torch.Tensor:
        pictures = (slices._pictures(view.movedim(axis, 2)).expand(-1, 3, -1, -1) for axis in (2, 3, 4))
        return torch.cat([slices.backbone(each).mean(0, keepdim=True) for each in pictures], dim=1)

    def quiet(run: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
        return torch.no_grad()(run)

    yield (
        "organs, three views",
        [
            ("view by view", quiet(lambda: torch.cat([organs(view) for view in views]))),
            ("batch norms folded, channels last", quiet(lambda: folded(torch.cat(views)))),
        ],
    )
    yield (
        "slices, three views",
        [
            ("plane by plane", quiet(lambda: torch.cat([by_plane(view) for view in views]))),
            ("batch norms folded", quiet(lambda: torch.cat([light(view) for view in views]))),
            ("equal slices once", quiet(lambda: light(torch.cat(views)))),
        ],
    )


def scores() -> Iterator[tuple[str, list[Form]]]:
    """A tenth of the replicates and splits of an evaluation of 232 and 232 cases."""
    from common.metrics import comparison
    from common.metrics.kernel_distance import maximum_mean_discrepancy

    sets = RNG.normal(size=(232, 3840)), RNG.normal(size=(232, 3840)) + 0.01
    named = {score.__name__: score for score in comparison._RIGID - {maximum_mean_discrepancy}}

    def run(*, spanned: bool) -> list[float]:
        keep = comparison._spanned
        comparison._spanned = keep if spanned else lambda *given: given
        try:
            rows = comparison.compare(named, *sets, replicates=20, splits=2)
        finally:
            comparison._spanned = keep
        return [rows[name]["value"] for name in sorted(rows)]

    forms = [("of 3840 features", partial(run, spanned=False)), ("in what 464 cases span", partial(run, spanned=True))]
    yield "five scores, resampled", forms


WORK = {
    "resampling": resampling,
    "resizing": resizing,
    "window": window,
    "order": order,
    "ms_ssim": ms_ssim,
    "extractors": extractors,
    "scores": scores,
}

if __name__ == "__main__":
    main()
