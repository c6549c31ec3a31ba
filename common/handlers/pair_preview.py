"""Picture of the first pairs of a generation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events

from ..data.datalist import foreground_names
from ..data.generated_set import read_generated_set
from ..data.label_map import read_classes
from ..data.volume_file import open_volume
from ..reports.slices import pair_grid


class PairPreview:
    """Draws the first `count` pairs of a generated set, images in HU and their labels, when it is written.

    It stands behind the `GeneratedSetWriter` and reads what that left; of several processes the first draws.

    Args:
        path: Of the PNG.
        directory: Of the set.
        count: Number of pairs.
        window: HU shown as black and white.
        label_names: Number to name, in order, for the legend.
        spacing: Of the voxels, mm.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        directory: str | Path,
        count: int = 4,
        window: Sequence[float] = (-1024, 600),
        label_names: Mapping[str, str] | None = None,
        spacing: Sequence[float] = (1, 1, 1),
    ) -> None:
        self.path = Path(path)
        self.directory = Path(directory)
        self.count = count
        low, high = window
        self.window = (low, high)
        self.label_names = foreground_names(label_names)
        self.spacing = tuple(spacing)

    def attach(self, engine: Engine) -> None:
        """Draw at the end."""
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def draw(self, engine: Engine) -> None:
        """Draw what was written."""
        if not self.count or idist.get_rank() > 0:
            return
        found = read_generated_set(self.directory, check=False)
        cases = found.cases[: self.count]
        pair_grid(
            [_read(case["image"]) for case in cases],
            [read_classes(case) for case in cases] if found.has_labels else None,
            path=self.path,
            window=self.window,
            spacing=self.spacing,
            label_names=self.label_names,
        )


def _read(path: str) -> np.ndarray:
    return np.asarray(open_volume(path).dataobj)
