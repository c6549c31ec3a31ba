"""Mixed precision for whatever runs a network, on any device."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from monai.inferers import Inferer
from torch import Tensor

Amp = Literal["auto", "off", "bf16", "fp16"]
DTYPES = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}
_CPU_BF16 = ("avx512_bf16", "amx_bf16")  # instructions that multiply it, for which oneDNN has 3D convolutions


class AutocastInferer(Inferer):
    """Runs `inferer` under autocast on the device of its inputs; MONAI's engines know CUDA's alone.

    fp16 needs gradients to be scaled in training (``amp: true`` of MONAI's trainer does), bf16 does not.

    Args:
        inferer: That runs the network.
        amp: Precision of the forward pass. ``auto`` is bf16 where the device multiplies it, else off.

    Raises:
        ValueError: another precision.
    """

    def __init__(self, inferer: Inferer, *, amp: Amp = "off") -> None:
        super().__init__()
        if amp not in get_args(Amp):
            raise ValueError(f"amp is '{amp}', expected one of {', '.join(get_args(Amp))} (YAML: 'off' in quotes)")
        self.inferer = inferer
        self.amp = amp

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Output of the network."""
        amp = self.amp
        if amp == "auto":
            amp = "bf16" if multiplies_bf16(inputs.device) else "off"
        with torch.autocast(inputs.device.type, DTYPES[amp], enabled=amp != "off"):
            return self.inferer(inputs, network, *args, **kwargs)


def multiplies_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bf16; one without emulates them, slower than float32."""
    if device.type == "cpu":
        return any(torch.cpu.get_capabilities().get(name, False) for name in _CPU_BF16)
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
