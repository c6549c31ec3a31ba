"""The precision that an option names, on the device that computes."""

from typing import Literal, get_args

import torch

Amp = Literal["auto", "off", "bf16", "fp16"]
_CPU_BF16 = ("avx512_bf16", "amx_bf16")  # instructions that multiply it, for which oneDNN has 3D convolutions


def autocast_dtype(amp: Amp, *, device: torch.device) -> torch.dtype | None:
    """What autocast computes products in; None is float32, without autocast.

    Args:
        amp: ``auto`` is bf16 where the device multiplies it, else off. fp16 needs gradients to be scaled in training,
            bf16 does not.
        device: That computes.

    Raises:
        ValueError: another precision.
    """
    if amp not in get_args(Amp):
        raise ValueError(f"amp is '{amp}', expected one of {', '.join(get_args(Amp))} (YAML: 'off' in quotes)")
    if amp == "auto":
        amp = "bf16" if multiplies_bf16(device) else "off"
    return {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}[amp]


def multiplies_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bf16; one without emulates them, slower than float32."""
    if device.type == "cpu":
        return any(torch.cpu.get_capabilities().get(name, False) for name in _CPU_BF16)
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
