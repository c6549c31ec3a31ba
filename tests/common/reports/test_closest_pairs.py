import matplotlib.image
import nibabel as nib
import numpy as np
import pytest

from common.reports import closest_pairs as module
from common.reports.closest_pairs import ClosestPair, closest_pairs

SHAPE = (20, 16, 10)


def write_case(folder, case_id, *, spacing=(1, 1, 1), label=True, flip=False):
    """A bright block with a mask on it; flipped, the same patient stored from right to left."""
    image, mask = np.full(SHAPE, -1000, np.int16), np.zeros(SHAPE, np.uint8)
    image[4:10, 4:12, 2:8] = 40
    mask[5:8, 6:10, 3:6] = 2
    affine = np.diag([*map(float, spacing), 1])
    if flip:
        image, mask = image[::-1], mask[::-1]
        affine[0] = [-spacing[0], 0, 0, (SHAPE[0] - 1) * spacing[0]]
    entry = {"case_id": case_id}
    for key, array in {"image": image, "label": mask}.items():
        if key == "image" or label:
            entry[key] = str(folder / f"{case_id}_{key}.nii.gz")
            nib.save(nib.Nifti1Image(array, affine), entry[key])
    return entry


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(module, "save_figure", lambda figure, path: figures.append(figure))
    return figures


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_nearest_first_and_no_more_than_asked_for(tmp_path, drawn):
    cases = [write_case(tmp_path, name) for name in "abcd"]
    lost = {**cases[0], "image": "/not/read.nii.gz"}
    pairs = [
        ClosestPair(cases[0], cases[2], 2.0),
        ClosestPair(lost, cases[2], 3.0),
        ClosestPair(cases[1], cases[3], 0.12345),
    ]
    closest_pairs(pairs, path=tmp_path / "pairs.png", count=2)
    assert texts(drawn[0]) == ["generated", "nearest training case", "b   distance 0.1235", "d", "a   distance 2", "c"]
    assert len(drawn[0].axes) == 12


def test_a_copy_looks_the_same_on_both_sides_however_it_is_stored(tmp_path, drawn):
    pair = ClosestPair(write_case(tmp_path, "sample"), write_case(tmp_path, "case", flip=True), 0.0)
    closest_pairs([pair], path=tmp_path / "pairs.png")
    panels = drawn[0].axes
    for left, right in zip(panels[:3], panels[3:], strict=True):
        np.testing.assert_array_equal(left.images[0].get_array(), right.images[0].get_array())
        assert len(left.collections) == len(right.collections) == 1  # the outline of the mask


def test_a_set_of_images_alone(tmp_path, drawn):
    pair = ClosestPair(write_case(tmp_path, "sample", label=False), write_case(tmp_path, "case"), 1.0)
    closest_pairs([pair], path=tmp_path / "pairs.png")
    assert [len(axes.collections) for axes in drawn[0].axes] == [0, 0, 0, 1, 1, 1]


def test_one_scale_in_millimetres(tmp_path, drawn):
    """A training case of twice the voxel size is twice as wide and high."""
    pair = ClosestPair(write_case(tmp_path, "sample"), write_case(tmp_path, "case", spacing=(2, 2, 2)), 1.0)
    closest_pairs([pair], path=tmp_path / "pairs.png")
    scales = [axes.bbox.width / np.ptp(axes.get_xlim()) for axes in drawn[0].axes]
    assert scales == pytest.approx([scales[0]] * 6)
    sides = [axes.images[0].get_extent() for axes in drawn[0].axes]
    assert [side[1] for side in sides] == [20, 20, 16, 40, 40, 32]


@pytest.mark.parametrize(("pairs", "count"), [(0, 4), (1, 0)])
def test_nothing_to_show_is_refused(tmp_path, pairs, count):
    pair = ClosestPair({"case_id": "a"}, {"case_id": "b"}, 1.0)
    with pytest.raises(ValueError, match=f"got {pairs} pairs to show {count}"):
        closest_pairs([pair] * pairs, path=tmp_path / "pairs.png", count=count)


def test_the_picture_is_written(tmp_path):
    """The masks, label 2, are outlined in its colour on both sides."""
    pair = ClosestPair(write_case(tmp_path, "sample"), write_case(tmp_path, "case"), 1.0)
    picture = matplotlib.image.imread(closest_pairs([pair], path=tmp_path / "pairs.png", width=8))
    assert picture.shape[1] == 960
    coloured = picture[..., 2] - picture[..., 0] > 0.4
    assert coloured[:, :480].sum() > 100
    assert coloured[:, 480:].sum() > 100
