"""Pictures that a test only asks for, not what is on them: drawn in a quarter of the time."""

from matplotlib.figure import Figure


def draw_quickly(patch):
    """With `patch`, a `pytest.MonkeyPatch`: a sixth of the pixels a side, no ticks, no second pass that fits margins.

    All else of a picture is drawn, and its file is written as ever.
    """
    save = Figure.savefig
    patch.setattr(Figure, "savefig", lambda *args, **options: save(*args, **{**options, "dpi": 20}))
    patch.setattr(Figure, "tight_layout", lambda *_, **__: None)
    patch.setattr("matplotlib.axis.Axis.draw", lambda *_, **__: None)
