import warnings

import numpy as np
import pytest
import torch
from torchmetrics.image.inception import InceptionScore

from common.metrics.inception_score import inception_score


@pytest.mark.parametrize("samples", [2, 7])
def test_equal_volumes_score_one(samples):
    assert inception_score(np.tile([0.3, 2.0, -1.0], (samples, 1))) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("classes", "each"), [(3, 1), (5, 4)])
def test_one_class_for_each_volume_scores_the_number_of_classes(classes, each):
    assert inception_score(np.repeat(1000 * np.eye(classes), each, axis=0)) == pytest.approx(classes, rel=1e-12)


def test_two_volumes_by_hand():
    """p = (¾, ¼) and (¼, ¾), p(y) = ½: exp(¾ ln(3/2) + ¼ ln(1/2)) = 2 · ¾^¾ · ¼^¼."""
    features = [[np.log(3), 0], [5, 5 + np.log(3)]]
    assert inception_score(features) == pytest.approx(2 * 0.75**0.75 * 0.25**0.25, rel=1e-12)


def test_parity_with_torchmetrics():
    features = np.random.default_rng(0).normal(size=(40, 6)) * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = InceptionScore(feature=torch.nn.Identity(), splits=1)
        metric.update(torch.as_tensor(features))
        expected, _ = metric.compute()
    assert inception_score(features) == pytest.approx(expected.item(), rel=1e-9)


def test_offset_of_a_volume_does_not_matter_but_scale_does():
    features = np.random.default_rng(0).normal(size=(20, 4))
    score = inception_score(features)
    assert inception_score(features + np.arange(20)[:, None]) == pytest.approx(score, rel=1e-9)
    assert 1 < score < inception_score(3 * features) < 4


def test_bad_features_are_refused():
    with pytest.raises(ValueError, match="given features have shape"):
        inception_score(np.zeros(3))
    with pytest.raises(ValueError, match="1 given samples"):
        inception_score(np.zeros((1, 3)))
