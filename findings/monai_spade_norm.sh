#!/usr/bin/env bash
# SPADE of MONAI with a group norm: the normalisation that is called free of parameters has some, and a lesion of few
# voxels changes nothing in the coarse maps.
#
# Version:  MONAI 1.6.1 with torch 2.13.0.
# Input:    SPADE(label_nc=1, norm_nc=8, spatial_dims=3) with norm "INSTANCE" (the default), and with "GROUP" and
#           {"num_groups": 8}; a mask of 32³ with a lesion of 3³ voxels, beside a map of 4³ as a generator begins with.
# Guess:    `param_free_norm` has no parameters (Park et al., 2019, sec. 3): scale and shift come from the mask alone.
#           The mask reaches every resolution.
# Came:     with INSTANCE it has none, with GROUP (and BATCH) a learned scale and shift of each channel, unless
#           norm_params say "affine": False. The mask is made small by nearest neighbour, so that at an eighth of the
#           size one voxel in 512 is looked at: a lesion of 3³ between those leaves the map as no lesion does.
# Seen:     parameters of param_free_norm: INSTANCE 0, GROUP 16, GROUP without affine 0, BATCH 16
#           3³ voxels of lesion on a map of 4³: the same as none; of 32³: not the same
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0
"$work/venv/bin/pip" install -qq monai==1.6.1
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.networks.blocks.spade_norm import SPADE

torch.manual_seed(0)
kinds = {
    "INSTANCE": ("INSTANCE", {}),
    "GROUP": ("GROUP", {"num_groups": 8}),
    "GROUP without affine": ("GROUP", {"num_groups": 8, "affine": False}),
    "BATCH": ("BATCH", {}),
}
counts = {}
for name, (norm, params) in kinds.items():
    layer = SPADE(1, 8, spatial_dims=3, hidden_channels=4, norm=norm, norm_params=params)
    counts[name] = sum(weight.numel() for weight in layer.param_free_norm.parameters())
print("parameters of param_free_norm:", ", ".join(f"{name} {count}" for name, count in counts.items()))
assert counts == {"INSTANCE": 0, "GROUP": 16, "GROUP without affine": 0, "BATCH": 16}

layer = SPADE(1, 8, spatial_dims=3, hidden_channels=4)
none = torch.zeros(1, 1, 32, 32, 32)
lesion = none.clone()
lesion[..., 10:13, 10:13, 10:13] = 1
same = {}
with torch.no_grad():
    for size in (4, 32):
        x = torch.randn(1, 8, size, size, size)
        same[size] = torch.equal(layer(x, none), layer(x, lesion))
words = {True: "the same as none", False: "not the same"}
print(f"3³ voxels of lesion on a map of 4³: {words[same[4]]}; of 32³: {words[same[32]]}")
assert same == {4: True, 32: False}
PY
