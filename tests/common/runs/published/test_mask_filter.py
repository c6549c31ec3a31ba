"""Masks that do not fit their image, by a segmenter that finds what is bright."""

import nibabel as nib
import numpy as np
import pytest

from common.runs.published.mask_filter import MaskFilter
from tests.common.threshold_bundle import BOX, SHAPE, build_pair, segmenter  # noqa: F401 - a fixture

HALF = (slice(3, 7), slice(2, 6), slice(2, 8))  # the bright box and as much beside it: Dice 2·48 / (48 + 96)
AWAY = (slice(8, 12), slice(6, 10), slice(5, 8))


@pytest.fixture
def entries(tmp_path):
    """Pairs whose mask is where the bright box is, reaches beyond it, and is elsewhere."""
    masks = {"whole": BOX, "half": HALF, "away": AWAY}
    return [build_pair(tmp_path / "pairs", name, mask=mask) for name, mask in masks.items()]


def build(tmp_path, **options):
    return MaskFilter(**{"segmenter": None, "min_dice": 0.5, "max_air": None, "work_dir": tmp_path / "work", **options})


def test_dice_decides(tmp_path, entries, segmenter):  # noqa: F811
    found = build(tmp_path, segmenter=segmenter).reasons(entries)
    assert [dice for dice, _ in found] == pytest.approx([1, 2 / 3, 0])
    assert [reason for _, reason in found] == [None, None, "mask not found by the segmenter"]
    strict = build(tmp_path, segmenter=segmenter, min_dice=0.7).reasons(entries)
    assert [reason is None for _, reason in strict] == [True, False, False]


def test_air_decides_without_a_segmenter(tmp_path, entries):
    image = np.full(SHAPE, 40, np.int16)
    image[AWAY] = -1000
    image[3:7, 2:6, 5] = -1000  # 16 of the 96 voxels of `half`
    for entry in entries:
        nib.save(nib.Nifti1Image(image, np.diag([2.0, 2.0, 3.0, 1.0])), entry["image"])
    for limit, expected in ((0.1, [None, "mask in air", "mask in air"]), (0.2, [None, None, "mask in air"])):
        assert build(tmp_path, max_air=limit).reasons(entries) == [(None, reason) for reason in expected]


def test_an_empty_mask_has_no_dice_and_stays(tmp_path, segmenter):  # noqa: F811
    empty = build_pair(tmp_path / "pairs", "empty", mask=None)
    assert build(tmp_path, segmenter=segmenter, max_air=0).reasons([empty]) == [(None, None)]


def test_identity_follows_bounds_and_weights(tmp_path, segmenter):  # noqa: F811
    identities = {build(tmp_path).identity, build(tmp_path, min_dice=0.6).identity}
    identities.add(build(tmp_path, segmenter=segmenter).identity)
    (segmenter / "models" / "model.pt").write_bytes(b"other weights")
    identities.add(build(tmp_path, segmenter=segmenter).identity)
    (tmp_path / "other.pt").write_bytes(b"weights of one's own")
    named = {"segmenter": segmenter, "overrides": {"datalist": str(tmp_path / "other.pt")}}
    identities.add(build(tmp_path, **named).identity)
    (tmp_path / "other.pt").write_bytes(b"and others")
    identities.add(build(tmp_path, **named).identity)
    assert len(identities) == 6


@pytest.mark.parametrize(("option", "key"), [("min_dice", "min_dice"), ("max_air", "max_mask_air")])
def test_bounds_are_shares(tmp_path, option, key):
    with pytest.raises(ValueError, match=f"{key} is 50, expected a share"):
        build(tmp_path, **{option: 50})


def test_the_record_tells_bounds_and_median(tmp_path):
    described = build(tmp_path, segmenter="bundles/segresnet_auto3dseg").describe([0.6, None, 0.8, 0.9])
    expected = {"segmenter": "bundles/segresnet_auto3dseg", "min_dice": 0.5, "max_mask_air": None, "median_dice": 0.8}
    assert described == expected


def test_an_override_that_the_segmenter_does_not_have_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"overlapp.*did you mean overlap"):
        build(tmp_path, segmenter="bundles/segresnet_auto3dseg", overrides={"overlapp": 0.1})
    build(tmp_path, segmenter="bundles/segresnet_auto3dseg", overrides={"overlap": 0.1, "dataloader::num_workers": 0})
