"""A patch that the levels of a SegResNet halve, or a message that says which would do."""

import pytest

from common.networks.segresnet_settings import segresnet_settings


def test_settings_are_those_of_the_network():
    settings = segresnet_settings(roi_size=[8, 4, 12], blocks_down=[1, 2, 2], init_filters=8)
    assert settings == {"network": "segresnet_ds", "blocks_down": [1, 2, 2], "init_filters": 8}


def test_a_patch_that_cannot_be_halved_is_refused():
    with pytest.raises(
        ValueError, match=r"roi_size is \[8, 4, 13\], expected multiples of 4, as blocks_down has 3 levels"
    ):
        segresnet_settings(roi_size=[8, 4, 13], blocks_down=[1, 2, 2])
    with pytest.raises(ValueError, match=r"such as \[8, 4, 16\], or fewer levels"):
        segresnet_settings(roi_size=[8, 4, 13], blocks_down=[1, 2, 2])


def test_more_losses_than_levels_are_refused():
    """MONAI would take as many as there are, without a word."""
    segresnet_settings(roi_size=[8, 8, 8], blocks_down=[1, 2, 2], dsdepth=3)
    with pytest.raises(ValueError, match=r"dsdepth is 4, expected at most 3, .*: set a smaller --dsdepth"):
        segresnet_settings(roi_size=[8, 8, 8], blocks_down=[1, 2, 2], dsdepth=4)
