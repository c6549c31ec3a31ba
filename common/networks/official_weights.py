"""State dicts of the authors' HA-GAN code, renamed to ours."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Network = Literal["generator", "discriminator", "encoder_h", "encoder_g"]


def convert_official_weights(state: Mapping[str, Tensor], network: Network) -> dict[str, Tensor]:
    """State dict for our `network` from the official one (``ckpt['model']`` of G, D, E or Sub_E; 128³ or 256³).

    A conditional G and D are ours with ``classes`` and ``conditioning="auxiliary"``.

    Spectral norm keeps one power-iteration vector u there and the pair (u, v) here; both are advanced by the one
    iteration that the official layer makes when it is evaluated, so that outputs in evaluation mode are the same.

    Raises:
        ValueError: A key has no counterpart, which names a different network.
    """
    state = {key.removeprefix("module."): value for key, value in state.items()}
    names = _layer_names(state, network)
    converted: dict[str, Tensor] = {}
    for key, value in state.items():
        layer, _, parameter = key.rpartition(".")
        if layer not in names:
            raise ValueError(f"key '{key}' is not of the official {network} (expected layers {sorted(names)})")
        if parameter == "sv0":  # the last singular value, which the official code keeps for logging only
            continue
        if parameter == "u0":
            converted |= _spectral_vectors(names[layer], state[f"{layer}.weight"], value)
        elif parameter == "weight" and f"{layer}.u0" in state:
            converted[f"{names[layer]}.parametrizations.weight.original"] = value
        else:
            converted[f"{names[layer]}.{parameter}"] = value
    return converted


def _layer_names(state: Mapping[str, Tensor], network: Network) -> dict[str, str]:
    """Official layer name to ours."""
    layers = {key.rpartition(".")[0] for key in state}
    if network == "generator":
        names = {"fc1": "g_a.fc", "tp_conv6": "g_h.0.0", "bn6": "g_h.0.1", "tp_conv7": "g_h.1"}
        names |= {f"{old}{k}": f"g_a.blocks.{k - 1}.{new}" for k in range(1, 6) for old, new in _CONV_NORM}
        names |= {f"sub_G.{old}{k}": f"g_l.{k - 1}.{new}" for k in (1, 2) for old, new in _CONV_NORM}
        return names | {"sub_G.tp_conv3": "g_l.2"}
    if network == "discriminator":
        high = sorted(name for name in layers if name.startswith("conv"))
        low = sorted(name for name in layers if name.startswith("sub_D.conv"))
        names = {"fc1": "d_h.fc1", "fc2": "d_h.fc2", "fc2_class": "d_h.fc2_class"}
        names |= {name: f"d_h.blocks.{2 * k}" for k, name in enumerate(high)}
        return names | {name: f"d_l.{2 * k}" for k, name in enumerate(low)}
    convs = sorted(name for name in layers if name.startswith("conv"))
    names = {name: f"{k}.0" for k, name in enumerate(convs)}
    names |= {name.replace("conv", "bn"): f"{k}.1" for k, name in enumerate(convs)}
    if network == "encoder_g":  # its last convolution stands alone
        names[convs[-1]] = str(len(convs) - 1)
        del names[convs[-1].replace("conv", "bn")]
    return names


_CONV_NORM = (("tp_conv", 0), ("bn", 1))


def _spectral_vectors(name: str, weight: Tensor, u: Tensor) -> dict[str, Tensor]:
    matrix = weight.flatten(1)
    v = F.normalize(torch.mv(matrix.t(), u.flatten()), dim=0, eps=1e-12)
    u = F.normalize(torch.mv(matrix, v), dim=0, eps=1e-12)
    return {f"{name}.parametrizations.weight.0._u": u, f"{name}.parametrizations.weight.0._v": v}
