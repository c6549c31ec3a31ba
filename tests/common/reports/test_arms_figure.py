import matplotlib.image
import numpy as np
import pytest

from common.metrics.arms import compare_arms
from common.reports.arms_figure import plot_arms, plot_low_data

REAL = {"arm": "real only", "mean": 0.5, "low": 0.45, "high": 0.55, "difference": None}
MIXED = {
    **{"arm": "real + generated", "mean": 0.53, "low": 0.48, "high": 0.58},
    **{"difference": 0.03, "difference_low": -0.004, "difference_high": 0.064, "p_holm": 0.0123},
}
ONE_CASE = MIXED | dict.fromkeys(("low", "high", "difference_low", "difference_high")) | {"p_holm": 1.0}

# row, what stands beside it
WRITTEN = [
    (REAL, ["0.500", "[0.450,", "0.550]", "baseline"]),
    (MIXED, ["0.530", "[0.480,", "0.580]", "+0.030", "[-0.004,", "+0.064]", "0.012"]),
    (MIXED | {"p_holm": 1e-5}, ["0.530", "[0.480,", "0.580]", "+0.030", "[-0.004,", "+0.064]", "<", "0.001"]),
    (ONE_CASE, ["0.530", "+0.030", "1.000"]),
]


def point(cases, mean, width=0.1):
    return {"real": cases, "mean": mean, "low": mean - width, "high": mean + width}


@pytest.fixture
def figures(monkeypatch):
    """The figures that were drawn, before they become pixels."""
    figures = []
    monkeypatch.setattr("common.reports.arms_figure.save_figure", lambda figure, _: figures.append(figure))
    return figures


def points_of(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


@pytest.mark.parametrize(("row", "words"), WRITTEN)
def test_what_stands_beside_an_arm(figures, row, words):
    plot_arms([row], path="unused.png")
    heading, text = figures[0].axes[0].texts
    assert text.get_text().split() == words
    assert heading.get_text().split()[-2:] == ["p", "(Holm)"]


def test_arms_stand_from_top_to_bottom_with_their_intervals(figures):
    plot_arms([MIXED, REAL, ONE_CASE], path="unused.png")
    axes = figures[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [row["arm"] for row in (MIXED, REAL, ONE_CASE)]
    assert axes.get_ylim() == (2.5, -0.5)
    drawn = list(points_of(axes).values())
    assert [[0.48, 0], [0.58, 0]] in drawn and [[0.45, 1], [0.55, 1]] in drawn
    assert [[0.53, 0]] in drawn and [[0.5, 1]] in drawn and [[0.53, 2]] in drawn
    assert [[0.5, 0], [0.5, 1]] in drawn  # the baseline's line, over the height of the axes
    assert len(drawn) == 6


def test_takes_what_compare_arms_gives(tmp_path):
    dice = np.random.default_rng(0).uniform(size=(3, 10))
    arms = {name: dict(enumerate(values)) for name, values in zip("abc", dice, strict=True)}
    arms = {name: [{f"case_{i}": value for i, value in scores.items()}] for name, scores in arms.items()}
    path = plot_arms(compare_arms(arms, baseline="b", replicates=50), path=tmp_path / "arms.png")
    assert matplotlib.image.imread(path).shape[1] == 1320


def test_low_data_lines_run_from_few_to_many(figures):
    series = {
        "real only": [point(40, 0.5), point(4, 0.2), point(10, 0.3)],
        "real + generated": [point(4, 0.3), point(40, 0.5)],
    }
    plot_low_data(series, path="unused.png")
    axes = figures[0].axes[0]
    assert points_of(axes)["real only"] == [[4, 0.2], [10, 0.3], [40, 0.5]]
    assert points_of(axes)["real + generated"] == [[4, 0.3], [40, 0.5]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "10", "40"]
    assert axes.get_xscale() == "log"
    spans = [band.get_paths()[0].get_extents() for band in axes.collections]
    np.testing.assert_allclose([(s.y0, s.y1) for s in spans], [(0.1, 0.6), (0.2, 0.6)])


def test_low_data_without_intervals(figures):
    plot_low_data({"real only": [point(1, 0.5) | {"low": None, "high": None}]}, path="unused.png")
    assert points_of(figures[0].axes[0]) == {"real only": [[1, 0.5]]}


@pytest.mark.parametrize("plot", ["arms", "low"])
def test_stamp_is_on_the_picture(figures, plot):
    for stamp in ("the generator has seen test cases", None):
        if plot == "arms":
            plot_arms([REAL, MIXED], path="unused.png", stamp=stamp)
        else:
            plot_low_data({"real only": [point(1, 0.5)]}, path="unused.png", stamp=stamp)
    assert [[text.get_text() for text in figure.texts] for figure in figures] == [
        ["the generator has seen test cases"],
        [],
    ]


def test_pictures_are_written_whole_and_the_same_each_time(tmp_path):
    for name in ("a.png", "b.png"):
        plot_arms([REAL, MIXED], path=tmp_path / "arms" / name, stamp="stamp")
        plot_low_data({"real only": [point(1, 0.5)]}, path=tmp_path / "low" / name)
    for folder in ("arms", "low"):
        files = sorted((tmp_path / folder).iterdir())
        assert [file.name for file in files] == ["a.png", "b.png"]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_nothing_to_plot_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no arms to plot"):
        plot_arms([], path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"expected rows in each series, found \{\}"):
        plot_low_data({}, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"expected rows in each series, found \{'real only': 0\}"):
        plot_low_data({"real only": []}, path=tmp_path / "a.png")
