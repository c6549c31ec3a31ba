"""The cases of an evaluator's iteration, one by one."""

from collections.abc import Iterator
from typing import Any

from ignite.engine import Engine


def decollated(engine: Engine) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Item and output of each case of this batch, as MONAI's evaluators leave them after their postprocessing.

    Raises:
        ValueError: There are not as many outputs as items.
    """
    state: Any = engine.state  # Ignite 0.5.5 annotates batch and output as numbers
    return zip(state.batch, state.output, strict=True)
