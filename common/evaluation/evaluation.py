"""Runs the parts of an evaluation and writes `metrics.json`, `cases.csv` and `report.html`."""

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ignite.distributed as idist

from .. import __version__
from ..files import content_sha256, write_csv, write_json
from ..reports.loss_curves import plot_losses, read_losses
from ..reports.page import Page
from .findings import Findings, Part
from .sets import EvaluationSets
from .sharing import share
from .verdict import verdict

logger = logging.getLogger(__name__)
_PACKAGES = ("torch", "monai", "numpy", "scipy", "scikit-learn")


class Evaluation:
    """One evaluation of a generated set.

    Several processes share out what is computed of each case; the first does the rest and writes.

    Args:
        sets: What is compared.
        parts: By name, in the order of the page; None stands for one that is switched off.
        sections: Names of the parts that are wanted; None is all.
        output_dir: Gets `metrics.json`, `cases.csv`, `report.html` and `figures/`.
        title: Of the page.
        settings: Further things that decide the numbers, such as the resampling's; part of the protocol.
        losses: A training's loss CSV, drawn into the report.

    Raises:
        ValueError: A section has a name that no part has.
    """

    def __init__(
        self,
        sets: EvaluationSets,
        parts: Mapping[str, Part | None],
        *,
        sections: Sequence[str] | None = None,
        output_dir: str | Path,
        title: str = "Evaluation of a generated set",
        settings: Mapping[str, Any] | None = None,
        losses: str | Path | None = None,
    ) -> None:
        self.sets = sets
        self.parts = [part for name, part in parts.items() if part is not None and name in (sections or parts)]
        if unknown := sorted({*(sections or [])} - parts.keys()):
            raise ValueError(f"sections {unknown}: expected some of {', '.join(parts)}")
        self.output_dir = Path(output_dir)
        self.title = title
        self.settings = dict(settings or {})
        self.losses = losses
        if losses is not None:
            read_losses(losses)  # what is no such file is told now, and not after hours

    def run(self) -> dict[str, Any]:
        """Compute all parts and write; returns what `metrics.json` holds, in processes but the first nothing."""
        if idist.get_world_size() > 1:
            share(self.sets, self.parts)
        if idist.get_rank():
            return {}
        folder = self.output_dir / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        findings = [part(self.sets, folder) for part in self.parts]
        if self.losses is not None:
            picture = plot_losses(self.losses, folder / "losses.png")
            findings.append(Findings("Losses of the training", figures={picture: str(self.losses)}))
        protocol, stamps = self.protocol(), self.stamps()
        marks = {"protocol": protocol["hash"]} | ({"untrained": True} if self._untrained() else {})
        scores = {key: {**row, **marks} for part in findings for key, row in part.metrics.items()}
        words = [] if self._untrained() else verdict(scores)
        metrics = {"protocol": protocol, "warnings": stamps, "verdict": words, "scores": scores}
        write_json(metrics, self.output_dir / "metrics.json")
        write_csv(self._cases(findings), self.output_dir / "cases.csv", columns=("set", "case_id", "centre"))
        self._page(findings, protocol, stamps, words).write(self.output_dir / "report.html")
        logger.info("wrote %s and metrics.json beside it", self.output_dir / "report.html")
        return metrics

    def _cases(self, findings: Sequence[Findings]) -> list[dict[str, Any]]:
        """What the parts know of each case, generated ones first."""
        sides = (("generated", self.sets.generated), ("real", self.sets.real))
        return [
            {
                **{"set": side, "case_id": case["case_id"], "centre": case.get("centre", "")},
                **{
                    name: value
                    for part in findings
                    for name, value in part.cases.get((side, case["case_id"]), {}).items()
                },
            }
            for side, volumes in sides
            for case in volumes.cases
        ]

    def protocol(self) -> dict[str, Any]:
        """What decides the numbers, and its hash: equal hashes, comparable numbers."""
        versions = {name: version(name) for name in _PACKAGES} | {"common": __version__}
        content = {**self.sets.describe(), "settings": self.settings, "versions": versions}
        return {"hash": content_sha256(content)[:12], **content}

    def stamps(self) -> list[str]:
        """What a reader must know before any number."""
        stamps = []
        if untrained := self._untrained():
            stamps.append(
                f"UNTRAINED EXTRACTOR ({', '.join(untrained)}): the numbers below come from random weights and say "
                "nothing of the generator"
            )
        stamps += self.sets.notes
        if seen := self.sets.seen:
            stamps.append(
                f"{len(seen)} of the {len(self.sets.real)} real cases were in the generator's training: fidelity "
                "rewards memorisation here; compare with folds that were held out"
            )
        if self.sets.training is None:
            stamps.append(self.sets.no_training)
        return stamps

    def _untrained(self) -> list[str]:
        return [name for name, e in self.sets.reader.extractors.items() if not e.identity.trained]

    def _page(
        self, findings: Sequence[Findings], protocol: Mapping[str, Any], stamps: Sequence[str], words: Sequence[str]
    ) -> Page:
        sizes = f"{protocol['n_real']} real and {protocol['n_generated']} generated volumes"
        page = Page(self.title, subtitle=f"{sizes}; protocol {protocol['hash']}", warning=". ".join(stamps))
        stamp = "UNTRAINED EXTRACTOR. " if self._untrained() else ""
        page.section("Verdict")
        page.text(*(["The extractor was not trained, so nothing can be said."] if stamp else words))
        for part in findings:
            part.add_to(page, before_figures=stamp, after_tables=f"; protocol {protocol['hash']}")
        page.section("Protocol")
        page.text("Two numbers compare when their protocols are equal.")
        page.table([{"setting": key, "value": value} for key, value in _flat(protocol)])
        return page


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested settings as (dotted name, value)."""
    rows = []
    for key, value in content.items():
        nested = isinstance(value, Mapping)
        rows += _flat(value, f"{prefix}{key}.") if nested else [(f"{prefix}{key}", value)]
    return rows
