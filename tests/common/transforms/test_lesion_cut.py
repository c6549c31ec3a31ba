"""Which lesions a scan gives, and what is known of them."""

import numpy as np
import pytest

from common.transforms.lesion_cut import noise_of
from tests.common.transforms.lesion_cases import ball, donors, item


def test_a_lesion_carries_its_form_place_and_contrast():
    (lesion,) = donors()[0]
    assert (lesion.case_id, lesion.label) == ("c0", 1)
    assert lesion.volume == ball((24, 32, 32), 12).sum() * 8
    assert lesion.mask.shape == (13, 13, 13)
    assert lesion.rim == pytest.approx(40, abs=1e-4)
    assert lesion.contrast == pytest.approx(60, abs=1e-4)
    assert lesion.spread == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(lesion.hu, 100, atol=1e-3)  # around the mask, too
    np.testing.assert_allclose(lesion.place, np.array([16.5, 24.5, 24.5]) / 48, atol=0.05)
    np.testing.assert_allclose(lesion.mirrored().place, lesion.place * [-1, 1, 1] + [1, 0, 0])


def test_each_part_of_each_class_is_a_lesion():
    given = donors(item(lesions=[((20, 20, 32), 8, 60.0, 1), ((20, 44, 32), 8, 70.0, 1), ((40, 32, 32), 10, 80.0, 2)]))
    assert [(lesion.label, round(lesion.contrast)) for lesion in given[0]] == [(1, 20), (1, 30), (2, 40)]


@pytest.mark.parametrize(
    "lesion",
    [((24, 32, 32), 3, 100.0, 1), ((24, 32, 1), 8, 100.0, 1), ((24, 32, 32), 12, 900.0, 1)],
    ids=["a speck", "cut off by the scan", "bone"],
)
def test_what_cannot_be_given_away_is_passed_over(lesion):
    assert donors(item(lesions=[lesion]))[0] == []


def test_noise_is_measured_beside_edges():
    volume = item(noise=12.0)["image"].numpy()[0]
    inside = np.zeros(volume.shape, bool)
    inside[12:52, 12:52, 12:52] = True
    clean = noise_of(volume, inside)
    volume[30:, 30:] += 300
    assert noise_of(volume, inside) == pytest.approx(clean, rel=0.15)
    assert volume[inside].std() > 100
    assert clean == pytest.approx(12, rel=0.1)
