#!/usr/bin/env bash
# MONAI's spatial transforms inside of torch's autocast turn by a rounded matrix, or end in a TypeError.
#
# Versions: monai 1.6.1, torch 2.13.0.
# Input:    a float32 ramp of 256×256×16 whose values are the voxel's first index, turned by 0.1 about an axis and shifted by
#           60.7 voxels; once as it is, once within `torch.autocast`, as where test-time augmentation or an augmentation on
#           the device stands in the block of the network.
# Guess:    autocast is for networks: a transform of float32 volumes gives the same numbers within it.
# Came:     the transforms multiply their small matrices with `@`, and autocast makes that a product of half precision. With
#           float16, the usual type on GPUs, and with bfloat16, Rotate takes its values from other places: 0.08 and 1.05
#           voxels off, without a word. Affine and RandAffine do so with float16, and end with bfloat16 in "Got unsupported
#           ScalarType BFloat16", as NumPy has no such type. Keep transforms outside of the block.
# Seen:     Rotate float16 0.08 bfloat16 1.05; Affine float16 0.05 bfloat16 Got unsupported ScalarType BFloat16
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0 monai==1.6.1 numpy==2.4.6
cat > "$work/check.py" <<'PY'
import torch
from monai.transforms import Affine, Rotate

ramp = torch.arange(256.0)[None, :, None, None].expand(1, 256, 256, 16).contiguous()
inside = slice(80, 170)


def turned(kind):
    rotate = Rotate([0.0, 0.0, 0.1], padding_mode="border")
    affine = Affine(rotate_params=(0.0, 0.0, 0.1), translate_params=(60.7, 0.0, 0.0), padding_mode="border", image_only=True)
    return {"Rotate": rotate, "Affine": affine}[kind](ramp)[0, inside, inside]


seen = {}
for kind in ("Rotate", "Affine"):
    exact = turned(kind)
    for dtype in (torch.float16, torch.bfloat16):
        try:
            with torch.autocast("cpu", dtype=dtype):
                seen[kind, dtype] = round(float((turned(kind) - exact).abs().max()), 2)
        except TypeError as error:
            seen[kind, dtype] = str(error)
    print(kind, "float16", seen[kind, torch.float16], "bfloat16", seen[kind, torch.bfloat16])
assert seen["Rotate", torch.float16] > 0.01 and seen["Rotate", torch.bfloat16] > 0.1
assert seen["Affine", torch.float16] > 0.01
assert seen["Affine", torch.bfloat16] == "Got unsupported ScalarType BFloat16"
PY
"$work/venv/bin/python" -W ignore "$work/check.py"
