"""Where a scan takes a lesion: body, soft tissue, sites, and what is written back."""

import numpy as np
import pytest

from common.transforms import Placement
from common.transforms.lesion_host import Host
from tests.common.transforms.lesion_cases import ball, item

WHOLE = (slice(0, 64), slice(0, 64), slice(0, 64))


def host(*, window=None, **options):
    pair = item(**options)
    image, label = pair["image"].numpy()[0], pair["label"].numpy()[0]
    values = image if window is None else (2 * (image - window[0]) / (window[1] - window[0]) - 1).clip(-1, 1)
    return Host(values, label, spacing=[2, 2, 2], hu_window=window, tissue=(-200, 250))


def test_the_bodys_box_and_places_in_it():
    first, last = host().body_box
    assert np.abs(first - 8).max() <= 3 and np.abs(last - 56).max() <= 3  # found on a grid of three voxels
    np.testing.assert_allclose(host().fraction((first + last) / 2 - 0.5), 0.5)


@pytest.mark.parametrize("window", [None, (-1024, 600), (-150, 250)])
def test_soft_tissue_is_neither_air_nor_bone_in_any_window(window):
    given = host(window=window, lesions=[((20, 32, 32), 8, 900.0, 0), ((44, 32, 32), 8, -1000.0, 0)])
    soft = given.soft(WHOLE)
    for taken in (
        ball((20, 32, 32), 8),
        ball((44, 32, 32), 8),
        np.pad(np.zeros((48,) * 3, bool), 8, constant_values=1),
    ):
        assert not soft[taken].any()
    assert soft[32, 20:44, 20:44].all()


def test_lesions_are_free_only_to_be_covered():
    given = host(lesions=[((32, 32, 32), 8, 60.0, 1)])
    inside = given.label > 0
    assert not given.free(WHOLE, "spared")[inside].any()
    assert given.free(WHOLE, "covered")[inside].all()


@pytest.mark.parametrize(("around", "found"), [(40, True), (90, True), (110, False), (-30, False)])
def test_a_site_has_about_the_hu_that_are_looked_for(around, found):
    points = np.argwhere(ball((32, 32, 32), 8)) * 2.0 - 64
    site = host().find_site(
        points, place=np.full(3, 0.5), around=around, placement=Placement(), rng=np.random.RandomState(0)
    )
    assert (site is not None) == found
    if site is not None:
        assert np.linalg.norm((site - 31.5) * 2) <= 30 + 4


def test_no_site_reaches_out_of_the_volume_or_the_body():
    points = np.argwhere(ball((32, 32, 32), 62)) * 2.0 - 64
    assert (
        host().find_site(points, place=np.full(3, 0.5), around=40, placement=Placement(), rng=np.random.RandomState(0))
        is None
    )


def test_hu_are_written_where_they_are_asked_for_and_clipped_to_the_window():
    given = host(window=(-100, 300))
    where = ball((32, 32, 32), 6)
    before = given.values.copy()
    given.set_hu(WHOLE, np.where(where, 100.0, 0.0).astype(np.float32), where)
    np.testing.assert_allclose(given.values[where], 0, atol=1e-6)
    np.testing.assert_array_equal(given.values[~where], before[~where])
    given.set_hu(WHOLE, np.full((64,) * 3, 900, np.float32), where)
    np.testing.assert_allclose(given.values[where], 1)
