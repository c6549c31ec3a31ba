"""How far a score can be trusted: intervals by resampling, and what real data scores against real data."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

Score = Callable[..., float]


class Estimate(NamedTuple):
    """Mean over random splits, the 95 % range of the splits, and the samples of each side."""

    value: float
    low: float
    high: float
    n: int


def bootstrap_interval(
    score: Score, *sets: np.ndarray, replicates: int = 200, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval for the score's expectation at these sample sizes, by the half-sample bootstrap.

    Each replicate scores a random half of each set, drawn without replacement, and the interval is the score plus the
    replicates' deviations from their own mean. Half a set leaves the spread as it is: a mean over n/2 of n samples
    varies as σ²/n, as a mean over n new samples does. The usual bootstrap would draw copies: they shift FID and KID
    upwards and shrink the radii of nearest neighbours to 0. Half a set shifts FID as well, hence the deviations from
    the mean. Of simulated 95 % intervals, 40 to 200 samples a set, 88 to 99 % held the expectation. They are too wide,
    up to 1.7 times, for FID, KID and MMD where both sets come from one distribution, and too narrow for a share within
    a few samples of 0 or 1 (80 % at a recall of 0.99).

    Args:
        score: Called with as many sets as are given.
        sets: Features (N, d), (M, d), …
        replicates: Half samples.
        level: Of the interval.
        seed: Of the half samples.

    Returns:
        Lower and upper end; not cut at the score's natural limits.

    Raises:
        ValueError: Fewer than two replicates, or ``score`` refuses half of a set.

    Politis and Romano 1994, Annals of Statistics 22; Wu 1990, Annals of Statistics 18.
    """
    if replicates < 2:
        raise ValueError(f"{replicates} replicates wanted, expected at least 2")
    value = score(*sets)
    rng = np.random.default_rng(seed)
    halves = ([_sample(rng, features, len(features) // 2) for features in sets] for _ in range(replicates))
    try:
        values = np.array([score(*half) for half in halves])
    except ValueError as error:
        raise ValueError(f"half of each set is too small ({error})") from error
    low, high = np.quantile(values - values.mean(), [(1 - level) / 2, (1 + level) / 2])
    return float(value + low), float(value + high)


def case_interval(
    *samples: np.ndarray,
    statistic: Callable[..., np.ndarray],
    replicates: int = 2000,
    seed: int = 0,
    paired: bool = True,
) -> list[float] | None:
    """95 % percentile interval of `statistic` when whole cases are drawn again, with replacement.

    Args:
        samples: Values of the same cases, (N,) each; of other cases each, (N,), (M,), … where not `paired`.
        statistic: Of the samples, vectorised over ``axis``.
        replicates: Draws.
        seed: Of the draws: equal seeds draw equal cases.
        paired: Draw the same cases of all samples.

    Returns:
        Lower and upper end; None for fewer than two cases of any.
    """
    if min(map(len, samples)) < 2:
        return None
    result = bootstrap(
        samples,
        statistic,
        n_resamples=replicates,
        method="percentile",
        paired=paired,
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(seed),
    )
    return [float(end) for end in result.confidence_interval]


def case_and_seed_interval(values: np.ndarray, *, replicates: int = 2000, seed: int = 0) -> list[float] | None:
    """95 % percentile interval of the mean when cases and seeds are both drawn again, with replacement.

    Every seed's model has scored every case, so that rows and columns are drawn independently, and each replicate is
    the mean of the table of what was drawn (Owen 2007, Annals of Applied Statistics 1). Of S seeds S - 1 are drawn: the
    variance of their mean is then σ²/S, whereas S draws would give (S - 1)/S of that, a third too little for three (Rao
    and Wu 1988, JASA 83). Of simulated intervals over three seeds and 47 cases, 95 % held the truth where seeds added a
    standard deviation of 0.01 and cases one of 0.05, 90 % at 0.02 and 0.05, 85 % at 0.02 and 0.02; intervals over cases
    alone held 88 %, 71 % and 42 %.

    Args:
        values: (S, N), a row a seed.
        replicates: Draws.
        seed: Of the draws.

    Returns:
        Lower and upper end; that of `case_interval` for one seed, None for fewer than two cases.
    """
    seeds, cases = values.shape
    if seeds == 1 or cases < 2:
        return case_interval(values.mean(axis=0), statistic=np.mean, replicates=replicates, seed=seed)
    rng = np.random.default_rng(seed)
    rows = rng.multinomial(seeds - 1, np.full(seeds, 1 / seeds), size=replicates) / (seeds - 1)  # (replicates, S)
    columns = rng.multinomial(cases, np.full(cases, 1 / cases), size=replicates) / cases  # (replicates, N)
    means = np.einsum("rs,sn,rn->r", rows, values, columns)
    return [float(end) for end in np.quantile(means, [0.025, 0.975])]


def real_floor(score: Score, real: np.ndarray, *, n: int, splits: int = 20, seed: int = 0) -> Estimate:
    """Score between two disjoint random halves of the real set, ``n`` samples each: the best a generator can reach.

    Args:
        score: Of two sets.
        real: Features (N, d).
        n: Samples of each half, at most N / 2.
        splits: Random halvings.
        seed: Of the halvings; `matched` takes the same ones.

    Raises:
        ValueError: Too few samples, or as ``score`` does for ``n`` of them.
    """
    _check_size(n, len(real) // 2, "half of the real set")
    halves = (real[order] for order, _ in _splits(len(real), splits, seed))
    return _estimate([score(half[:n], half[n : 2 * n]) for half in halves], n)


def matched(
    score: Score, real: np.ndarray, generated: np.ndarray, *, n: int, splits: int = 20, seed: int = 0
) -> Estimate:
    """Score between the first half of each of `real_floor`'s splits and ``n`` random generated samples.

    Same real samples, same sizes: any difference from the floor is the generated set's. Arguments as for `real_floor`.

    Raises:
        ValueError: Too few samples in either set, or as ``score`` does for ``n`` of them.
    """
    _check_size(n, len(real) // 2, "half of the real set")
    _check_size(n, len(generated), "the generated set")
    halves = ((real[order[:n]], rng) for order, rng in _splits(len(real), splits, seed))
    return _estimate([score(half, _sample(rng, generated, n)) for half, rng in halves], n)


def _splits(count: int, splits: int, seed: int) -> list[tuple[np.ndarray, np.random.Generator]]:
    """A random order for each split, and a generator for what else that split draws."""
    if splits < 1:
        raise ValueError(f"{splits} splits wanted, expected at least 1")
    rngs = [np.random.default_rng([seed, split]) for split in range(splits)]
    return [(rng.permutation(count), rng) for rng in rngs]


def _sample(rng: np.random.Generator, features: np.ndarray, n: int) -> np.ndarray:
    return features[rng.choice(len(features), n, replace=False)]


def _check_size(n: int, there: int, where: str) -> None:
    if not 1 <= n <= there:
        raise ValueError(f"{n} samples wanted, {where} has {there}: add volumes or ask for fewer")


def _estimate(values: list[float], n: int) -> Estimate:
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(float(np.mean(values)), float(low), float(high), n)
