"""One image + mask pair of a source."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """Where a pair lies, and what the split needs to know of it."""

    case_id: str
    image: Path
    label: Path
    centre: str = "unknown"
    patient: str | None = None
    generator_case_ids: tuple[str, ...] | None = None  # real cases behind a generated pair; None for a real one
    fold: int | None = None  # where a list of the source has put it already, see `split`
