"""Ignite trainer for networks that learn in turn, each with an optimiser of its own."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events
from ignite.utils import apply_to_tensor
from monai.engines import Trainer
from monai.engines.workflow import Workflow
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from .mixed_precision import Amp, autocast_dtype, multiplies_bf16
from .phase import Phase
from .step import Step
from .step_sampler import StepBatchSampler

logger = logging.getLogger(__name__)


class NonFiniteLossError(RuntimeError):
    """A loss became NaN or infinite."""


class AdversarialTrainer(Trainer):
    """MONAI trainer that runs the phases of a `Step`: zero the gradients, backward, update, for each in turn.

    The slab position and all noise of a step come from a generator seeded with (seed, step) and are drawn for the
    global batch, of which each rank takes its part: a run does not depend on where it was interrupted, nor on the
    number of processes. Under ``torch.distributed`` every phase is wrapped in DistributedDataParallel.

    Args:
        device: Where the networks are.
        max_steps: Number of training steps (batches) in all. GANs are trained by steps: one Ignite epoch is the whole
            run unless `max_epochs` says how many equal parts it has.
        data_loader: Its batch sampler, when it is a `StepBatchSampler`, is told at which step to go on.
        prepare_batch: Takes the loader's batch and returns the real volumes (B, C, S), or a tuple of them and whatever
            else the step prepares its inputs from, batch first (classes).
        handlers, postprocessing: As for ``monai.engines.Trainer``; a handler that a config has disabled (None) is left
            out.
        step: The phases; see `HAGANStep`.
        optimizers: By the name of the phase, or the one it shares.
        seed: Of all noise.
        amp: Mixed precision of the forward passes, see `autocast_dtype`; fp16 scales the gradients.
        accumulation: Number of parts that a batch is cut into to bound memory; the update is that of the whole batch.

    ``state.output`` of a step is the dictionary of its losses as floats, averaged over the ranks; a phase that does not
    take part in the step has none.

    Raises:
        NonFiniteLossError: A loss is NaN or infinite; no checkpoint is written of that state.
        ValueError: A phase has no optimiser, the batch cannot be cut into `accumulation` parts, or `amp` is unknown.
    """

    scaler: torch.amp.GradScaler  # type: ignore[assignment] # MONAI annotates CUDA's, a subclass for one kind of device

    def __init__(
        self,
        *,
        device: torch.device | str,
        max_steps: int,
        data_loader: DataLoader,
        step: Step,
        optimizers: Mapping[str, Optimizer],
        prepare_batch: Callable[[Mapping[str, Any]], Tensor | tuple[Tensor, ...]],
        max_epochs: int = 1,
        seed: int = 0,
        amp: Amp = "off",
        accumulation: int = 1,
        postprocessing: Callable | None = None,
        handlers: Sequence[Any] | None = None,
    ) -> None:
        if missing := [phase.name for phase in step.phases if phase.optimizer not in optimizers]:
            raise ValueError(f"no optimiser for the phases {missing}, got optimisers for {sorted(optimizers)}")
        owner = getattr(data_loader, "batch_sampler", None) or data_loader
        size = getattr(owner, "batch_size", accumulation)
        if size % accumulation:
            raise ValueError(
                f"accumulation is {accumulation} and batch_size {size}, expected a batch that can be cut into equal "
                "parts: set --accumulation to a divisor of it, or another --batch_size"
            )
        device = torch.device(device)  # of the command line it is a text
        if amp == "bf16" and device.type == "cpu" and not multiplies_bf16(device):
            logger.warning("this CPU has no bf16 arithmetic: convolutions may take fifty times as long, use --amp off")
        self.max_steps = max_steps
        self.step = step
        self.optimizers = dict(optimizers)
        self.seed = seed
        self.autocast_dtype = autocast_dtype(amp, device=device)
        self.accumulation = accumulation
        self.modules = [_distributed(phase, device) for phase in step.phases]
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=data_loader,
            epoch_length=max_steps // max_epochs,
            prepare_batch=prepare_batch,
            postprocessing=postprocessing,
            handlers=[handler for handler in handlers or [] if handler is not None],
            decollate=False,
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
        self.add_event_handler(Events.STARTED, _go_on)

    def run(self) -> None:  # type: ignore[override] # of Ignite's; MONAI's Trainer, the base here, takes nothing either
        """Train until `max_steps`."""
        Workflow.run(self)  # Trainer.run would replace the scaler

    def _iteration(self, engine: Engine, batchdata: Mapping[str, Any]) -> dict[str, float]:
        rng = step_generator(self.seed, engine.state.iteration)
        real = self.prepare_batch(batchdata)
        parts = real if isinstance(real, tuple) else (real,)
        x, *labels = (part.to(self.state.device, non_blocking=True) for part in parts)
        inputs = self.step.prepare(x, rng, *labels)
        losses: dict[str, Tensor] = {}
        for phase, module in zip(self.step.phases, self.modules, strict=True):
            if not phase.takes_part(engine.state.iteration):
                continue
            for other in self.step.phases:  # whatever else the loss calls is frozen
                other.network.requires_grad_(other.network is phase.network)
            for _ in range(phase.repeats):
                losses |= self._update(phase, module, inputs | self._noise(len(x), rng), len(x))
        if self.scaler.is_enabled():
            self.scaler.update()
        return _finite_floats(losses, engine.state.iteration)

    def _noise(self, count: int, rng: torch.Generator) -> dict[str, Any]:
        """This rank's part of the noise of the global batch."""
        first = idist.get_rank() * count
        noise = self.step.draw(count * idist.get_world_size(), rng)
        part: Any = apply_to_tensor(_cut(noise, first, first + count), lambda tensor: tensor.to(self.state.device))
        return part

    def _update(self, phase: Phase, module: torch.nn.Module, batch: dict[str, Any], count: int) -> dict[str, Tensor]:
        """One update of the phase's network with a batch of `count`; its losses, averaged over the parts of it."""
        size, rest = divmod(count, self.accumulation)
        if rest:
            raise ValueError(f"a batch of {count} cannot be cut into accumulation={self.accumulation} equal parts")
        total: dict[str, Tensor] = {}
        for start in range(0, count, size):
            autocast = torch.autocast(
                self.state.device.type, self.autocast_dtype, enabled=self.autocast_dtype is not None
            )
            last = start + size == count  # then gradients are exchanged
            with (
                module.no_sync() if isinstance(module, DistributedDataParallel) and not last else nullcontext(),
                autocast,
            ):
                losses = module(_cut(batch, start, start + size))
                self.scaler.scale(losses[phase.name] / self.accumulation).backward()
            total = {name: total.get(name, 0) + loss.detach() / self.accumulation for name, loss in losses.items()}
        self.scaler.step(self.optimizers[phase.optimizer])
        self.optimizers[phase.optimizer].zero_grad(set_to_none=True)  # here: one network's gradients at a time
        return total


