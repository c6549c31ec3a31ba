"""Files of a data set that other readers take otherwise: said once, by name."""

import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .check import Problem
from .volume_file import ambiguities

logger = logging.getLogger(__name__)
KIND = "readers differ"
_REMEDY = "read as said here; `--repair` of prepare and check writes a file that all read alike"


def ambiguous_files(entries: Sequence[Mapping[str, Any]], *, workers: int = 2) -> list[Problem]:
    """A warning for each thing that readers take differently, in the order of `entries`; files must be readable."""
    jobs = [(entry["case_id"], str(entry[key])) for entry in entries for key in ("image", "label") if key in entry]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        found = pool.map(lambda job: ambiguities(job[1]), jobs)
        return [
            Problem(case_id, KIND, path, sentence, "one reading", _REMEDY)
            for (case_id, path), sentences in zip(jobs, found, strict=True)
            for sentence in sentences
        ]


def log_ambiguous(warnings: Sequence[Problem]) -> None:
    """One line for each thing that is said of files, whatever its figures, with their number and the first of them."""
    alike = defaultdict(list)
    for warning in warnings:
        alike[re.sub(r"\d[\d.e+-]*", "", warning.found)].append(warning)
    for group in alike.values():
        logger.warning("%d files, such as %s: %s. %s", len(group), group[0].file, group[0].found, _REMEDY)
