"""Preparing a reader study: draw, preprocess, blind, store."""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import replacing
from ..progress import Progress
from ..same_settings import require_same_settings
from .blinding import Layout, blinded_pair
from .drawing import DrawnCase, Entry, Source, draw_cases
from .store import Store, create_study

logger = logging.getLogger(__name__)
Transform = Callable[[dict[str, Any]], Mapping[str, Any]]


def prepare_study(
    path: str | Path,
    *,
    settings: Mapping[str, Any],
    real: Sequence[Entry],
    generated: Sequence[Entry],
    preprocessing: Mapping[Source, Transform],
    spacing: Sequence[float],
    hu_window: Sequence[float] = (-1024, 600),
    n_real: int = 5,
    n_generated: int = 5,
    seed: int | None = None,
    layout: Layout = "scroll",
) -> Path:
    """SQLite file of the study at `path`; one that is there already with the same settings goes on.

    Args:
        path: Of the file; written whole or not at all.
        settings: What the page shows and what must be equal for a study to go on; plain JSON values.
        real, generated: Entries with absolute paths.
        preprocessing: Of each side, from an entry to ``image`` and ``label`` (1, H, W, D) in HU and label values.
        spacing: mm, written into every volume.
        hu_window: That the generator was trained with; at its ends volumes are made alike, see `without_traces`.
        n_real, n_generated: Cases of each side.
        seed: Draws, shuffles and chooses thirds; None draws one. It is stored.
        layout: Whole volumes to scroll through, or the thesis's thirds.

    Raises:
        ValueError: The file holds another study, there are too few cases, or shapes differ.
    """
    path = Path(path)
    settings = json.loads(json.dumps({**settings, "layout": layout}))
    if path.is_file():
        with Store(path) as store:
            stored = store.settings()
        expected = settings if seed is None else {**settings, "seed": seed}
        found = {key: stored.get(key) for key in expected}
        remedy = "Name another --output_dir, or repeat its settings."
        require_same_settings(found, expected, source=path, remedy=remedy)
        logger.info("the study at %s goes on", path)
        return path
    seed = secrets.randbits(32) if seed is None else seed  # a seed that readers know would tell them the order
    rng = np.random.default_rng(seed)
    cases = draw_cases(real, generated, n_real=n_real, n_generated=n_generated, rng=rng)
    form: dict[str, Any] = {"spacing": spacing, "hu_window": hu_window, "layout": layout, "rng": rng}
    items = [
        (case.source, case.entry["case_id"], *_blind(case, preprocessing, **form))
        for case in Progress(cases, "preparing")
    ]
    _check_equal_size(items)
    with replacing(path, locked=False) as temporary:
        create_study(temporary, settings={**settings, "seed": seed}, items=items)
    return path


def _blind(case: DrawnCase, preprocessing: Mapping[Source, Transform], **form: Any) -> tuple[bytes, bytes]:
    """Files of image and mask, see `blinded_pair`; errors name the case."""
    entry = dict(case.entry)
    try:
        return blinded_pair(dict(preprocessing[case.source](entry)), **form)
    except Exception as error:
        name = f"{case.source} case {entry['case_id']} ({entry['image']})"
        raise ValueError(f"{name} cannot be shown: {error}") from error


def _check_equal_size(items: Sequence[tuple[Source, str, bytes, bytes]]) -> None:
    """Volumes of unequal shape would tell the sides apart."""
    headers = {(image[:348], mask[:348]) for _, _, image, mask in items}
    if len(headers) > 1:
        raise ValueError(f"the volumes have {len(headers)} different shapes, expected one: set image_size")