def step_generator(seed: int, step: int) -> torch.Generator:
    """Generator of all random numbers of a step, on the CPU so that every device sees the same."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1))


def _distributed(phase: Phase, device: torch.device) -> torch.nn.Module:
    phase.network.to(device).requires_grad_(True)
    if idist.get_world_size() == 1:
        return phase
    device_ids = [device] if device.type == "cuda" else None
    # Spectral norm's buffers evolve alike on all ranks; batch normalisation's statistics are each rank's own, and the
    # first rank's are saved.
    return DistributedDataParallel(phase, device_ids=device_ids, forward_sync_buffers=False)


def _cut(batch: Any, start: int, stop: int) -> Any:
    """``batch`` with `start` to `stop` of the tensors in it, at any depth, along their first axis."""
    if isinstance(batch, Tensor):
        return batch[start:stop]
    if isinstance(batch, Mapping):
        return {name: _cut(value, start, stop) for name, value in batch.items()}
    return batch


def _finite_floats(losses: Mapping[str, Tensor], step: int) -> dict[str, float]:
    values = torch.stack([loss.float() for loss in losses.values()])
    values = torch.as_tensor(idist.all_reduce(values)) / idist.get_world_size()
    output = dict(zip(losses, values.tolist(), strict=True))
    if not values.isfinite().all():
        raise NonFiniteLossError(
            f"losses at step {step} are {output}: the last checkpoint, from before, is kept. Start the same "
            "command with lower learning rates or --amp off, and it goes on from there; or look at the data"
        )
    return output


def _go_on(engine: AdversarialTrainer) -> None:
    """Point the data at the step to go on from (a checkpoint may just have been loaded), or end at once."""
    sampler = getattr(engine.data_loader, "batch_sampler", None)
    if isinstance(sampler, StepBatchSampler):
        sampler.start = engine.state.iteration
    if engine.state.iteration >= engine.max_steps:
        engine.terminate()
