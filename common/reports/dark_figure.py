"""Dark figures without pyplot's global state."""

import os
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..files import replacing

BACKGROUND = "#101418"
FOREGROUND = "#e6e9ec"
MUTED = "#8b949e"
COLOURS = ("#ff5c5c", "#4cc9f0", "#ffd166", "#95d5b2", "#c77dff", "#f4a261")


def dark_figure(width: float, height: float) -> Figure:
    """Empty figure of `width` × `height` inches with an Agg canvas."""
    figure = Figure(figsize=(width, height), facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes) -> None:
    """Muted lines on the dark background."""
    axes.set_facecolor(BACKGROUND)
    axes.tick_params(colors=MUTED, labelsize=9)
    axes.grid(color=MUTED, alpha=0.15)
    axes.spines[:].set_color(MUTED)
    axes.spines[["top", "right"]].set_visible(False)


def save_figure(figure: Figure, path: str | os.PathLike, *, dpi: int = 120) -> Path:
    """Write `figure` as PNG; an older file at `path` stays until the new one is whole."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png", facecolor=figure.get_facecolor())
    return Path(path)
