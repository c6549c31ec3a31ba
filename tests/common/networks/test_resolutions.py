import pytest
import torch

from common.networks.resolutions import crop_centre, first_map, halvings

HALVINGS = [((4, 4), 0), ((7, 9), 0), ((8, 8, 8), 1), ((38, 38, 38), 3), ((64, 64, 32), 3), ((1024, 3680), 8)]
# size, doublings k, first map ⌈size / 2^k⌉
MAPS = [
    ((1024, 3680), 8, (4, 15)),
    ((64, 64, 32), 3, (8, 8, 4)),
    ((128, 128, 128), 5, (4, 4, 4)),
    ((38, 38, 38), 3, (5, 5, 5)),
    ((154, 154, 54), 3, (20, 20, 7)),
    ((5, 9), 0, (5, 9)),
]


@pytest.mark.parametrize("size,expected", HALVINGS)
def test_the_smallest_axis_is_halved_to_four_to_seven(size, expected):
    assert halvings(size) == expected


@pytest.mark.parametrize("size", [(8,), (8, 8, 8, 8), (64, 3)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="two or three axes of at least 4"):
        halvings(size)


@pytest.mark.parametrize(("size", "k", "start"), MAPS)
def test_starting_map(size, k, start):
    assert (halvings(size), first_map(size)) == (k, start)


def test_the_middle_is_kept_and_an_odd_rest_is_cut_behind():
    maps = torch.arange(7.0).expand(1, 2, 6, 7)
    assert crop_centre(maps, (4, 4)).shape == (1, 2, 4, 4)
    assert crop_centre(maps, (6, 4))[0, 0, 0].tolist() == [1, 2, 3, 4]
    assert torch.equal(crop_centre(maps, (6, 7)), maps)
