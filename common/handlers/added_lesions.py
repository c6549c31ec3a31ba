"""Says in how many draws a lesion was added, and in how many none found a place."""

import logging
from collections.abc import Mapping
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events

from ..data.lesion_note import LESION_FROM, NO_PLACE
from ..transforms.add_lesion import AddLesiond

logger = logging.getLogger(__name__)


class AddedLesions:
    """Counts what `AddLesiond` names in ``lesion_from``, and writes it into the training's record and, at the end, log.

    The record gets ``added_lesions``: how and with which settings, the donors' case ids, and the counts ``draws``,
    ``added`` and ``no_place`` of this process since the run was last started.

    Args:
        record: Of the training, as model files hold it.
        transform: That adds the lesions.
        settings: Plain values, beside those counts.
    """

    def __init__(self, record: dict[str, Any], transform: AddLesiond, settings: Mapping[str, Any]) -> None:
        kind, donors = type(transform).__name__, sorted(set(transform.donors.case_ids))
        counts = {"draws": 0, "added": 0, "no_place": 0}
        self.counted: dict[str, Any] = {"transform": kind, **settings, "donors": donors, **counts}
        record["added_lesions"] = self.counted

    def attach(self, engine: Engine) -> None:
        """Look at each batch."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.look)
        engine.add_event_handler(Events.COMPLETED, self.say)

    def look(self, engine: Engine) -> None:
        """Count this batch, a mapping with a list of texts ``lesion_from``."""
        found = list(engine.state.batch[LESION_FROM])  # type: ignore[index] # annotated as some iterable
        tried = [name for name in found if name]
        self.counted["draws"] += len(found)
        self.counted["no_place"] += tried.count(NO_PLACE)
        self.counted["added"] += len(tried) - tried.count(NO_PLACE)

    def say(self, _: Engine) -> None:
        """Say it at the end; warn where most lesions found no place."""
        added, without = self.counted["added"], self.counted["no_place"]
        if idist.get_rank() == 0:
            logger.log(
                logging.WARNING if without > added else logging.INFO,
                "%d of %d draws were given a lesion; in %d more none found a plausible place, and they stayed as is",
                added,
                self.counted["draws"],
                without,
            )
