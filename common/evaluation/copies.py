"""Memorisation: generated samples that are nearer to a training case than unseen real cases are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.stats import binomtest

from ..metrics.alpha_precision import authentic
from ..metrics.memorisation import Memorisation, memorisation
from ..reports.closest_pairs import ClosestPair, closest_pairs
from ..reports.mask_figures import nearest_distances
from .findings import Findings, Reads
from .sets import EvaluationSets
from .volume_set import VolumeSet


class Copies:
    """Nearest training case of each sample, in image space and in each extractor's features, with held-out control.

    Args:
        quantile: Of the held-out cases' distances; samples nearer than it count as copies.
        count: Closest pairs to show.
    """

    reads: ClassVar[Reads] = {
        "real": ("facts", "pair_features"),
        "generated": ("facts", "pair_features"),
        "training": ("facts", "pair_features"),
    }

    def __init__(self, *, quantile: float = 0.01, count: int = 4) -> None:
        self.quantile = quantile
        self.count = count

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Search; keys of the metrics are ``memorisation/space``."""
        findings = Findings("Memorisation")
        if sets.training is None:
            findings.text = [
                f"Left out: {sets.no_training}; if you have its training cases, name their list with --train_datalist"
            ]
            return findings
        if not len(sets.held_out):
            findings.text = [
                "Left out: all real cases were trained on, so there is no control; compare with folds that were held "
                "out"
            ]
            return findings
        findings.text = [
            "A sample counts as a copy when it is nearer to its nearest training case than the control quantile: what "
            f"{self.quantile:.0%} of the {len(sets.held_out)} real cases that the generator has not seen fall below. "
            "With few held-out cases that quantile is nearly their smallest distance: compare the copy rate with the "
            "expected rate, which samples as far as held-out cases would show.",
            "Authenticity (Alaa et al. 2022) is the share of samples that are farther from their nearest training case "
            "than that case is from the next one; the floor is that of the held-out cases.",
        ]
        for space, vectors in self._spaces(sets, sets.training):
            result = memorisation(*vectors, quantile=self.quantile)
            findings.metrics[f"memorisation/{space}"] = result.row()
            train, generated, held_out = vectors
            told = authentic(train, generated)
            findings.metrics[f"authenticity/{space}"] = {
                **self._share(told),
                "floor": self._share(authentic(train, held_out)),
                "n_train": len(train),
            }
            findings.figures |= self._figures(result, space, sets, sets.training, folder)
            for name, distance in zip(sets.held_out.ids, result.held_out_distances, strict=True):
                findings.cases.setdefault(("real", name), {})[f"distance/{space}"] = float(distance)
            for i, j, distance in result.closest():
                findings.cases.setdefault(("generated", sets.generated.ids[i]), {}).update(
                    {
                        f"authentic/{space}": int(told[i]),
                        f"distance/{space}": distance,
                        f"nearest/{space}": sets.training.ids[j],
                        f"copy/{space}": int(distance < result.threshold),
                    }
                )
        findings.tables["Copies"] = [
            {"space": key.removeprefix("memorisation/"), **row}
            for key, row in findings.metrics.items()
            if key.startswith("memorisation/")
        ]
        findings.tables["Authenticity"] = [
            {
                "space": key.removeprefix("authenticity/"),
                "authentic": row["value"],
                "95 % interval": row["interval"],
                "N generated": row["n"],
                "floor": row["floor"]["value"],
                "floor's 95 % interval": row["floor"]["interval"],
                "N of floor": row["floor"]["n"],
            }
            for key, row in findings.metrics.items()
            if key.startswith("authenticity/")
        ]
        return findings

    @staticmethod
    def _share(told: np.ndarray) -> dict[str, Any]:
        """Share of those that are true, with its 95 % Wilson interval."""
        low, high = binomtest(int(told.sum()), len(told)).proportion_ci(method="wilson")
        return {"value": float(told.mean()), "interval": [float(low), float(high)], "n": len(told)}

    def _spaces(self, sets: EvaluationSets, training: VolumeSet) -> Iterator[tuple[str, list[np.ndarray]]]:
        """Name and the vectors of training, generated and held-out cases."""
        roles = (training, sets.generated, sets.held_out)
        small = [[fact.small for fact in sets.facts(role)] for role in roles]
        cells = min(len(vector) for vectors in small for vector in vectors)  # images alone where a side has no masks
        yield "volumes", [np.stack([vector[:cells] for vector in vectors]) for vectors in small]
        for extractor in sets.reader.extractors:
            yield extractor, [sets.pair_features(role, extractor) for role in roles]

    def _figures(
        self, result: Memorisation, space: str, sets: EvaluationSets, training: VolumeSet, folder: Path
    ) -> dict[Path, str]:
        distances = nearest_distances(
            result.distances,
            result.held_out_distances,
            threshold=result.threshold,
            path=folder / f"nearest_{space}.png",
            space=space,
        )
        pairs = [
            ClosestPair(sets.generated.cases[i], training.cases[j], distance)
            for i, j, distance in result.closest(self.count)
        ]
        closest = closest_pairs(pairs, path=folder / f"closest_{space}.png", count=self.count, window=sets.window)
        return {
            distances: f"Distance to the nearest training case, {space}",
            closest: f"The closest pairs, {space}: generated, and its nearest training case",
        }
