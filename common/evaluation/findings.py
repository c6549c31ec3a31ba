"""What a part of an evaluation hands to `metrics.json` and to the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ..reports.page import Page
from .sets import EvaluationSets

Role = Literal["real", "generated", "training"]
Read = Literal["facts", "features", "pair_features"]
Reads = Mapping[Role, Sequence[Read]]


@dataclass
class Findings:
    """Numbers, and the section of the page that shows them.

    Attributes:
        title: Of the section.
        metrics: Rows of plain values for `metrics.json`, by name.
        text: Paragraphs that say how to read the section.
        tables: Caption → rows.
        figures: Picture → caption.
        cases: (set, case id) → numbers of that case, for `cases.csv`; the set is ``real`` or ``generated``.
    """

    title: str
    metrics: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    tables: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    figures: dict[Path, str] = field(default_factory=dict)
    cases: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def add_to(self, page: Page, *, before_figures: str = "", after_tables: str = "") -> None:
        """Append the section; every figure's caption begins, every table's ends with what is given."""
        page.section(self.title)
        page.text(*self.text)
        for caption, rows in self.tables.items():
            page.table(rows, caption=f"{caption}{after_tables}")
        for path, caption in self.figures.items():
            page.figure(path, caption=f"{before_figures}{caption}")


class Part(Protocol):
    """A part of an evaluation.

    One that asks `sets` for what is dear to compute names it in an attribute ``reads``, of type `Reads`: what it reads
    of each set, so that several processes can share it out; see `share`.
    """

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Compute from `sets`; pictures go to `folder`."""
