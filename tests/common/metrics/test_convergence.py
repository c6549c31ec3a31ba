"""Whether a curve has stopped to rise."""

import numpy as np
import pytest

from common.metrics.convergence import judge_convergence

EPOCHS = np.arange(5, 105, 5)  # 20 validations, 7 of them in the last third: epochs 70 to 100


def test_worked_line():
    """A rise of 0.001 an epoch, ± 0.003 in turn: 0.03 over 30 epochs, its error by hand."""
    residual = np.array([1, -2, 1, 0, 1, -2, 1]) * 0.001  # orthogonal to a constant and to a line
    dice = np.concatenate([np.zeros(13), 0.5 + 0.001 * np.arange(0, 35, 5) + residual])
    found = judge_convergence(EPOCHS, dice)
    assert (found.state, found.points) == ("still rising", 7)
    assert found.rise == pytest.approx(0.03)
    assert found.error == pytest.approx(30 * np.sqrt(12e-6 / 5 / (25 * 28)))


# what the last third does: state
CURVES = {
    "a plateau": (np.full(20, 0.7), "converged"),
    "a plateau behind a rise": (np.minimum(EPOCHS / 60, 1), "converged"),
    "a plateau with noise": (0.7 + np.random.default_rng(0).normal(0, 0.005, 20), "converged"),
    "a rise that does not count": (0.7 + 0.0002 * EPOCHS, "converged"),
    "a fall": (0.7 - 0.002 * EPOCHS, "converged"),
    "a rise": (0.002 * EPOCHS, "still rising"),
    "a rise within the noise": (0.0005 * EPOCHS + 0.05 * (-1.0) ** np.arange(20), "unknown"),
}


@pytest.mark.parametrize("name", CURVES)
def test_states(name):
    dice, state = CURVES[name]
    assert judge_convergence(EPOCHS, dice).state == state


def test_too_few_points_tell_nothing_and_nan_is_no_point():
    assert judge_convergence(range(9), np.arange(9)).state == "unknown"
    assert judge_convergence(range(10), np.arange(10)).state == "still rising"
    assert judge_convergence(range(10), [np.nan, *range(9)]).state == "unknown"
    assert judge_convergence([], []).points == 0
