"""Pasted lesions: HU, volume, place and edge by hand, and what must not change."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from scipy import ndimage

from common.data.draws import DrawDataset
from common.data.lesion_note import LESION_FROM, NO_PLACE
from common.transforms import HUWindowd, PasteLesiond
from tests.common.transforms.lesion_cases import DONOR, MM, ball, donors, item

AS_IT_IS = {"prob": 1.0, "rotation": 0.0, "scale": (1.0, 1.0), "mirror": 0.0}
VOXELS = int(ball((24, 32, 32), 12).sum())


def paste(host, given=None, seed=0, **options):
    transform = PasteLesiond(given or donors(), **{**AS_IT_IS, **options}).set_random_state(seed)
    return transform(host)


def arrays(pair):
    return pair["image"].numpy()[0], pair["label"].numpy()[0]


def test_a_hard_edge_adds_the_difference_from_the_rim_in_the_mask_and_nothing_else():
    host = item(body=20.0)
    image, label = arrays(paste(host, edge=0.0))
    assert label.sum() == VOXELS
    np.testing.assert_allclose(image - arrays(host)[0], 60.0 * label, atol=1e-3)


def test_a_soft_edge_keeps_the_core_and_the_mass_and_ends_after_three_standard_deviations():
    host = item(body=20.0)
    image, label = arrays(paste(host, edge=2.0))
    share = (image - arrays(host)[0]) / 60
    inside, outside = ndimage.distance_transform_edt(label), ndimage.distance_transform_edt(label == 0)
    np.testing.assert_allclose(share[inside * MM > 8], 1, atol=0.01)
    assert share.sum() == pytest.approx(VOXELS, rel=1e-3)
    assert np.all(share[outside * MM > 3**0.5 * 6 + 1e-3] == 0)
    border = (outside == 1) | (inside == 1)
    assert share[border].mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("mirror", "first", "centre"), [(0, 8, (24, 32, 32)), (0, 12, (28, 32, 32)), (1, 8, (39, 32, 32))]
)
def test_the_place_in_the_bodys_box_is_the_donors(mirror, first, centre):
    _, label = arrays(paste(item(first=first), donors(reach=0.0), mirror=mirror))
    assert np.abs(np.argwhere(label).mean(0) - centre).max() <= 2  # the box is found on a grid of 3 voxels


def test_no_place_is_farther_than_the_reach():
    for seed in range(5):
        _, label = arrays(paste(item(), donors(reach=20.0), seed=seed))
        assert np.linalg.norm((np.argwhere(label).mean(0) - (24, 32, 32)) * MM) <= 20 + 2 * 2 * MM


def test_air_bone_and_other_lesions_stay_as_they_are():
    host = item(lesions=[((30, 32, 32), 8, 900.0, 0), ((20, 32, 40), 6, -1000.0, 0), ((22, 38, 28), 8, 70.0, 2)])
    before, labels = arrays(host)
    moved = 0
    for seed in range(6):
        image, label = arrays(paste(host, donors(fit=0.5), seed=seed))
        kept = (before < -200) | (before > 250) | (labels > 0)
        np.testing.assert_array_equal(image[kept], before[kept])
        np.testing.assert_array_equal(label[kept], labels[kept])
        moved += label.sum() > labels.sum()
    assert moved


def test_lesions_may_be_covered_when_asked():
    host = item(lesions=[((24, 32, 32), 16, 70.0, 2)])
    assert paste(host, donors(reach=5.0))[LESION_FROM] == NO_PLACE
    _, label = arrays(paste(host, donors(reach=5.0, existing="covered")))
    assert (label == 1).sum() == VOXELS


def test_without_a_place_the_case_stays_as_it_is_and_says_so():
    for host in (item(body=-1000.0), item(body=700.0), item(body=200.0)):  # air, bone, not the donor's tissue
        output = paste(host)
        assert output.pop(LESION_FROM) == NO_PLACE
        assert output == host


def test_the_input_is_not_changed_and_a_draw_without_lesion_says_so():
    host = item()
    before = [volume.clone() for volume in host.values()]
    paste(host)
    assert all(torch.equal(a, b) for a, b in zip(before, host.values(), strict=True))
    assert paste(host, prob=0.0)[LESION_FROM] == ""


def test_a_seed_decides_and_the_donor_is_named():
    given = donors(DONOR, item(lesions=[((40, 30, 30), 14, 0.0, 2)]))
    first, again, other = (paste(item(), given, seed=seed, rotation=15.0, scale=(0.8, 1.2)) for seed in (3, 3, 5))
    assert torch.equal(first["image"], again["image"]) and not torch.equal(first["image"], other["image"])
    classes = {paste(item(), given, seed=seed)[LESION_FROM]: seed for seed in range(12)}
    assert set(classes) == {"c0", "c1"}
    for name, seed in classes.items():
        assert paste(item(), given, seed=seed)["label"].max() == {"c0": 1, "c1": 2}[name]


@pytest.mark.parametrize("cache", ["none", "ram"])
def test_draws_do_not_depend_on_those_before(tmp_path, cache):
    def dataset():
        transform = Compose([PasteLesiond(donors())])
        return DrawDataset([item(), item(body=30.0)], transform, seed=1, cache=cache, cache_dir=tmp_path)

    whole, resumed = dataset(), dataset()
    drawn = [whole[(draw % 2, draw)] for draw in range(5)]
    later = resumed[(0, 4)]
    assert torch.equal(drawn[4]["image"], later["image"]) and torch.equal(drawn[4]["label"], later["label"])
    assert drawn[4][LESION_FROM] == later[LESION_FROM]


def test_in_a_window_it_is_the_same_as_in_hu():
    host, window = item(body=20.0), HUWindowd("image", -1024, 600)
    in_hu, in_window = paste(host), paste(window(host), donors(window(DONOR), hu_window=[-1024, 600]))
    np.testing.assert_allclose(window.inverse(in_window)["image"], in_hu["image"].clip(-1024, 600), atol=0.01)
    assert torch.equal(in_hu["label"], in_window["label"])


def test_other_voxels_keep_the_size_in_mm():
    affine = torch.diag(torch.tensor([MM, MM, 2 * MM, 1]))
    coarse = {key: MetaTensor(volume[..., ::2].as_tensor(), affine=affine) for key, volume in item().items()}
    _, label = arrays(paste(coarse))
    assert label.sum() * 2 == pytest.approx(VOXELS, rel=0.1)


def test_the_hosts_noise_is_in_the_lesion_too():
    host = item(body=20.0, noise=15.0)
    image, label = arrays(paste(host))
    core = ndimage.binary_erosion(label, iterations=3)
    assert image[core].mean() == pytest.approx(80, abs=3)
    assert 8 < image[core].std() < 30
