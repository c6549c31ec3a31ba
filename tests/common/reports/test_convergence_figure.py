"""Curves of an experiment's arms."""

import numpy as np
import pytest

from common.reports.convergence_figure import plot_convergence, read_arm_curve

EPOCHS = range(5, 65, 5)  # twelve validations


def write_run(folder, dice=None, losses=()):
    folder.mkdir()
    if dice is not None:
        rows = [f"{epoch},{value}" for epoch, value in zip(EPOCHS, dice, strict=False)]
        (folder / "validation.csv").write_text("\n".join(["epoch,dice", *rows]) + "\n")
    if len(losses):
        rows = [f"{step},{value}" for step, value in enumerate(losses, start=1)]
        (folder / "losses.csv").write_text("\n".join(["step,loss", *rows]) + "\n")
    return folder


def test_the_validations_of_all_trainings_are_judged_together(tmp_path):
    """One rises by 0.03 in its last third of four points, another falls by as much."""
    rising = np.concatenate([np.full(8, 0.5), [0.5, 0.51, 0.52, 0.53]])
    runs = [write_run(tmp_path / "a", rising), write_run(tmp_path / "b", 1 - rising)]
    assert read_arm_curve(runs[:1]).convergence.state == "still rising"
    both = read_arm_curve(runs)
    assert (both.of, both.runs.shape, both.convergence.state) == ("validation Dice", (2, 12), "converged")
    assert both.x.tolist() == list(EPOCHS)


def test_without_validation_the_loss_is_judged_by_its_fall(tmp_path):
    falling = write_run(tmp_path / "a", losses=np.linspace(2, 1, 300))
    flat = write_run(tmp_path / "b", losses=np.concatenate([np.linspace(2, 1, 150), np.ones(150)]))
    found = [read_arm_curve([folder]) for folder in (falling, flat)]
    assert [curve.of for curve in found] == ["training loss"] * 2
    assert [curve.convergence.state for curve in found] == ["still rising", "converged"]
    assert found[0].runs.shape == (1, 30)
    assert found[0].x[0] == 5.5  # steps 1 to 10
    assert read_arm_curve([write_run(tmp_path / "c")]) is None


def test_a_panel_an_arm_says_its_state(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr("common.reports.convergence_figure.save_figure", lambda figure, _: figures.append(figure))
    runs = {
        "real": [write_run(tmp_path / "a", np.linspace(0, 1, 12)), write_run(tmp_path / "b", np.linspace(0, 1, 12))]
    }
    runs["mixed"] = [write_run(tmp_path / "c", losses=np.linspace(2, 1, 300))]
    plot_convergence({name: read_arm_curve(folders) for name, folders in runs.items()}, path="unused.png")
    real, mixed = figures[0].axes
    assert [axes.get_title() for axes in (real, mixed)] == ["real", "mixed"]
    assert [axes.texts[0].get_text() for axes in (real, mixed)] == ["still rising", "still falling"]
    assert (len(real.lines), len(mixed.lines)) == (3, 2)  # each training, and their mean
    assert real.patches[0].get_extents() is not None


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no curve to draw"):
        plot_convergence({}, path=tmp_path / "a.png")
