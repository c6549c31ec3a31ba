"""The network of the best validation so far, as a model file."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from ..networks.model_file import write_model_file

logger = logging.getLogger(__name__)


class BestModel:
    """Writes `path`, in the form of `ModelFileWriter`, when a validation beats all before; attach it to the evaluator.

    The first validation is always written, whatever its score; NaN is worse than any number. Keep it in the training's
    checkpoint (``state_dict``), so that a resumed run knows the score to beat.

    Args:
        path: Usually ``output_dir/model.pt``.
        network: The network itself, not wrapped for several devices.
        settings: What the network and its inputs are made with; plain values.
        training: What it was trained on; ``epoch``, ``step`` and the score are added.
        epoch_length: Steps of an epoch.
        metric: Name in ``state.metrics``, higher is better.
        save: Whether this process writes; all keep the score.
    """

    def __init__(
        self,
        path: str | Path,
        network: nn.Module,
        *,
        settings: Mapping[str, Any],
        training: Mapping[str, Any],
        epoch_length: int,
        metric: str = "dice",
        save: bool = True,
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.settings = dict(settings)
        self.training = training  # itself: other handlers may still add to it
        self.writes = save
        self.epoch_length = epoch_length
        self.metric = metric
        self.best = -math.inf

    def attach(self, engine: Engine) -> None:
        """Look at the end of each validation."""
        engine.add_event_handler(Events.COMPLETED, self.update)

    def update(self, engine: Engine) -> None:
        """Write the network if it is better."""
        score = float(engine.state.metrics[self.metric])
        comparable = -1.0 if math.isnan(score) else score
        if comparable <= self.best:
            return
        logger.info("epoch %d: %s %.4f is the best so far", engine.state.epoch, self.metric, score)
        if self.writes:
            epoch = engine.state.epoch
            training = {**self.training, "epoch": epoch, "step": epoch * self.epoch_length, self.metric: score}
            write_model_file(self.path, self.network, settings=self.settings, training=training)
        self.best = comparable  # last: a run that is ended before validates again

    def state_dict(self) -> dict[str, float]:
        """The best score."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on with the best score of an earlier run."""
        self.best = state["best"]
