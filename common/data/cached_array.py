"""Arrays that are computed once and kept in files, which several runs may share."""

import logging
from pathlib import Path

import numpy as np

from ..files import replacing

logger = logging.getLogger(__name__)


def read_cached(path: Path) -> np.ndarray | None:
    """The array in `path`; None where there is no file, or one that cannot be read, which is said."""
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (ValueError, EOFError, OSError) as error:
        logger.warning("%s cannot be read (%s): it is made again", path, error)
        return None


def write_cached(array: np.ndarray, path: Path) -> None:
    """Write `array`, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:  # by its path, NumPy would add a suffix
        np.save(file, array)
