"""Scores of the same masks by each library that is installed: the table of the docs' page on readers and scores.

    python -m tests.benchmarks.mask_scores

prints ours and MONAI's. In an environment of its own, without torch, the file itself prints the others':

    pip install medpy==0.5.2 Surface-Distance-Based-Measures==0.1 SimpleITK==2.5.7 numpy==2.2.6
    python tests/benchmarks/mask_scores.py
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np

SHAPE, TOLERANCE = (40, 40, 40), 2.0
Scores = dict[str, Callable[[], float]]


def ball(centre: tuple[int, int, int], radius: float) -> np.ndarray:
    """A ball in voxels."""
    squares = [(grid - place) ** 2 for grid, place in zip(np.indices(SHAPE), centre, strict=True)]
    return sum(squares[1:], squares[0]) <= radius**2


def masks() -> Iterator[tuple[str, np.ndarray, np.ndarray, tuple[float, float, float]]]:
    """Name, prediction, truth and spacing."""
    middle, nothing, cube = ball((20, 20, 20), 10), np.zeros(SHAPE, bool), (1.0, 1.0, 1.0)
    yield "shifted by 2 voxels", ball((22, 20, 20), 10), middle, cube
    yield "the same, slices of 3 mm", ball((22, 20, 20), 10), middle, (1.0, 1.0, 3.0)
    yield "a speck of 7 voxels far away", middle | ball((36, 36, 36), 1), middle, cube
    yield "an island of 257 voxels far away", middle | ball((34, 34, 34), 4), middle, cube
    yield "cut by the border", ball((3, 20, 20), 8), ball((2, 20, 20), 8), cube
    yield "nothing predicted", nothing, middle, cube
    yield "nothing to find", middle, nothing, cube
    yield "nothing at all", nothing, nothing, cube


def scores(prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, float, float]) -> Scores:
    """Library and score → what computes it."""
    found: Scores = {}
    with suppress(ImportError):
        from common.metrics.segmentation import segmentation_scores

        row = segmentation_scores(prediction, truth, spacing=spacing, tolerance=TOLERANCE)
        found |= {f"ours {name}": lambda name=name: row[f"foreground/{name}"] for name in ("dice", "hd95_mm", "nsd")}
    with suppress(ImportError):
        import torch
        from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice

        pair = [torch.from_numpy(mask.copy())[None, None] for mask in (prediction, truth)]
        options = {"include_background": True, "spacing": list(spacing)}
        found["MONAI dice"] = lambda: compute_dice(*pair)
        found["MONAI hd95"] = lambda: compute_hausdorff_distance(*pair, percentile=95, **options)
        found["MONAI nsd"] = lambda: compute_surface_dice(*pair, [TOLERANCE], **options)
        found["MONAI nsd, subvoxels"] = lambda: compute_surface_dice(*pair, [TOLERANCE], use_subvoxels=True, **options)
    with suppress(ImportError):
        from medpy.metric import binary

        found["MedPy dice"] = lambda: binary.dc(prediction, truth)
        found["MedPy hd95"] = lambda: binary.hd95(prediction, truth, voxelspacing=spacing)
    with suppress(ImportError):
        import surface_distance

        surfaces = lambda: surface_distance.compute_surface_distances(truth, prediction, spacing)  # noqa: E731
        found["surface-distance dice"] = lambda: surface_distance.compute_dice_coefficient(truth, prediction)
        found["surface-distance hd95"] = lambda: surface_distance.compute_robust_hausdorff(surfaces(), 95)
        found["surface-distance nsd"] = lambda: surface_distance.compute_surface_dice_at_tolerance(
            surfaces(), TOLERANCE
        )
    with suppress(ImportError):
        import SimpleITK as sitk

        images = [sitk.GetImageFromArray(mask.astype(np.uint8).transpose(2, 1, 0)) for mask in (truth, prediction)]
        for image in images:
            image.SetSpacing(spacing)
        overlap, hausdorff = sitk.LabelOverlapMeasuresImageFilter(), sitk.HausdorffDistanceImageFilter()
        found["SimpleITK dice"] = lambda: overlap.Execute(*images) or overlap.GetDiceCoefficient()
        found["SimpleITK hd (100 %)"] = lambda: hausdorff.Execute(*images) or hausdorff.GetHausdorffDistance()
    return found


if __name__ == "__main__":
    for name, *pair in masks():
        print(name)
        for score, compute in scores(*pair).items():
            try:
                print(f"  {score}: {float(compute()):.4f}")
            except Exception as error:  # a library that refuses, or that NumPy 2 has broken, is a result
                print(f"  {score}: {type(error).__name__}: {str(error)[:70]}")
