"""Mixed precision for whatever runs a network, on any device."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from monai.inferers import Inferer
from torch import Tensor

Amp = Literal["off", "bf16", "fp16"]
DTYPES = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class AutocastInferer(Inferer):
    """Runs `inferer` under autocast on the device of its inputs; MONAI's engines know CUDA's alone.

    fp16 needs gradients to be scaled in training (``amp: true`` of MONAI's trainer does), bf16 does not.

    Args:
        inferer: That runs the network.
        amp: Precision of the forward pass.

    Raises:
        ValueError: another precision.
    """

    def __init__(self, inferer: Inferer, *, amp: Amp = "off") -> None:
        super().__init__()
        if amp not in DTYPES:
            raise ValueError(f"amp is '{amp}', expected one of {', '.join(DTYPES)} (YAML: 'off' in quotes)")
        self.inferer = inferer
        self.dtype = DTYPES[amp]

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Output of the network."""
        with torch.autocast(inputs.device.type, self.dtype, enabled=self.dtype is not None):
            return self.inferer(inputs, network, *args, **kwargs)
