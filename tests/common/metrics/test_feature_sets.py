"""Checks of the feature sets that are compared."""

import numpy as np
import pytest

from common.metrics.feature_sets import checked_features, checked_sets


def with_nan():
    features = np.zeros((4, 3))
    features[2, 1] = np.nan
    return features


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (np.zeros((1, 3)), np.zeros((4, 3)), "1 real samples, expected at least 2"),
        (np.zeros((4, 3)), np.zeros((0, 3)), "0 generated samples"),
        (np.zeros((4, 3)), np.zeros((4, 5)), "real samples have 3 features, generated ones 5"),
        (np.zeros((4, 3)), with_nan(), "1 of 4 generated samples .* the first is number 2"),
        (np.full((4, 3), np.inf), np.zeros((4, 3)), "4 of 4 real samples"),
        (np.zeros(4), np.zeros((4, 3)), r"real features have shape \(4,\)"),
        (np.zeros((4, 0)), np.zeros((4, 0)), r"real features have shape \(4, 0\)"),
    ],
)
def test_bad_features_are_refused(real, generated, message):
    with pytest.raises(ValueError, match=message):
        checked_sets(real, generated)


def test_minimum_is_the_callers():
    assert checked_features([[1, 2]], "given", minimum=1).tolist() == [[1.0, 2.0]]
    assert [features.shape for features in checked_sets(np.zeros((0, 2)), [[1, 2]], minimum=0)] == [(0, 2), (1, 2)]
