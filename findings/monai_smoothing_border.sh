#!/usr/bin/env bash
# MONAI's smoothing takes what lies outside of a volume for 0: a CT of air gets a bright shell.
#
# Versions: MONAI 1.6.1, SimpleITK 2.5.7, SciPy 1.17.1.
# Input:    a volume of -1000 HU everywhere.
# Guess:    smoothing a constant gives that constant, at the border too, as SimpleITK's and SciPy's Gaussians do.
# Came:     GaussianSmooth, and Resize with anti_aliasing=True, which uses it, pad with zeros: -215 HU at a corner of a
#           volume smoothed with sigma 2, nearer to fat than to air, and -779 HU at a corner of the volume of half the
#           size. Neither has an option for the padding.
# Seen:     SciPy -1000, SimpleITK -1000, GaussianSmooth -215, Resize -1000, Resize with anti_aliasing -779
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 SimpleITK==2.5.7 scipy==1.17.1 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import numpy as np
import SimpleITK as sitk
import torch
from monai.transforms import GaussianSmooth, Resize
from scipy.ndimage import gaussian_filter

air = np.full((20, 20, 20), -1000, np.float32)
volume = torch.as_tensor(air)[None]
corner = {
    "SciPy": gaussian_filter(air, 2)[0, 0, 0],
    "SimpleITK": sitk.GetArrayFromImage(sitk.DiscreteGaussian(sitk.GetImageFromArray(air), 4.0))[0, 0, 0],
    "MONAI GaussianSmooth": GaussianSmooth(2.0)(volume)[0, 0, 0, 0],
    "MONAI Resize": Resize((10, 10, 10), mode="trilinear")(volume)[0, 0, 0, 0],
    "MONAI Resize with anti_aliasing": Resize((10, 10, 10), mode="trilinear", anti_aliasing=True)(volume)[0, 0, 0, 0],
}
corner = {who: round(float(value)) for who, value in corner.items()}
print(", ".join(f"{who} {value}" for who, value in corner.items()))
assert list(corner.values()) == [-1000, -1000, -215, -1000, -779]
PY
