import matplotlib.image
import nibabel as nib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from common.reports.case_figures import (
    Example,
    group_styles,
    load_example,
    plot_all_slices,
    plot_hu_histograms,
    plot_label_volumes,
    plot_slice_counts,
    sagittal_overlays,
)
from common.reports.dark_figure import COLOURS


def has(picture, colour):
    return (np.abs(picture[..., :3] - np.asarray(to_rgb(colour))).max(axis=-1) < 0.01).sum()


def test_seven_centres_have_seven_styles():
    styles = group_styles(["g", "a", "b", "a", "c", "d", "e", "f"])
    assert list(styles) == list("abcdefg")
    assert styles["a"].colour == styles["g"].colour  # six colours
    assert len({(style.colour, style.marker) for style in styles.values()}) == 7
    assert len({(style.colour, style.line) for style in styles.values()}) == 7


# slices of each centre: several, one number alone, far apart
COUNTS = [{"A": [90, 135, 92], "B": [485, 736]}, {"A": [128] * 9}, {"A": [1, 1000]}]


@pytest.mark.parametrize("counts", COUNTS)
def test_one_panel_a_centre(tmp_path, counts):
    picture = matplotlib.image.imread(plot_slice_counts(counts, path=tmp_path / "s.png"))
    assert picture.shape[0] == round((0.9 + 1.2 * len(counts)) * 120)
    for panel in np.array_split(picture, len(counts)):
        assert has(panel, COLOURS[1])


def test_longer_bars_for_more_cases(tmp_path):
    """Nine cases at 100 slices, three at 120: the left bar is three times as high."""
    picture = matplotlib.image.imread(plot_slice_counts({"A": [100] * 9 + [120] * 3}, path=tmp_path / "s.png"))
    bars = (np.abs(picture[..., :3] - to_rgb(COLOURS[1])).max(axis=-1) < 0.01).sum(axis=0)
    high = bars[bars > 2]
    assert high.max() / high.min() == pytest.approx(3, rel=0.1)


def test_hu_lines(tmp_path):
    edges = np.arange(-100, 101, 20)
    shares = {"A": np.eye(10)[2], "B": np.full(10, 0.1)}
    picture = matplotlib.image.imread(plot_hu_histograms(shares, edges, path=tmp_path / "h.png"))
    assert has(picture, COLOURS[0]) > 100
    assert has(picture, COLOURS[1]) > 100
    assert not has(picture, COLOURS[2])


def test_hu_of_nothing_is_drawn_empty(tmp_path):
    assert plot_hu_histograms({"A": np.zeros(4)}, np.arange(5), path=tmp_path / "h.png").is_file()


def test_label_without_a_case_has_an_empty_panel(tmp_path):
    volumes = {"tumour": [3.0, 0.5, 20.0], "lymph node": [0.0, 0.0, 0.0]}
    picture = matplotlib.image.imread(plot_label_volumes(volumes, path=tmp_path / "v.png"))
    assert has(picture, COLOURS[0]) > 100
    assert has(picture, COLOURS[1]) == 0


def write_pair(folder, shape, affine):
    image = np.arange(np.prod(shape), dtype=np.int16).reshape(shape) % 1000
    label = (image % 7 == 0).astype(np.uint8)
    for name, array in (("image", image), ("label", label)):
        nib.save(nib.Nifti1Image(array, affine), folder / f"{name}.nii")
    return {"case_id": "c1", "centre": "A", **{key: str(folder / f"{key}.nii") for key in ("image", "label")}}, image


def test_example_is_in_ras(tmp_path):
    entry, image = write_pair(tmp_path, (4, 5, 6), np.diag([-2, 3, 4, 1.0]))
    example = load_example(entry)
    assert (example.name, example.spacing, example.step) == ("A · c1", (2, 3, 4), (1, 1, 1))
    np.testing.assert_array_equal(example.image, image[::-1])


def test_large_example_is_thinned_alike(tmp_path):
    entry, image = write_pair(tmp_path, (4, 10, 7), np.diag([1, 2, 3, 1.0]))
    example = load_example(entry, largest=4)
    assert (example.step, example.spacing) == ((1, 3, 2), (1, 6, 6))
    np.testing.assert_array_equal(example.image, image[:, ::3, ::2])
    assert example.label.shape == example.image.shape


def example(label):
    image = np.full((20, 20, 20), -1000)
    return Example("A · c1", image, label, (1.0, 1.0, 1.0), (1, 1, 1))


def test_sagittal_slice_has_outlines_of_its_labels_only(tmp_path):
    """Label 1 fills most of one sagittal slice; label 2 lies in another, and is not drawn."""
    label = np.zeros((20, 20, 20), np.uint8)
    label[5, 3:15, 3:15] = 1
    label[12, 3:5, 3:5] = 2
    path = sagittal_overlays([example(label)], path=tmp_path / "s.png", label_names=["tumour", "lymph node"])
    picture = matplotlib.image.imread(path)[:-60]  # without the legend
    assert has(picture, COLOURS[0]) > 200
    assert has(picture, COLOURS[1]) == 0


def test_a_label_inside_another_keeps_its_outline(tmp_path):
    """Label 2 around label 1: both outlines run where they meet, and label 1's is seen."""
    label = np.full((20, 20, 20), 2, np.uint8)
    label[:, 5:15, 5:15] = 1
    path = sagittal_overlays([example(label)], path=tmp_path / "s.png", label_names=["tumour", "lymph node"])
    assert has(matplotlib.image.imread(path)[:-60], COLOURS[0]) > 200


def test_all_slices_keep_their_proportions_when_thinned(tmp_path):
    """36 slices of 20 × 10 mm in a grid of 4 × 9, halved along x alone."""
    image = np.full((20, 10, 36), -1000)
    whole = Example("A · c1", image, np.zeros_like(image), (1.0, 1.0, 1.0), (1, 1, 1))
    shapes = [
        matplotlib.image.imread(plot_all_slices(whole, path=tmp_path / "m.png", largest=largest)).shape
        for largest in (128, 10)
    ]
    assert shapes[0] == shapes[1] == (1440 * 9 * 10 // (4 * 20), 1440, 4)


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 3))])
def test_three_sagittal_pictures_a_row(tmp_path, count, grid):
    examples = [example(np.ones((20, 20, 20), np.uint8))] * count
    picture = matplotlib.image.imread(sagittal_overlays(examples, path=tmp_path / "s.png", label_names=["tumour"]))
    assert picture.shape[:2] == (round((4.5 * grid[0] + 0.4) * 120), round(4.2 * grid[1] * 120))
