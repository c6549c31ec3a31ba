"""A patch that the levels of a SegResNet halve, or a message that says which would do."""

import pytest

from common.networks.segresnet_settings import _memory, segresnet_settings


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


def test_a_patch_beyond_the_memory_is_refused(monkeypatch):
    """8 filters of 64 × 64 × 64 voxels take 90 MiB at least."""
    monkeypatch.setattr("common.networks.segresnet_settings._memory", lambda: 2**30)
    segresnet_settings(roi_size=[64, 64, 64], blocks_down=[1, 2], init_filters=8)
    words = (
        r"roi_size is \[512, 512, 64\] and init_filters 8, .* at least 6 GiB .* the 1 GiB that there are: set a smaller"
    )
    with pytest.raises(ValueError, match=words):
        segresnet_settings(roi_size=[512, 512, 64], blocks_down=[1, 2], init_filters=8)


def test_the_memory_is_that_of_this_machine():
    assert 2**28 < _memory() < 2**50
