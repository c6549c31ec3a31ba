#!/usr/bin/env bash
# SSIM of two volumes that differ in their first slices: 0.99 in MONAI and scikit-image, 0.85 in torchmetrics.
#
# Versions: MONAI 1.6.1, torchmetrics 1.9.0, scikit-image 0.26.0.
# Input:    24 x 24 x 24 voxels of noise in 0 to 1; the second volume has 0 in the first 3 slices. All three with
#           the same window (Gaussian, sigma 1.5, 11 wide) and data_range=1.
# Guess:    the same formula and window give the same number to three digits.
# Came:     MONAI and scikit-image leave out the 5 voxels at every face, where the window does not fit: what is wrong
#           there hardly counts. torchmetrics mirrors the volume beyond its faces and averages over all voxels. On
#           volumes of 24 voxels MONAI looks at 20 % of them: a third dimension makes the border the larger part.
# Seen:     MONAI 0.992, scikit-image 0.992, scikit-image with its border 0.849, torchmetrics 0.849
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 torchmetrics==1.9.0 scikit-image==0.26.0 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.metrics import SSIMMetric
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

first = torch.rand(1, 1, 24, 24, 24, generator=torch.Generator().manual_seed(0))
second = first.clone()
second[..., :3] = 0
window = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
inner, everywhere = structural_similarity(first[0, 0].numpy(), second[0, 0].numpy(), full=True, **window)
found = {
    "MONAI": SSIMMetric(3, data_range=1.0)(first, second),
    "scikit-image": inner,
    "scikit-image with its border": everywhere.mean(),
    "torchmetrics": structural_similarity_index_measure(first, second, data_range=1.0),
}
print(", ".join(f"{who} {float(value):.3f}" for who, value in found.items()))
assert [round(float(value), 2) for value in found.values()] == [0.99, 0.99, 0.85, 0.85]
PY
