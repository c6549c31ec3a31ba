import numpy as np
import pytest

from common.metrics.alpha_precision import alpha_precision, authentic, beta_recall

SIZES = [(20, 30, 2), (40, 25, 3), (12, 12, 40)]  # N, M, d
SHARES = [step / 29 for step in range(30)]


def two_sets(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.3 * rng.normal(size=(m, d)) + 0.4


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def by_loops(real, generated):
    """Both scores, straight from the paper's definitions, in loops."""
    centre, own = real.mean(axis=0), generated.mean(axis=0)
    precision, recall = [], []
    nearest = [min(generated, key=lambda g, r=r: distance(r, g)) for r in real]
    for share in SHARES:
        radius = np.quantile([distance(r, centre) for r in real], share)
        precision.append(sum(distance(g, centre) <= radius for g in generated) / len(generated))
        radius = np.quantile([distance(g, own) for g in nearest], share)
        hits = 0
        for i, r in enumerate(real):
            others = min(distance(r, other) for j, other in enumerate(real) if j != i)
            hits += distance(r, nearest[i]) <= others and distance(nearest[i], own) <= radius
        recall.append(hits / len(real))
    return tuple(1 - sum(abs(s - v) for s, v in zip(SHARES, curve, strict=True)) / 15 for curve in (precision, recall))


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_parity_with_loops(n, m, d):
    real, generated = two_sets(n, m, d)
    assert (alpha_precision(real, generated), beta_recall(real, generated)) == pytest.approx(by_loops(real, generated))


def ring(radii):
    """One sample to the left and one to the right of 0 at each radius."""
    return np.array([[side * radius] for radius in radii for side in (-1, 1)], dtype=float)


# generated samples beside the real radii 1 … 100: α-precision by hand
WORKED = {
    "the same": (ring(range(1, 101)), 1.0, 0.03),  # steps of 1/100 beside 30 shares
    "twice as wide": (ring(range(2, 201, 2)), 0.5, 0.03),  # P(α) = α/2
    "all in the centre": (np.zeros((7, 1)), 0.0, 1e-9),  # P(α) = 1: Σ(1 - α) = Σα
    "all far away": (np.full((7, 1), 1e4), 0.0, 1e-9),  # P(α) = 0
}


@pytest.mark.parametrize("name", WORKED)
def test_worked_rings(name):
    generated, expected, tolerance = WORKED[name]
    assert alpha_precision(ring(range(1, 101)), generated) == pytest.approx(expected, abs=tolerance)


def test_one_mode_of_two_covers_half():
    """The far mode's nearest samples are those at the edge: R(β) = β up to 1/2, then 1/2, 1/8 of 1/2 from the line."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 200, 2))
    generated = first + 1e-3 * rng.normal(size=first.shape)
    real = np.concatenate([first, second + np.array([100, 0])])
    assert beta_recall(real, generated) == pytest.approx(0.75, abs=0.03)
    assert beta_recall(real, real[::-1]) == pytest.approx(1, abs=0.02)
    assert beta_recall(real, real + 1e4) == 0


def test_authentic_by_hand():
    """Training cases at 0, 1 and 10."""
    train = np.array([[0.0], [1.0], [10.0]])
    samples = np.array([[0.4], [-2.0], [12.0], [30.0], [10.0]])  # 0.4 < 1, 2 > 1, 2 < 9, 20 > 9, a copy
    assert authentic(train, samples).tolist() == [False, True, False, True, False]
    assert authentic(train, samples[::-1]).tolist() == [False, True, False, True, False][::-1]


@pytest.mark.parametrize("score", [alpha_precision, beta_recall])
def test_moving_and_turning_both_changes_nothing(score):
    real, generated = two_sets(30, 30, 4)
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    assert score(real @ turned + 7, generated @ turned + 7) == pytest.approx(score(real, generated))


@pytest.mark.parametrize("score", [alpha_precision, beta_recall, authentic])
def test_too_few_samples_are_refused(score):
    with pytest.raises(ValueError, match="1 real samples, expected at least 2"):
        score(np.zeros((1, 3)), np.zeros((4, 3)))
