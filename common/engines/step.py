"""What a GAN brings to the trainer."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from .phase import Phase


class Step(Protocol):
    """Phases that follow each other, and what they are given: the step's inputs and each update's noise, in one batch.

    A class that inherits from this needs `phases` alone. What `prepare` and `draw` return are tensors, batch first, by
    name, or mappings of such; what is no tensor is the same for the whole batch.
    """

    phases: Sequence[Phase]

    def prepare(self, x: Tensor, rng: torch.Generator, y: Tensor | None = None) -> dict[str, Any]:
        """Inputs of a step, of real images ``x`` (B, C, *size) and classes ``y`` (B,): ``x`` unless overridden."""
        return {"x": x}

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Any]:
        """Fresh noise of one update for ``count`` samples, on the CPU: none unless overridden."""
        return {}
