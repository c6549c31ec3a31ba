import matplotlib.image
import numpy as np
import pytest

from common.reports.learning_curves import plot_learning_curves, read_validation
from common.reports.loss_curves import exponential_moving_average

# validation.csv, message
BAD_FILES = [
    ("", "expected the columns epoch and dice in line 1, found ''"),
    ("step,dice\n1,2\n", "expected the columns epoch and dice in line 1, found 'step,dice'"),
    ("epoch,dice\n", "no rows below the header; the run has not validated yet"),
    ("epoch,dice\n1,0.5\n2,x\n", "line 3: expected an epoch and a Dice, found '2' and 'x'"),
    ("epoch,dice\n1,0.5\n2\n", "line 3: expected an epoch and a Dice, found '2' and None"),
]


def write_run(folder, epochs=(1, 2, 3), dice=(0.1, 0.4, 0.3), losses=(2.0, 1.0, 0.5, 0.25)):
    folder.mkdir()
    table = [f"{epoch},{value}" for epoch, value in zip(epochs, dice, strict=True)]
    (folder / "validation.csv").write_text("\n".join(["epoch,dice", *table]) + "\n")
    table = [f"{step},{value},{2 * value}" for step, value in enumerate(losses, start=1)]
    (folder / "losses.csv").write_text("\n".join(["step,loss,dice_loss", *table]) + "\n")
    return folder


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Function runs -> the two panels, before they become pixels."""
    figures = []
    monkeypatch.setattr("common.reports.learning_curves.save_figure", lambda figure, _: figures.append(figure))

    def draw(runs, **options):
        plot_learning_curves(runs, path=tmp_path / "curves.png", **options)
        return figures[-1].axes

    return draw


def lines_of(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines if not line.get_label().startswith("_")}


def test_reads_the_two_columns_among_others(tmp_path):
    path = tmp_path / "validation.csv"
    path.write_text("epoch,lr,dice\n5,0.1,0.25\n10,0.1,nan\n")
    epoch, dice = read_validation(path)
    assert epoch.tolist() == [5, 10]
    np.testing.assert_array_equal(dice, [0.25, np.nan])


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_bad_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "validation.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"validation\.csv.*{message}"):
        read_validation(path)


def test_one_run(tmp_path, drawn):
    """Best Dice in the legend and as a dot."""
    dice_axes, loss_axes = drawn({"real": write_run(tmp_path / "real")})
    lines = lines_of(dice_axes)
    assert list(lines) == ["real: best 0.400 at epoch 2"]
    np.testing.assert_allclose(lines["real: best 0.400 at epoch 2"], [(1, 0.1), (2, 0.4), (3, 0.3)])
    assert [2, 0.4] in [line.get_xydata()[0].tolist() for line in dice_axes.lines if len(line.get_xydata()) == 1]
    assert (dice_axes.get_xlabel(), loss_axes.get_xlabel()) == ("epoch", "step")


def test_every_run_has_a_line_and_its_best(tmp_path, drawn):
    runs = {
        "fold 0": write_run(tmp_path / "0"),
        "fold 1": write_run(tmp_path / "1", epochs=(1, 3, 5), dice=(0.3, 0.5, 0.6)),
    }
    lines = lines_of(drawn(runs)[0])
    assert list(lines) == ["fold 0: best 0.400 at epoch 2", "fold 1: best 0.600 at epoch 5"]


def test_the_first_loss_is_averaged(tmp_path, drawn):
    axes = drawn({"real": write_run(tmp_path / "real")}, alpha=0.5)[1]
    (line,) = axes.lines
    expected = exponential_moving_average([2.0, 1.0, 0.5, 0.25], 0.5)
    np.testing.assert_allclose(line.get_xydata(), np.transpose([np.arange(1, 5), expected]))
    assert axes.get_xlabel() == "step"


def test_gaps_are_left_out(tmp_path, drawn):
    nan = float("nan")
    run = write_run(tmp_path / "real", dice=(0.1, nan, 0.3), losses=(2.0, nan, 1.0))
    dice_axes, loss_axes = drawn({"real": run}, alpha=1)
    np.testing.assert_allclose(lines_of(dice_axes)["real: best 0.300 at epoch 3"], [(1, 0.1), (3, 0.3)])
    np.testing.assert_allclose(loss_axes.lines[0].get_xydata(), [(1, 2), (3, 1)])
    nothing = write_run(tmp_path / "nothing", dice=(nan, nan, nan))
    assert "nothing" in lines_of(drawn({"nothing": nothing})[0])


def test_picture_is_written(tmp_path):
    runs = {f"fold {i}": write_run(tmp_path / str(i), dice=np.random.default_rng(i).uniform(size=3)) for i in range(7)}
    path = plot_learning_curves(runs, path=tmp_path / "out" / "curves.png")
    assert matplotlib.image.imread(path).shape[:2] == (504, 1440)


def test_missing_and_wrong_files_are_named(tmp_path):
    run, path = write_run(tmp_path / "real"), tmp_path / "curves.png"
    with pytest.raises(ValueError, match="no run to draw"):
        plot_learning_curves({}, path=path)
    (run / "losses.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"real/losses\.csv"):
        plot_learning_curves({"real": run}, path=path)
    assert not path.exists()
