import pytest

from common.networks.hagan_size import slab_depth, smallest, stages, volume_size


def test_a_number_is_a_cube_and_three_axes_are_kept():
    assert volume_size(128) == (128, 128, 128)
    assert volume_size([128, 128, 64]) == (128, 128, 64)


@pytest.mark.parametrize(
    ("size", "doublings", "map_"), [(32, 1, (4, 4, 4)), ((128, 128, 64), 3, (4, 4, 2)), (256, 4, (4, 4, 4))]
)
def test_from_the_smallest_map_to_a_quarter_of_the_volume(size, doublings, map_):
    axes = volume_size(size)
    assert (stages(axes), smallest(axes)) == (doublings, map_)
    assert [axis << doublings for axis in map_] == [axis // 4 for axis in axes]


@pytest.mark.parametrize("size", [48, 16, (64, 64), (32, 64, 64), (32, 32, 8)])
def test_sizes_that_cannot_be_halved_are_refused(size):
    with pytest.raises(ValueError, match="expected three powers of two"):
        volume_size(size)


def test_a_slab_without_a_whole_voxel_of_the_latent_map_is_refused():
    assert slab_depth(64, 16) == 4
    with pytest.raises(ValueError, match=r"slab_fraction 16 cuts size 32 into slabs of 2 slices"):
        slab_depth(32, 16)
