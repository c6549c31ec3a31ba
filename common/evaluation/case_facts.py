"""What an evaluation keeps of each volume: mask statistics, position map, small copy, histogram."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from monai.data import DataLoader

from .. import __version__
from ..data.label_map import to_values
from ..files import content_sha256, replacing
from ..metrics.mask_statistics import body_box, body_mask, mask_statistics, occupancy
from ..metrics.memorisation import shrink_pair
from ..progress import Progress
from .volume_set import VolumeSet

logger = logging.getLogger(__name__)
BINS = 64
_FORM = 1  # another number where the facts of a case change between two versions


@dataclass(frozen=True)
class CaseFacts:
    """Of one case.

    Attributes:
        statistics: See `mask_statistics`; empty without a mask.
        position: See `occupancy`, (16, 16, 8) over the body's box; None without a mask.
        small: Image, and mask below it, see `shrink_pair`.
        histogram: Share of the image's voxels in each of `BINS` equal bins of the HU window.
    """

    statistics: dict[str, float]
    position: np.ndarray | None
    small: np.ndarray
    histogram: np.ndarray


def case_facts(item: Mapping[str, Any], *, window: tuple[float, float], labels: Sequence[int]) -> CaseFacts:
    """Facts of an item of a `VolumeSet`; `labels` are the foreground values, of the classes 1, 2, … in its mask."""
    image = item["image"][0].numpy()
    counts, _ = np.histogram(image, bins=BINS, range=window)
    small = shrink_pair(item, window=window)
    if "label" not in item:
        return CaseFacts({}, None, small, counts / image.size)
    label, spacing = item["label"][0].numpy(), item["spacing"].tolist()
    body = body_mask(image, spacing=spacing)
    label = to_values(label, (0, *labels))
    statistics = mask_statistics(label, image, spacing=spacing, labels=labels, body=body)
    return CaseFacts(statistics, occupancy(label, box=body_box(body)), small, counts / image.size)


def read_facts(
    volumes: VolumeSet, *, window: tuple[float, float], labels: Sequence[int], num_workers: int = 0
) -> list[CaseFacts]:
    """`case_facts` of each case in order, by `num_workers` processes; a volume each is in memory."""
    facts = volumes.mapped(partial(case_facts, window=window, labels=labels))
    loader = DataLoader(facts, batch_size=1, num_workers=num_workers, collate_fn=_only)
    return list(Progress(loader, desc=f"masks of {volumes.name}"))


def facts_key(key: str, *, window: tuple[float, float], labels: Sequence[int]) -> str:
    """Under which the facts of a case are kept; `key` is that of its volumes, see `VolumeSet`."""
    return content_sha256(["facts", _FORM, __version__, key, list(window), list(labels)])


def write_facts(facts: CaseFacts, path: Path) -> None:
    """Keep `facts` in a file, whole or not at all."""
    position = np.empty(0) if facts.position is None else facts.position
    names, values = np.array(list(facts.statistics), dtype=str), np.array(list(facts.statistics.values()), dtype=float)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, names=names, values=values, position=position, small=facts.small, histogram=facts.histogram)


def kept_facts(path: Path) -> CaseFacts | None:
    """What `write_facts` wrote; None where there is no file, or one that cannot be read, which is said."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            statistics = dict(zip(arrays["names"].tolist(), arrays["values"].tolist(), strict=True))
            position = arrays["position"]
            return CaseFacts(statistics, position if position.size else None, arrays["small"], arrays["histogram"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, EOFError, OSError, BadZipFile) as error:
        logger.warning("%s cannot be read (%s): it is made again", path, error)
        return None


def _only(batch: Sequence[CaseFacts]) -> CaseFacts:
    return batch[0]
