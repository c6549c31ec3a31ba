"""What is gathered slab by slab is what the whole array says."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from common.data import voxel_facts
from common.data.volume_file import open_volume
from common.data.voxel_facts import ImageFacts, MaskFacts, read_slabs

SHAPE = (5, 4, 7)


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch):
    """Two slices of int16 at a time, so that 7 slices end in a part of a slab."""
    monkeypatch.setattr(voxel_facts, "_SLAB", 2 * 5 * 4 * 2)


def save(path, values, *, scaled=False):
    image = nib.Nifti1Image(values, np.eye(4))
    if scaled:
        image.header.set_slope_inter(0.5, -1024)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_slabs_are_the_voxels(tmp_path, name, scaled, dtype):
    values = np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)
    path = save(tmp_path / name, values, scaled=scaled)
    volume = open_volume(path)
    slabs = list(read_slabs(path, volume))
    assert len(slabs) > 1
    np.testing.assert_array_equal(np.concatenate(slabs, axis=2), np.asanyarray(volume.dataobj))


@pytest.mark.parametrize("dtype", [np.int16, np.float64])
def test_facts_of_an_image(dtype):
    values = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(dtype)
    facts = ImageFacts({"some": (-300.5, 299.5), "none": (5000, 6000)})
    for z in range(SHAPE[2]):
        facts.add(values[..., z : z + 1])
    assert (facts.infinite, facts.low, facts.high) == (0, values.min(), values.max())
    assert facts.shares == {"some": np.mean((values >= -300.5) & (values <= 299.5)), "none": 0}


def test_voxels_that_are_no_numbers_are_counted():
    facts = ImageFacts({})
    facts.add(np.array([1.0, np.nan, np.inf]))
    facts.add(np.array([np.nan, 2.0]))
    assert facts.infinite == 3


def test_facts_of_a_mask():
    facts = MaskFacts()
    for slab in (np.zeros((2, 2), np.uint8), np.array([[3, 0]], np.uint8), np.array([[5.0, 2.0001]])):
        facts.add(slab)
    assert facts.values == {0, 2, 3, 5} and facts.farthest == [2.0001]
    facts.add(np.array([0.5, 1.0]))
    facts.add(np.array([np.nan, 1.0]))
    assert facts.farthest[1] == 0.5 and np.isnan(facts.farthest[2])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_that_ends_early_is_an_error(tmp_path, name):
    path = save(tmp_path / name, np.random.default_rng(0).integers(0, 2000, SHAPE).astype(np.int16))
    volume = open_volume(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises((OSError, EOFError)):
        list(read_slabs(path, volume))


def test_damage_behind_the_voxels_is_an_error(tmp_path):
    path = save(tmp_path / "a.nii.gz", np.zeros(SHAPE, np.int16))
    volume = open_volume(path)
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # of gzip's checksum
    path.write_bytes(content)
    with pytest.raises(gzip.BadGzipFile):
        list(read_slabs(path, volume))
