"""Memorisation: generated samples that are nearer to a training case than unseen real cases are."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..metrics.memorisation import Memorisation, memorisation
from ..reports.closest_pairs import ClosestPair, closest_pairs
from ..reports.mask_figures import nearest_distances
from .findings import Findings
from .sets import EvaluationSets
from .volume_set import VolumeSet


class Copies:
    """Nearest training case of each sample, in image space and in each extractor's features, with held-out control.

    Args:
        quantile: Of the held-out cases' distances; samples nearer than it count as copies.
        count: Closest pairs to show.
    """

    reads: ClassVar = dict.fromkeys(("real", "generated", "training"), ("facts", "pair_features"))

    def __init__(self, *, quantile: float = 0.01, count: int = 4) -> None:
        self.quantile = quantile
        self.count = count

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Search; keys of the metrics are ``memorisation/space``."""
        findings = Findings("Memorisation")
        if reason := _missing(sets):
            findings.text = [f"Left out: {reason}"]
            return findings
        findings.text = [
            "A sample counts as a copy when it is nearer to its nearest training case than the control quantile: what "
            f"{self.quantile:.0%} of the {len(sets.held_out)} real cases that the generator has not seen fall below. "
            "With few held-out cases that quantile is nearly their smallest distance: compare the copy rate with the "
            "expected rate, which samples as far as held-out cases would show."
        ]
        for space, vectors in self._spaces(sets):
            result = memorisation(*vectors, quantile=self.quantile)
            findings.metrics[f"memorisation/{space}"] = result.row()
            self._draw(findings, sets, result, space, folder)
        findings.tables["Copies"] = [
            {"space": key.removeprefix("memorisation/"), **row} for key, row in findings.metrics.items()
        ]
        return findings

    def _spaces(self, sets: EvaluationSets) -> Iterator[tuple[str, list[np.ndarray]]]:
        """Name and the vectors of training, generated and held-out cases."""
        roles = (sets.training, sets.generated, sets.held_out)
        yield "volumes", [_small(sets, role) for role in roles]
        for extractor in sets.reader.extractors:
            yield extractor, [sets.pair_features(role, extractor) for role in roles]

    def _draw(self, findings: Findings, sets: EvaluationSets, result: Memorisation, space: str, folder: Path) -> None:
        distances = (result.distances, result.held_out_distances)
        picture = nearest_distances(
            *distances, threshold=result.threshold, path=folder / f"nearest_{space}.png", space=space
        )
        findings.figures[picture] = f"Distance to the nearest training case, {space}"
        pairs = [
            ClosestPair(sets.generated.cases[i], sets.training.cases[j], distance)
            for i, j, distance in result.closest(self.count)
        ]
        picture = closest_pairs(pairs, path=folder / f"closest_{space}.png", count=self.count, window=sets.window)
        findings.figures[picture] = f"The closest pairs, {space}: generated, and its nearest training case"


def _small(sets: EvaluationSets, volumes: VolumeSet) -> np.ndarray:
    """Small copies (N, cells) of what both sides have."""
    vectors = np.stack([fact.small for fact in sets.facts(volumes)])
    return vectors if "mask" in sets.views else vectors[:, : len(sets.facts(sets.generated)[0].small)]


def _missing(sets: EvaluationSets) -> str:
    if sets.training is None:
        return "nothing tells which cases the generator was trained on; give their list with --train_datalist"
    if not len(sets.held_out):
        return "all real cases were trained on, so there is no control; compare with folds that were held out"
    return ""
