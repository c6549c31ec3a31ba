import matplotlib.image
import numpy as np
import pytest

from common.reports.loss_curves import exponential_moving_average, plot_losses, read_losses

# alpha, values, average worked out by hand
AVERAGES = [(0.5, [4, 0, 2], [4, 2, 2]), (0.1, [1, 1, 1], [1, 1, 1]), (1, [3, 1, 2], [3, 1, 2]), (0.25, [8], [8])]

# file, message
BAD_FILES = [
    ("", "expected the header step,<loss>,… in line 1, found ''"),
    ("d,g\n1,2\n", "expected the header step,<loss>,… in line 1, found 'd,g'"),
    ("step\n1\n", "expected the header"),
    ("step,d\n", "no rows below the header; the run has not finished a step"),
    ("step,d\n1,0.5\n2,x\n", "line 3: expected numbers, could not convert string to float: 'x'"),
    ("step,d,g\n1,0.5,1\n2,0.5\n", "line 3: expected 3 values as in the header, found 2"),
    ("step,d\n1,0.5\n2,\n", "line 3: expected numbers"),
]


@pytest.mark.parametrize(("alpha", "values", "expected"), AVERAGES)
def test_worked_averages(alpha, values, expected):
    np.testing.assert_allclose(exponential_moving_average(values, alpha), expected)


def test_equals_the_thesis_recursion():
    values = np.random.default_rng(0).normal(size=300)
    average = [values[0]]
    for value in values[1:]:
        average.append(0.001 * value + 0.999 * average[-1])
    np.testing.assert_allclose(exponential_moving_average(values), average)


def test_first_value_weighs_as_documented():
    values = np.zeros(200)
    values[0] = 1
    assert exponential_moving_average(values)[-1] == pytest.approx(0.999**199)


def test_what_follows_nan_is_nan():
    assert np.isnan(exponential_moving_average([1, np.nan, 1], 0.5)).tolist() == [False, True, True]


@pytest.mark.parametrize(("values", "alpha"), [([], 0.1), ([1], 0), ([1], 1.5)])
def test_impossible_averages_are_refused(values, alpha):
    with pytest.raises(ValueError, match="moving average"):
        exponential_moving_average(values, alpha)


def write(path, names, rows):
    lines = [",".join(["step", *names]), *(",".join(map(str, [i, *row])) for i, row in enumerate(rows, start=1))]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_are_read_by_name(tmp_path):
    step, losses = read_losses(write(tmp_path / "losses.csv", ["d", "e_sub"], [[0.5, 1e-3], ["nan", "inf"]]))
    assert step.tolist() == [1, 2]
    assert list(losses) == ["d", "e_sub"]
    assert losses["e_sub"].tolist() == [0.001, np.inf]


def test_a_loss_that_a_step_does_not_have_is_nan_and_its_others_are_drawn(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("step,d,g\n1,0.5,1\n2,0.25,\n3,0.125,2\n")
    step, losses = read_losses(path)
    assert step.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(losses["g"], [1, np.nan, 2])
    assert plot_losses(path, tmp_path / "losses.png", alpha=0.5).is_file()


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_bad_files_are_refused(tmp_path, text, message):
    path = tmp_path / "losses.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"losses\.csv") as error:
        plot_losses(path, tmp_path / "losses.png")
    assert message in str(error.value)
    assert not (tmp_path / "losses.png").exists()


# losses, steps, size in inches
FIGURES = [(1, 50, (4.6, 3.25)), (4, 2, (13.8, 6.15)), (6, 1, (13.8, 6.15))]


@pytest.mark.parametrize(("losses", "steps", "size"), FIGURES)
def test_a_panel_per_loss(tmp_path, losses, steps, size):
    rows = np.random.default_rng(0).normal(size=(steps, losses))
    path = plot_losses(write(tmp_path / "losses.csv", [f"l{i}" for i in range(losses)], rows), tmp_path / "losses.png")
    picture = matplotlib.image.imread(path)
    assert picture.shape[:2] == (round(size[1] * 120), round(size[0] * 120))
    average = np.abs(picture[..., :3] - np.array([1, 0.82, 0.4])).max(axis=-1) < 0.05
    assert average.any()


def test_losses_that_turn_nan_are_still_drawn(tmp_path):
    csv = write(tmp_path / "losses.csv", ["d", "g"], [[1, "nan"], [2, "nan"], ["nan", "nan"]])
    assert plot_losses(csv, tmp_path / "losses.png").stat().st_size > 1000


def test_older_picture_is_replaced_whole(tmp_path):
    png = tmp_path / "losses.png"
    png.write_text("old")
    plot_losses(write(tmp_path / "losses.csv", ["d"], [[1], [2]]), png)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["losses.csv", "losses.png"]
