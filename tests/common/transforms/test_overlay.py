"""The mask burned into its image."""

import pytest
import torch

from common.transforms import Overlay, Overlayd

IMAGE = torch.tensor([-1.0, -0.5, 0.0, 0.5]).view(1, 4, 1, 1)
MASK = torch.tensor([-1.0, 0.0, 1.0, -1.0]).view(1, 4, 1, 1)  # background, tumour, lymph node, background


def test_foreground_takes_the_value_and_the_rest_stays():
    assert Overlay()(IMAGE, MASK).flatten().tolist() == [-1, 1, 1, 0.5]
    assert Overlay(value=0.25)(IMAGE, MASK).flatten().tolist() == [-1, 0.25, 0.25, 0.5]
    assert IMAGE.flatten().tolist() == [-1, -0.5, 0, 0.5]


def test_the_dictionary_form_adds_a_key():
    item = Overlayd(output_key="pair")({"image": IMAGE, "label": MASK, "other": 1})
    assert set(item) == {"image", "label", "other", "pair"}
    assert torch.equal(item["pair"], Overlay()(IMAGE, MASK))


def test_without_a_mask_it_is_the_image():
    assert torch.equal(Overlayd()({"image": IMAGE})["overlay"], IMAGE)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"image \(1, 4, 1, 1\) and mask \(1, 2, 1, 1\)"):
        Overlay()(IMAGE, MASK[:, :2])
