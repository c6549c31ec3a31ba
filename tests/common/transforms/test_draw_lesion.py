"""Drawn lesions: volume and HU are those of a training lesion, the form is none of theirs."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from common.data.lesion_note import LESION_FROM
from common.transforms import DrawLesiond
from tests.common.transforms.lesion_cases import ball, donors, item

VOXELS = int(ball((24, 32, 32), 12).sum())


def draw(host, given=None, seed=0, **options):
    options = {"prob": 1.0, "scale": (1.0, 1.0), **options}
    return DrawLesiond(given or donors(), **options).set_random_state(seed)(host)


@pytest.mark.parametrize("seed", range(4))
def test_volume_and_contrast_are_the_donors(seed):
    output = draw(item(body=20.0), seed=seed)
    image, label = output["image"].numpy()[0], output["label"].numpy()[0]
    assert output[LESION_FROM] == "c0"
    assert label.sum() == pytest.approx(VOXELS, rel=0.05)
    assert ndimage.label(label)[1] == 1
    core = ndimage.distance_transform_edt(label, sampling=2) > 5
    np.testing.assert_allclose(image[core], 80, atol=0.5)  # a flat donor has no texture


def test_texture_has_the_spread_of_the_donors_and_a_seed_decides_the_form():
    donor = item(lesions=[((24, 32, 32), 20, 100.0, 1)])
    field = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((64, 64, 64)), 3)
    inside = donor["label"].numpy()[0] > 0
    donor["image"][0] += torch.as_tensor(20 * field / field.std() * inside).float()
    given = donors(donor)
    (lesion,) = given[0]
    assert lesion.spread == pytest.approx(20, rel=0.3)
    first, again, other = (draw(item(), given, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first["image"], again["image"])
    assert not torch.equal(first["label"], other["label"])
    core = ndimage.distance_transform_edt(first["label"][0].numpy(), sampling=2) > 5
    assert first["image"][0].numpy()[core].std() == pytest.approx(lesion.spread, rel=0.5)
    assert not np.array_equal(first["label"][0].numpy()[core], inside[core])


def test_nothing_changes_but_around_the_lesion():
    host = item()
    output = draw(host)
    far = ndimage.distance_transform_edt(output["label"][0].numpy() == 0, sampling=2) > 3**0.5 * 4.5
    np.testing.assert_array_equal(output["image"][0].numpy()[far], host["image"][0].numpy()[far])
