"""One update within a training step: which network learns, from which loss."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

Batch = Mapping[str, Any]  # inputs of a step and noise of an update, see `Step`
Loss = Callable[[Batch], dict[str, Tensor]]


class Phase(nn.Module):
    """The network that learns in this phase and the loss it learns from.

    Only `network` is registered, so wrapping a phase in DistributedDataParallel synchronises exactly the gradients of
    this phase, with one forward pass for each backward pass; whatever else the loss calls is frozen meanwhile.

    Args:
        name: Key of the loss that is minimised.
        network: The network that learns.
        loss: Takes the batch and returns named scalar losses, `name` among them; the others are only reported.
        repeats: Updates a step, each with fresh noise.
        every: The phase takes part in steps 1, 1 + `every`, 1 + 2·`every`, … : several steps of a critic to one of
            its generator, or a lazy regulariser.
        optimizer: Key of the optimiser; by default `name`. Two phases of one network share it.
    """

    def __init__(
        self, name: str, network: nn.Module, loss: Loss, *, repeats: int = 1, every: int = 1, optimizer: str = ""
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"phase '{name}' takes part every {every} steps, expected 1 or more")
        self.name = name
        self.network = network
        self.loss = loss
        self.repeats = repeats
        self.every = every
        self.optimizer = optimizer or name

    def takes_part(self, step: int) -> bool:
        """Whether the phase belongs to `step`, counted from 1."""
        return (step - 1) % self.every == 0

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of ``batch``."""
        return self.loss(batch)
