"""Says how many masks have vanished on the grid of a training."""

import logging
from collections.abc import Mapping
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events

logger = logging.getLogger(__name__)
_SHOWN = 5


class EmptyMasks:
    """Collects the cases that `NameEmptyMaskd` names, and warns of them once all cases were drawn, in one line.

    A training that ends before warns at its end of those that it has drawn. Of several processes the first one warns,
    once it has drawn as many cases itself.

    Args:
        num_cases: Of the training.

    Attributes:
        names: Case ids so far, sorted: the training's record holds this very list.
    """

    def __init__(self, num_cases: int) -> None:
        self.num_cases = num_cases
        self.names: list[str] = []
        self._seen = 0

    def attach(self, engine: Engine) -> None:
        """Look at each batch."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.look)
        engine.add_event_handler(Events.COMPLETED, self.warn)

    def look(self, engine: Engine) -> None:
        """Take the names of this batch, a mapping with a list of texts ``empty_mask``."""
        found = engine.state.batch.get("empty_mask", ())  # type: ignore[union-attr] # annotated as some iterable
        self.names[:] = sorted({*self.names, *filter(None, found)})
        before, self._seen = self._seen, self._seen + len(found)
        if before < self.num_cases <= self._seen:
            self._say()

    def warn(self, _: Engine) -> None:
        """Warn at the end, unless that was done."""
        if self._seen < self.num_cases:
            self._say()

    def state_dict(self) -> dict[str, Any]:
        """The cases so far, and how many were looked at."""
        return {"names": list(self.names), "seen": self._seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with those of an earlier run."""
        self.names[:], self._seen = state["names"], state["seen"]

    def _say(self) -> None:
        if self.names and idist.get_rank() == 0:
            more = ", …" if len(self.names) > _SHOWN else ""
            logger.warning(
                "%d of %d training cases have a mask that is empty on the grid of this training: %s%s. Their "
                "lesions are smaller than its voxels, or outside the crop: take a finer grid or another crop, or leave "
                "these cases out",
                len(self.names),
                self.num_cases,
                ", ".join(self.names[:_SHOWN]),
                more,
            )
