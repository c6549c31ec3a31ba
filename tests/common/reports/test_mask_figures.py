import matplotlib.image
import numpy as np
import pytest

from common.metrics.mask_statistics import UNITS
from common.reports import mask_figures
from common.reports.mask_figures import nearest_distances, position_maps, statistic_histograms


@pytest.fixture
def drawn(monkeypatch):
    """Figures, looked at instead of written."""
    figures = []
    monkeypatch.setattr(mask_figures, "save_figure", lambda figure, path: figures.append(figure))
    return figures


def rows(count, *, regions=("foreground",), seed=0):
    rng = np.random.default_rng(seed)
    return [{f"{region}/{name}": rng.normal(10) for region in regions for name in UNITS} for _ in range(count)]


def heights(axes):
    """Of the outlined histograms' bins, by label."""
    return {patch.get_label(): patch.get_xy() for patch in axes.patches if not patch.get_label().startswith("_")}


def test_histograms_hold_every_case_once(tmp_path, drawn):
    real, generated = rows(30), rows(20, seed=1)
    real[0]["foreground/volume"] = float("nan")
    statistic_histograms(real, generated, path=tmp_path / "h.png")
    panels = {axes.get_title(): axes for axes in drawn[0].axes}
    assert len(panels) == len(UNITS) - 2
    assert panels["HU contrast"].get_xlabel() == "HU"
    for axes in panels.values():
        areas = [sum(bar.get_height() for bar in bars) for bars in axes.containers]
        assert areas[:1] == [pytest.approx(1)]
        assert set(heights(axes)) == {"real", "generated"}


def test_histogram_of_what_no_case_has(tmp_path, drawn):
    nothing = [{key: float("nan") for key in row} for row in rows(3)]
    statistic_histograms(nothing, nothing, path=tmp_path / "h.png")
    assert all(axes.texts[0].get_text() == "no case has it" for axes in drawn[0].axes)


def test_histograms_of_a_label(tmp_path, drawn):
    both = rows(5, regions=("foreground", "label_2"))
    statistic_histograms(both, both, path=tmp_path / "h.png", region="label_2", columns=3)
    assert len(drawn[0].axes) == len(UNITS) - 2


@pytest.mark.parametrize(
    ("real", "generated", "message"), [(rows(2), rows(2), r"'label_1'.*found \['foreground'\]"), ([], [], "no cases")]
)
def test_a_region_that_is_not_there_is_refused(tmp_path, real, generated, message):
    with pytest.raises(ValueError, match=message):
        statistic_histograms(real, generated, path=tmp_path / "h.png", region="label_1")


def position(*cells, shape=(4, 3, 2)):
    """One map with its mass shared by `cells`, right, anterior, superior."""
    grid = np.zeros(shape)
    for cell in cells:
        grid[cell] = 1 / len(cells)
    return grid


def pictures(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images and axes.get_ylabel()]


def test_position_maps_in_radiological_convention(tmp_path, drawn):
    """All real masks at the patient's right, front and top; generated ones at the left, back and bottom."""
    real = np.stack([position((3, 2, 1))] * 3 + [np.full((4, 3, 2), np.nan)])
    generated = position((0, 0, 0))[None]
    position_maps(real, generated, path=tmp_path / "p.png")
    views = pictures(drawn[0])
    assert [view.shape for view in views] == [(3, 4)] * 3 + [(2, 4)] * 3 + [(2, 3)] * 3
    for first, second, difference in (views[:3], views[3:6], views[6:]):
        assert first[0, 0] == second[-1, -1] == 100  # percent
        assert first.sum() == second.sum() == 100
        np.testing.assert_array_equal(difference, second - first)


def test_position_maps_are_means(tmp_path, drawn):
    real = np.stack([position((0, 0, 0)), position((3, 0, 0), (0, 0, 0))])
    position_maps(real, real, path=tmp_path / "p.png")
    views = pictures(drawn[0])
    np.testing.assert_allclose(views[0][-1], [25, 0, 0, 75])
    assert all((view == 0).all() for view in views[2::3])


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (np.full((2, 4, 3, 2), np.nan), position((0, 0, 0))[None], "none of 2 cases"),
        (
            position((0, 0, 0))[None],
            position((0, 0, 0), shape=(4, 3, 3))[None],
            r"\(4, 3, 2\), the generated \(4, 3, 3",
        ),
    ],
)
def test_maps_that_do_not_compare_are_refused(tmp_path, real, generated, message):
    with pytest.raises(ValueError, match=message):
        position_maps(real, generated, path=tmp_path / "p.png")
    assert not list(tmp_path.iterdir())


def test_distances_with_the_threshold(tmp_path, drawn):
    nearest_distances(np.arange(9.0), np.arange(4, 10.0), threshold=4.05, path=tmp_path / "d.png", space="voxels")
    (axes,) = drawn[0].axes
    assert axes.lines[0].get_xdata()[0] == 4.05
    assert set(heights(axes)) == {"held-out, n = 6", "generated, n = 9"}
    assert "voxels" in axes.get_xlabel()


def test_no_distances_are_refused(tmp_path):
    with pytest.raises(ValueError, match="got 0 generated and 2 held-out"):
        nearest_distances(np.array([]), np.ones(2), threshold=1, path=tmp_path / "d.png")


def test_figures_are_written(tmp_path):
    maps = position((0, 0, 0))[None]
    files = [
        statistic_histograms(rows(5), rows(4), path=tmp_path / "h.png", columns=3),
        position_maps(maps, maps, path=tmp_path / "p.png"),
        nearest_distances(np.arange(3.0), np.arange(3.0), threshold=0.5, path=tmp_path / "d.png"),
    ]
    shapes = [matplotlib.image.imread(file).shape for file in files]
    assert [shape[1] for shape in shapes] == [1224, 1224, 840]
    assert sorted(tmp_path.iterdir()) == sorted(files)
