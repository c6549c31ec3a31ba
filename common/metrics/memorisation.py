"""Whether generated samples are copies of training cases: nearest neighbours against a held-out control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest, mannwhitneyu
from sklearn.metrics import pairwise_distances_argmin_min
from torch.nn.functional import adaptive_avg_pool3d

from ..transforms.hu_window import HUWindow


@dataclass(frozen=True)
class Memorisation:
    """Result of `memorisation`.

    Attributes:
        distances, indices: Of the nearest training case of each generated sample, (M,).
        held_out_distances: The same for each held-out case, (H,).
        quantile: Of the held-out distances that makes the threshold.
        threshold: Generated samples nearer than this count as copies.
        copies: Their number.
        copy_rate: Their share.
        interval: 95 % Wilson interval of the copy rate, the threshold taken as it is.
        expected_rate: Copy rate that samples like the held-out cases have on average.
        probability_nearer: That a generated sample is nearer to its training case than a held-out case is to its own.
        p_value: One-sided Mann–Whitney, that generated samples are no nearer.
        n_train: Number of training cases.
    """

    distances: np.ndarray
    indices: np.ndarray
    held_out_distances: np.ndarray
    quantile: float
    threshold: float
    copies: int
    copy_rate: float
    interval: tuple[float, float]
    expected_rate: float
    probability_nearer: float
    p_value: float
    n_train: int

    def closest(self, count: int | None = None) -> list[tuple[int, int, float]]:
        """(generated sample, its training case, distance), the nearest first; `count` of them or all."""
        order = np.argsort(self.distances, kind="stable")[:count]
        return [(int(i), int(self.indices[i]), float(self.distances[i])) for i in order]

    def row(self) -> dict[str, Any]:
        """Figures without the arrays, as plain values for a table or JSON."""
        names = ("copy_rate", "copies", "expected_rate", "quantile", "threshold", "probability_nearer", "p_value")
        medians = {
            "median_distance": float(np.median(self.distances)),
            "median_held_out_distance": float(np.median(self.held_out_distances)),
            "smallest_distance": float(self.distances.min()),
        }
        counts = {
            "n_train": self.n_train,
            "n_generated": len(self.distances),
            "n_held_out": len(self.held_out_distances),
        }
        return {**{name: getattr(self, name) for name in names}, "interval": list(self.interval), **medians, **counts}


def memorisation(
    train: np.ndarray,
    generated: np.ndarray,
    held_out: np.ndarray,
    *,
    quantile: float = 0.01,
    train_ids: Sequence[str] | None = None,
    held_out_ids: Sequence[str] | None = None,
) -> Memorisation:
    """Nearest training case of each generated sample, compared with the nearest ones of cases never trained on.

    Euclidean distances in any vector space: features, or volumes by `shrink`. With fewer than some 200 held-out cases
    the 1 % quantile is nearly their smallest distance, so that more than 1 % of good samples lie below it:
    ``expected_rate`` is (1 + quantile·(H - 1))/(H + 1), 5.7 % for H = 20, 2.0 % for 100. Compare the copy rate with it.

    Args:
        train: Vectors of the cases that the generator has seen, (N, d).
        generated: Vectors of its samples, (M, d).
        held_out: Vectors of cases of the same kind that it has not seen, (H, d).
        quantile: Of the held-out cases' distances.
        train_ids: Case ids, so that a case on both sides is found even where its vectors differ.
        held_out_ids: The same.

    Raises:
        ValueError: A set is empty, not (N, d), or not finite; dimensions differ; the quantile is not within 0 and 1; a
            case is in training and held-out at once, by its id or because the vectors are equal.
    """
    _check(quantile, train=train, generated=generated, held_out=held_out)
    _check_ids(train, held_out, train_ids, held_out_ids)
    control, control_indices = nearest(held_out, train)
    if len(same := np.flatnonzero(control == 0)):
        pairs = [(_name(held_out_ids, i), _name(train_ids, control_indices[i])) for i in same[:5]]
        raise ValueError(
            f"{len(same)} held-out cases equal a training case, such as {pairs[0][0]} and {pairs[0][1]}: "
            "the control must be cases that the generator has not seen"
        )
    distances, indices = nearest(generated, train)
    threshold = float(np.quantile(control, quantile))
    copies, count = int((distances < threshold).sum()), len(control)
    test = mannwhitneyu(distances, control, alternative="less")
    interval = binomtest(copies, len(distances)).proportion_ci(method="wilson")
    return Memorisation(
        distances=distances,
        indices=indices,
        held_out_distances=control,
        quantile=quantile,
        threshold=threshold,
        copies=copies,
        copy_rate=copies / len(distances),
        interval=(float(interval.low), float(interval.high)),
        expected_rate=(1 + quantile * (count - 1)) / (count + 1),
        probability_nearer=1 - float(test.statistic) / (len(distances) * count),  # statistic counts the farther pairs
        p_value=float(test.pvalue),
        n_train=len(train),
    )


def nearest(samples: np.ndarray, cases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean distance to, and index of, the nearest of `cases` (N, d) for each of `samples` (M, d).

    Works in blocks: no (M, N) array is made.
    """
    indices = pairwise_distances_argmin_min(samples, cases)[0]
    # taken anew from the difference: the search's |a|² + |b|² - 2ab leaves a copy at a distance above 0
    pairs = zip(samples, indices, strict=True)
    distances = [np.linalg.norm(np.subtract(sample, cases[i], dtype=np.float64)) for sample, i in pairs]
    return np.array(distances), indices


