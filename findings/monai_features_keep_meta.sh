#!/usr/bin/env bash
# A volume of MONAI's loader goes into a network as it is: what comes out still has the volume's metadata, layer by layer.
#
# Version:  MONAI 1.6.1 with torch 2.13.0.
# Input:    a CT volume as a MetaTensor, as MONAI's transforms and DataLoader give it, and a network of convolutions that
#           ends in global pooling and a linear layer, as an extractor of features has it.
# Guess:    a network of plain torch parts gives plain tensors, or at least one that has no place in space any more.
# Came:     every layer is dispatched through MetaTensor.__torch_function__ and copies the metadata, under
#           torch.no_grad, too. The pooled features are a MetaTensor with the volume's affine and file name, and so is a
#           row of them. In an evaluation with two small networks that bookkeeping was a fifth of the time.
#           as_tensor(), or monai.utils.convert_to_tensor(x, track_meta=False), before the network ends it.
# Seen:     out: MetaTensor [1, 3], affine diagonal [2.0, 2.0, 4.0, 1.0], of ct.nii.gz
#           torch functions dispatched: 40 for 40 layers
#           of a plain tensor: Tensor, 0 dispatched, the same numbers
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0
"$work/venv/bin/pip" install -qq monai==1.6.1
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.data import MetaTensor

torch.manual_seed(0)
layers = [part for _ in range(18) for part in (torch.nn.Conv3d(2, 2, 3, padding=1), torch.nn.LeakyReLU())]
network = torch.nn.Sequential(
    torch.nn.Conv3d(1, 2, 3, padding=1), *layers, torch.nn.AdaptiveAvgPool3d(1), torch.nn.Flatten(), torch.nn.Linear(2, 3)
).eval()
volume = torch.randn(1, 1, 8, 8, 8)
affine = torch.diag(torch.tensor([2.0, 2.0, 4.0, 1.0], dtype=torch.float64))
ct = MetaTensor(volume, affine=affine, meta={"filename_or_obj": "ct.nii.gz"})

calls = 0
dispatch = MetaTensor.__torch_function__.__func__


def counted(cls, function, types, args=(), kwargs=None):
    global calls
    calls += 1
    return dispatch(cls, function, types, args, kwargs)


MetaTensor.__torch_function__ = classmethod(counted)
with torch.no_grad():
    out, dispatched = network(ct), calls
    plain = ct.as_tensor()
    calls = 0
    plain, plain_dispatched = network(plain), calls
print(f"out: {type(out).__name__} {list(out.shape)}, affine diagonal {out.affine.diagonal().tolist()}", end="")
print(f", of {out.meta['filename_or_obj']}\ntorch functions dispatched: {dispatched} for {len(network)} layers")
print(f"of a plain tensor: {type(plain).__name__}, {plain_dispatched} dispatched, the same numbers")
assert isinstance(out, MetaTensor) and torch.equal(out.affine, affine) and out.meta["filename_or_obj"] == "ct.nii.gz"
assert type(plain) is torch.Tensor and torch.equal(plain, out.as_tensor())
assert dispatched == len(network) and plain_dispatched == 0
PY
