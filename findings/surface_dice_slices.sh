#!/usr/bin/env bash
# Surface Dice on 5 mm slices: MONAI counts boundary voxels, surface-distance measures areas.
#
# Versions: MONAI 1.6.1, surface-distance-based-measures 0.1 (DeepMind's code).
# Input:    a block of 6 x 10 x 10 voxels of 5 x 1 x 1 mm and the same block one slice higher, tolerance 1 mm.
# Guess:    both take the voxel size, so they agree within a few per cent: about 0.8, since the four sides lie within
#           the tolerance and only top and bottom do not.
# Came:     0.60 from MONAI, 0.83 from surface-distance. By default a voxel of a side, whose face has 5 mm2, weighs as
#           much as one of the top with 1 mm2; only use_subvoxels=True weighs by area and gives 0.83. The thicker the
#           slices, the larger the gap, at the same error.
# Seen:     MONAI 0.605, MONAI with use_subvoxels 0.830, surface-distance 0.830
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 surface-distance-based-measures==0.1 \
    scipy==1.17.1 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import numpy as np
import surface_distance
import torch
from monai.metrics import compute_surface_dice

spacing, tolerance = (5, 1, 1), 1.0
reference = np.zeros((12, 20, 20), bool)
reference[3:9, 4:14, 4:14] = True
prediction = np.roll(reference, 1, axis=0)
pair = [torch.as_tensor(np.stack([~mask, mask])[None]).float() for mask in (prediction, reference)]
distances = surface_distance.compute_surface_distances(reference, prediction, spacing)
found = {
    "MONAI": compute_surface_dice(*pair, [tolerance], spacing=spacing),
    "MONAI with use_subvoxels": compute_surface_dice(*pair, [tolerance], spacing=spacing, use_subvoxels=True),
    "surface-distance": surface_distance.compute_surface_dice_at_tolerance(distances, tolerance),
}
print(", ".join(f"{who} {float(value):.3f}" for who, value in found.items()))
assert [round(float(value), 3) for value in found.values()] == [0.605, 0.83, 0.83]
PY
