"""Flat bodies of 96 mm in air, 2 mm voxels, some with a ball that is a lesion: what can be worked out by hand."""

import numpy as np
import torch
from monai.data import MetaTensor

from common.transforms import LesionDonors, Placement

SIZE, MM = (64, 64, 64), 2.0


def ball(centre, radius):
    """Voxels (64, 64, 64) within `radius` mm of a voxel."""
    grid = np.stack(np.meshgrid(*map(np.arange, SIZE), indexing="ij"), -1)
    return np.linalg.norm((grid - np.array(centre)) * MM, axis=-1) <= radius


def item(*, body=40.0, first=8, lesions=(), noise=0.0, seed=0):
    """Image in HU and label, (1, 64, 64, 64); `lesions` are (centre, radius, HU, class)."""
    image, label = np.full(SIZE, -1000, np.float32), np.zeros(SIZE, np.uint8)
    image[first : first + 48, 8:56, 8:56] = body
    for centre, radius, hu, value in lesions:
        image[ball(centre, radius)], label[ball(centre, radius)] = hu, value
    image += np.float32(noise) * np.random.default_rng(seed).standard_normal(SIZE, dtype=np.float32)
    affine = torch.diag(torch.tensor([MM, MM, MM, 1]))
    return {"image": MetaTensor(image[None], affine=affine), "label": MetaTensor(label[None], affine=affine)}


DONOR = item(lesions=[((24, 32, 32), 12, 100.0, 1)])


def donors(*items, held_out=(), **options):
    """Lesions of items, by default of one whose ball is 60 HU above its body."""
    given = items or (DONOR,)
    about = {key: options.pop(key) for key in ("spacing", "hu_window") if key in options}
    cases = [{"case_id": f"c{number}"} for number in range(len(given))]
    return LesionDonors(cases, list(given), placement=Placement(**options), held_out=held_out, **about)
