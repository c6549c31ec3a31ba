"""What RTSTRUCT and SEG files have in common: names of structures, what they were drawn on, and masks of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from .ct_series import CtSeries


class StructureFile(Protocol):
    """A file that holds structures drawn on a series.

    Attributes:
        path: Of the file.
        kind: RTSTRUCT or SEG.
        counts: Contours, or slices, of each structure by its name; 0 for one that was never drawn.
        series: UIDs of the series that it refers to.
        instances: UIDs of the images that it refers to.
        drawn: UIDs of those that its contours name, one by one; it may list further series that nothing is drawn on.
        frames: UIDs of the frames of reference that it is drawn in.
    """

    path: Path
    kind: str
    counts: Mapping[str, int]
    series: frozenset[str]
    instances: frozenset[str]
    drawn: frozenset[str]
    frames: frozenset[str]

    def mask(self, name: str, series: CtSeries) -> np.ndarray:
        """Voxels (slices, rows, columns) of all structures of this name, on the grid of a series.

        Raises:
            DicomFault: They do not lie on its slices.
        """
        ...
