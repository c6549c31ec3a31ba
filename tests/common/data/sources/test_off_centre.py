import nibabel as nib
import numpy as np
import pytest

from common.data.sources.pairs import prepare_pairs

AFFINE = np.array([[-2, 0, 0, 7], [0, 2, 0, -8], [0, 0, 3, 9], [0, 0, 0, 1.0]])
SHAPE, CUT = (12, 11, 10), (6, 5, 4)


@pytest.fixture
def pairs(tmp_path):
    """Twenty cases whose lesion is the same cube of 2 voxels in the middle, and one without a lesion."""
    numbers = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    for name in [*map(str, range(20)), "empty"]:
        label = np.zeros(SHAPE, np.uint8)
        label[5:7, 5:7, 4:6] = name != "empty"
        for folder, array in (("images", numbers), ("labels", label)):
            (tmp_path / "in" / folder).mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array, AFFINE), tmp_path / "in" / folder / f"{name}.nii.gz")
    return tmp_path / "in"


def starts(cases):
    """First voxels of the boxes, of their content and of their affine, which must agree."""
    found = []
    for case in cases:
        image, label = nib.load(case.image), nib.load(case.label)
        start = np.array(np.unravel_index(np.asanyarray(image.dataobj)[0, 0, 0], SHAPE))
        assert image.shape == label.shape == CUT and np.array_equal(image.affine, label.affine)
        np.testing.assert_allclose(image.affine[:3, 3], AFFINE[:3] @ [*start, 1])
        found.append(tuple(map(int, start)))
    return found


def test_boxes_lie_off_the_lesions_centre_and_where_they_were(pairs, tmp_path):
    cases = prepare_pairs(pairs, tmp_path / "out", cut=CUT, seed=3)
    found = starts(cases)
    assert len(set(found)) > 15
    lesions = [nib.load(case.label).get_fdata().sum() for case in cases if case.case_id != "empty"]
    assert min(lesions) >= 1 and len(set(lesions)) > 1
    held = np.array([5, 5, 4])  # of the equally near voxels, the first
    boxes = np.array([start for case, start in zip(cases, found, strict=True) if case.case_id != "empty"])
    assert (boxes <= held).all() and (boxes + CUT > held).all()


def test_a_seed_gives_the_same_boxes_and_another_gives_others(pairs, tmp_path):
    first, again, other = (
        starts(prepare_pairs(pairs, tmp_path / name, cut=CUT, seed=seed))
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again != other


def test_finished_boxes_are_left_alone_and_those_of_another_cut_made_anew(pairs, tmp_path):
    (case, *_) = prepare_pairs(pairs, tmp_path / "out")
    assert case.image.is_symlink()
    prepare_pairs(pairs, tmp_path / "out", cut=CUT)
    before = case.image.stat().st_mtime_ns
    prepare_pairs(pairs, tmp_path / "out", cut=CUT)
    assert case.image.stat().st_mtime_ns == before and not case.image.is_symlink()
    prepare_pairs(pairs, tmp_path / "out", cut=(4, 4, 4))
    assert nib.load(case.image).shape == (4, 4, 4)
    assert nib.load(pairs / "images" / case.image.name).shape == SHAPE


def test_a_volume_smaller_than_the_box_is_named(pairs, tmp_path):
    with pytest.raises(
        ValueError, match=r"0\.nii\.gz has the shape \(12, 11, 10\).*at least --cut 13,4,4; set a smaller"
    ):
        prepare_pairs(pairs, tmp_path / "out", cut=(13, 4, 4))


def test_the_input_is_never_cut_itself(pairs):
    with pytest.raises(ValueError, match="choose an output other than the input"):
        prepare_pairs(pairs, pairs, cut=CUT)
    assert nib.load(pairs / "images" / "0.nii.gz").shape == SHAPE