def shrink(
    volume: Any, shape: tuple[int, int, int] = (32, 32, 16), *, window: tuple[float, float] = (-1024, 600)
) -> np.ndarray:
    """Volume (1, H, W, D) as a vector: `window` mapped to [-1, 1], clipped, averaged over the cells of `shape`.

    For masks the window is (0, largest label). float32, (product of `shape`,).
    """
    windowed = torch.as_tensor(HUWindow(*window)(torch.as_tensor(volume, dtype=torch.float32)))
    return adaptive_avg_pool3d(windowed, shape).flatten().numpy()


def shrink_pair(item: Mapping[str, Any], *, window: tuple[float, float]) -> np.ndarray:
    """Image, and foreground of the mask below it where there is one, as one vector of 32×32×16 cells each.

    `item` holds ``image`` and ``label``, (1, H, W, D); see `shrink` for `window`.
    """
    parts = [shrink(item["image"], window=window)]
    if "label" in item:
        parts.append(shrink(torch.as_tensor(item["label"]) > 0, window=(0, 1)))
    return np.concatenate(parts)


def _check(quantile: float, **sets: np.ndarray) -> None:
    if not 0 < quantile < 1:
        raise ValueError(f"memorisation: quantile is {quantile}, expected it within 0 and 1")
    for name, vectors in sets.items():
        if not len(vectors):
            hint = "; hold cases back from the generator's training: they are the control" if name == "held_out" else ""
            raise ValueError(f"memorisation: no {name.replace('_', '-')} case{hint}")
        if np.ndim(vectors) != 2 or not np.isfinite(vectors).all():
            raise ValueError(f"memorisation: expected finite {name} vectors (N, d), got {np.shape(vectors)} or NaN")
    if len({vectors.shape[1] for vectors in sets.values()}) > 1:
        found = ", ".join(f"{name} {vectors.shape}" for name, vectors in sets.items())
        raise ValueError(f"memorisation: dimensions differ, {found}; extract all with the same settings")


def _check_ids(
    train: np.ndarray, held_out: np.ndarray, train_ids: Sequence[str] | None, held_out_ids: Sequence[str] | None
) -> None:
    for vectors, ids, name in ((train, train_ids, "training"), (held_out, held_out_ids, "held-out")):
        if ids is not None and len(ids) != len(vectors):
            raise ValueError(f"memorisation: {len(vectors)} {name} vectors, but {len(ids)} ids")
    if both := sorted(set(train_ids or ()) & set(held_out_ids or ())):
        raise ValueError(
            f"{len(both)} cases are in training and held-out at once, such as {', '.join(both[:5])}: "
            "the control must be cases that the generator has not seen"
        )


def _name(ids: Sequence[str] | None, index: int) -> str:
    return ids[index] if ids is not None else f"case {index}"
