"""One update within a training step: which network learns, from which loss."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

Loss = Callable[[Mapping[str, Any]], dict[str, Tensor]]


class Phase(nn.Module):
    """The network that learns in this phase and the loss it learns from.

    Only `network` is registered, so wrapping a phase in DistributedDataParallel synchronises exactly the gradients of
    this phase, with one forward pass for each backward pass; whatever else the loss calls is frozen meanwhile.

    Args:
        name: Key of the loss that is minimised, and of the optimiser.
        network: The network that learns.
        loss: Takes the batch and returns named scalar losses, `name` among them; the others are only reported.
        repeats: Updates a step, each with fresh noise.
    """

    def __init__(self, name: str, network: nn.Module, loss: Loss, *, repeats: int = 1) -> None:
        super().__init__()
        self.name = name
        self.network = network
        self.loss = loss
        self.repeats = repeats

    def forward(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of ``batch``."""
        return self.loss(batch)
