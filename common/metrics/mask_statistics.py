"""Radiomic statistics of one case's mask: counts, sizes, shapes, positions, and HU inside and around it."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from scipy import ndimage
from skimage import measure

from ..transforms.body_mask import BodyMask

Box = tuple[slice, ...]

# The statistics of a region and their units.
UNITS = {
    "present": "share of cases",
    "frequency": "share of voxels",
    "components": "parts",
    "volume": "ml",
    "surface": "mm²",
    "sphericity": "",
    "centroid_right": "share of the body's width",
    "centroid_anterior": "share of the body's depth",
    "centroid_superior": "share of the body's height",
    "hu_mean": "HU",
    "hu_sd": "HU",
    "hu_rim": "HU",
    "hu_contrast": "HU",
    "air": "share of the mask's voxels",
}
AIR_HU = -400  # a mask's voxel below it is air: lung and airways are, fat and skin are not


def mask_statistics(
    label: np.ndarray,
    image: np.ndarray,
    *,
    spacing: Sequence[float],
    labels: Sequence[int],
    body: np.ndarray | None = None,
    rim_width: float = 5,
) -> dict[str, float]:
    """Statistics of one case as ``<region>/<statistic>``, of the regions ``foreground`` and ``label_<value>``.

    The statistics and their units are `UNITS`. A region without a voxel has ``present`` and ``frequency`` 0, all else
    NaN. Parts are connected by faces. Surface and sphericity π^(1/3)·(6V)^(2/3)/A are those of the marching-cubes mesh
    (IBSI): at most 1, 0.93 for a digitised ball, 0.90 for one in slices twice as thick, so compare cases of one
    spacing. The centroid counts from the left, back and bottom of the body's box. ``hu_rim`` is the mean of the body's
    voxels outside the foreground and within `rim_width` of the region, ``hu_contrast`` the mean inside minus it; both
    are NaN where there is no such voxel. ``air`` is what of the region lies below -400 HU.

    Args:
        label: Whole numbers (H, W, D) in RAS; 0 is background.
        image: HU of the same shape.
        spacing: Of the voxels, in mm.
        labels: Values of which each gets its own statistics.
        body: As `body_mask` returns it, where it is known already.
        rim_width: In mm.

    Raises:
        ValueError: Label or image is not (H, W, D), or they differ in shape.
    """
    label, image = np.asarray(label), np.asarray(image)
    if label.ndim != 3 or label.shape != image.shape:
        raise ValueError(f"expected label and image (H, W, D) of one shape, got {label.shape} and {image.shape}")
    body = body_mask(image, spacing=spacing) if body is None else body
    box_of_body = body_box(body)
    row: dict[str, float] = {}
    for name, region in _regions(label, labels):
        statistics = dict.fromkeys(UNITS, float("nan")) | {"present": 0.0, "frequency": 0.0}
        if region.any():
            statistics |= {"present": 1.0, "frequency": float(region.mean())}
            centroid = _fractions(np.argwhere(region), box_of_body).mean(axis=0).tolist()
            statistics |= zip(("centroid_right", "centroid_anterior", "centroid_superior"), centroid, strict=True)
            margins = np.ceil(np.divide(rim_width, spacing)).astype(int).tolist()
            box = zip(body_box(region), margins, strict=True)
            window = tuple(slice(max(0, side.start - margin), side.stop + margin) for side, margin in box)
            statistics |= _shape(region[window], spacing)
            around = body[window] & (label[window] == 0)
            statistics |= _intensity(region[window], around, image[window], spacing, rim_width)
        row |= {f"{name}/{key}": value for key, value in statistics.items()}
    return row


def body_mask(image: np.ndarray, *, spacing: Sequence[float]) -> np.ndarray:
    """The patient in `image` (H, W, D) HU with the air inside; the whole volume where none is found (a noise image)."""
    affine = torch.as_tensor(np.diag([*spacing, 1.0]))
    volume = MetaTensor(torch.as_tensor(np.asarray(image, dtype=np.float32))[None], affine=affine)
    mask = BodyMask()(volume)[0].numpy()
    if not mask.any():
        return np.ones_like(mask)
    within = np.zeros((3, 3, 3), bool)
    within[..., 1] = ndimage.generate_binary_structure(2, 1)
    parts, count = ndimage.label(~mask, within)  # of the background, in each axial slice
    outside = np.zeros(count + 1, bool)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        outside[side] = True
    outside[0] = False  # the mask itself
    return ~outside[parts]


def body_box(body: np.ndarray) -> Box:
    """Smallest box, a slice an axis, around the mask `body` (H, W, D), which is not empty."""
    occupied = [np.flatnonzero(body.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    return tuple(slice(int(voxels[0]), int(voxels[-1]) + 1) for voxels in occupied)


def occupancy(label: np.ndarray, *, grid: Sequence[int] = (16, 16, 8), box: Box | None = None) -> np.ndarray:
    """Share of the mask's voxels in each cell of `grid` laid over `box` (by default the volume); sums to 1.

    What lies outside the box counts in the cell at its border. All NaN where the mask (H, W, D) is empty.
    """
    label = np.asarray(label)
    voxels = np.argwhere(label > 0)
    if not len(voxels):
        return np.full(grid, np.nan)
    fractions = _fractions(voxels, box or tuple(slice(0, size) for size in label.shape))
    counts, _ = np.histogramdd(np.clip(fractions, 0, 1), bins=grid, range=[(0, 1)] * 3)
    return counts / len(voxels)


def _regions(label: np.ndarray, labels: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and mask of each region; one at a time is in memory."""
    yield "foreground", label > 0
    for value in labels:
        yield f"label_{value}", label == value


def _fractions(voxels: np.ndarray, box: Box) -> np.ndarray:
    """Indices (N, 3) of voxels → their centres as fractions of the box."""
    start = np.array([s.start for s in box])
    stop = np.array([s.stop for s in box])
    return (voxels + 0.5 - start) / (stop - start)


def _shape(region: np.ndarray, spacing: Sequence[float]) -> dict[str, float]:
    padded = np.pad(region, 1).astype(np.float32)
    vertices, faces, _, _ = measure.marching_cubes(padded, 0.5, spacing=tuple(spacing))
    area = float(measure.mesh_surface_area(vertices, faces))
    a, b, c = np.moveaxis(vertices[faces].astype(float), 1, 0)
    mesh_volume = abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6  # the voxels' would pass 1 for a speck
    return {
        "components": float(measure.label(region, connectivity=1, return_num=True)[1]),
        "volume": float(region.sum() * np.prod(spacing) / 1000),
        "surface": area,
        "sphericity": float(np.pi ** (1 / 3) * (6 * mesh_volume) ** (2 / 3) / area),
    }


def _intensity(
    region: np.ndarray, around: np.ndarray, image: np.ndarray, spacing: Sequence[float], width: float
) -> dict[str, float]:
    inside = image[region].astype(float)
    near = ndimage.distance_transform_edt(~region, sampling=spacing) <= width
    rim = image[near & around].astype(float)
    rim_mean = float(rim.mean()) if rim.size else float("nan")
    return {
        "hu_mean": float(inside.mean()),
        "hu_sd": float(inside.std()),
        "hu_rim": rim_mean,
        "hu_contrast": float(inside.mean()) - rim_mean,
        "air": float((inside < AIR_HU).mean()),
    }
