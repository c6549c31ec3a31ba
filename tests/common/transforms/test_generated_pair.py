"""What a generator makes, back in HU and label values: the exact inverse of a training's last transforms."""

import pytest
import torch

from common.transforms import GeneratedPaird, HUWindowd, MaskRanged, Paird, Tiled, pair_shape

SIZE = (8, 8, 4)
SETTINGS = {"image_size": SIZE, "pairing": "z_concat", "hu_window": [-1024, 600], "labels": 3, "binary_mask": False}
CASES = [
    {},
    {"pairing": "interleave"},
    {"pairing": "channels"},
    {"binary_mask": True},
    {"hu_window": [-2048, 3071]},
    {"mask_window": [-1024, 600]},
    {"plane_size": [16, 32]},
]


@pytest.fixture
def item():
    torch.manual_seed(0)
    return {"image": torch.randint(-1000, 600, (1, *SIZE)).float(), "label": torch.randint(0, 3, (1, *SIZE))}


@pytest.mark.parametrize("changed", CASES, ids=str)
def test_pairing_and_back_is_the_identity(item, changed):
    settings = {**SETTINGS, **changed}
    low, high = settings.get("mask_window", (None, None))
    steps = [
        HUWindowd("image", *settings["hu_window"]),
        MaskRanged("label", 3, binary=settings["binary_mask"], low=low, high=high),
        Paird(mode=settings["pairing"]),
    ]
    if "plane_size" in settings:
        steps.append(Tiled("pair", pair_shape(SIZE)[1:], plane_size=settings["plane_size"]))
    data = dict(item)
    for step in steps:
        data = step(data)
    out = GeneratedPaird(settings)({"pred": data["pair"], "case_id": "a"})
    assert set(out) == {"image", "label"}
    torch.testing.assert_close(out["image"], item["image"], atol=1e-3, rtol=0)
    expected = (item["label"] > 0) if settings["binary_mask"] else item["label"]
    if "mask_window" not in changed:  # three labels in 1,624 units of the image are not told apart by rounding
        assert torch.equal(out["label"].long(), expected.long())


def test_images_alone_have_no_mask():
    out = GeneratedPaird({**SETTINGS, "pairing": "image_only"})({"pred": torch.zeros(1, *SIZE)})
    assert set(out) == {"image"}
    assert out["image"].unique().tolist() == [-212]  # the middle of the window


def test_the_clean_up_is_that_which_is_given(item):
    pair = Paird()(MaskRanged("label", 3)(HUWindowd("image")(item)))["pair"]
    out = GeneratedPaird(SETTINGS, {"binary": True, "threshold": 1.5})({"pred": pair})
    assert torch.equal(out["label"].bool(), item["label"] == 2)


def test_a_threshold_that_no_label_is_above_is_refused():
    GeneratedPaird(SETTINGS, {"threshold": 1.5})
    with pytest.raises(
        ValueError, match="threshold is 2, expected one below the last label, 2, or all masks are empty"
    ):
        GeneratedPaird(SETTINGS, {"threshold": 2})
    with pytest.raises(ValueError, match="threshold is 1, expected one below the last label, 1"):
        GeneratedPaird({**SETTINGS, "binary_mask": True}, {"threshold": 1})
