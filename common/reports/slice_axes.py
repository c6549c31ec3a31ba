"""Drawing one slice into matplotlib's axes: the CT in grey, labels as faint areas with bright outlines."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .dark_figure import COLOURS, FOREGROUND

Size = tuple[float, float]  # height and width of a picture, in mm


def label_colour(value: int) -> str:
    """Colour of a label; colours come again where there are more labels."""
    return COLOURS[(value - 1) % len(COLOURS)]


def show_slice(axes: Axes, picture: np.ndarray, size: Size, window: Sequence[float]) -> None:
    """`picture` (rows, columns) in grey, black and white at the ends of `window`."""
    low, high = window
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=_extent(size), interpolation="antialiased")


def shade(axes: Axes, areas: np.ndarray, size: Size, colours: Mapping[int, str], *, opacity: float = 0.25) -> None:
    """A faint area of its colour for each value of `areas` (rows, columns) that has one."""
    picture = np.zeros((*areas.shape, 4))
    for value, colour in colours.items():
        picture[areas == value] = (*to_rgb(colour), opacity)
    axes.imshow(picture, extent=_extent(size), interpolation="nearest")


def outline(axes: Axes, inside: np.ndarray, size: Size, colour: str, *, width: float = 1) -> None:
    """A bright line, `width` points wide, around what is true of `inside` (rows, columns), if anything is."""
    if inside.any():
        field, extent = inside.astype(float), _extent(size)
        axes.contour(field, levels=[0.5], colors=[colour], linewidths=width, extent=extent, origin="upper")


def overlay_labels(axes: Axes, labels: np.ndarray, size: Size, *, width: float = 1) -> None:
    """Each label as an area with its outline; where outlines meet, the lowest label's is seen."""
    colours = {value: label_colour(value) for value in np.unique(labels[labels > 0]).astype(int).tolist()}
    shade(axes, labels, size, colours)
    for value, colour in reversed(colours.items()):
        outline(axes, labels == value, size, colour, width=width)


def fit_panel(axes: Axes, size: Size, panel: Size) -> None:
    """Limits that put a picture of `size` into the middle of a `panel`, at the panel's scale."""
    axes.set_xlim((size[1] - panel[1]) / 2, (size[1] + panel[1]) / 2)
    axes.set_ylim((size[0] - panel[0]) / 2, (size[0] + panel[0]) / 2)


def legend_below(figure: Figure, colours: Sequence[tuple[str, str]]) -> None:
    """Names and their colours in one line at the foot of `figure`."""
    swatches = [Patch(color=colour, label=name) for name, colour in colours]
    figure.legend(
        handles=swatches,
        loc="lower center",
        ncols=max(1, len(swatches)),
        frameon=False,
        labelcolor=FOREGROUND,
        fontsize=10,
    )


def label_legend(figure: Figure, names: Sequence[str]) -> None:
    """Legend of the labels 1, 2, … by their `names`."""
    legend_below(figure, [(f"{value} {name}", label_colour(value)) for value, name in enumerate(names, start=1)])


def _extent(size: Size) -> tuple[float, float, float, float]:
    return 0, size[1], 0, size[0]
