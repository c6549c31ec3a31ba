"""Picture of the first pairs of a generation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from ..data.datalist import foreground_names
from ..reports.slices import pair_grid


class PairPreview:
    """Draws the first `count` outputs of a generation, images in HU and their labels, when it ends.

    Args:
        path: Of the PNG.
        count: Number of pairs.
        window: HU shown as black and white.
        label_names: Number to name, in order, for the legend.
        spacing: Of the voxels, mm.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        count: int = 4,
        window: Sequence[float] = (-1024, 600),
        label_names: Mapping[str, str] | None = None,
        spacing: Sequence[float] = (1, 1, 1),
    ) -> None:
        self.path = Path(path)
        self.count = count
        self.window = tuple(window)
        self.label_names = foreground_names(label_names)
        self.spacing = tuple(spacing)
        self.samples: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Collect from each batch; draw at the end."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def collect(self, engine: Engine) -> None:
        """Keep outputs until there are enough."""
        self.samples += engine.state.output[: self.count - len(self.samples)]

    def draw(self, engine: Engine) -> None:
        """Draw what was kept."""
        if not self.samples:
            return
        masks = [sample.get("label") for sample in self.samples]
        pair_grid(
            [sample["image"] for sample in self.samples],
            None if masks[0] is None else masks,
            path=self.path,
            window=self.window,
            spacing=self.spacing,
            label_names=self.label_names,
        )
        self.samples = []
