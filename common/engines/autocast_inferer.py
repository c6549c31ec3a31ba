"""Mixed precision for whatever runs a network, on any device."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from .mixed_precision import Amp, autocast_dtype


class AutocastInferer(Inferer):
    """Runs `inferer` under autocast on the device of its inputs; MONAI's engines know CUDA's alone.

    Args:
        inferer: That runs the network.
        amp: Precision of the forward pass, see `autocast_dtype`. Training in fp16 needs ``amp: true`` of MONAI's
            trainer beside it, which scales the gradients.

    Raises:
        ValueError: another precision.
    """

    def __init__(self, inferer: Inferer, *, amp: Amp = "off") -> None:
        super().__init__()
        autocast_dtype(amp, device=torch.device("cpu"))  # refuses what is none, before anything runs
        self.inferer = inferer
        self.amp: Amp = amp

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Output of the network."""
        dtype = autocast_dtype(self.amp, device=inputs.device)
        with torch.autocast(inputs.device.type, dtype, enabled=dtype is not None):
            return self.inferer(inputs, network, *args, **kwargs)
