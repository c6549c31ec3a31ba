"""Drawing slices into matplotlib's axes: the CT in grey, labels as faint areas with bright outlines.

Pictures lie in millimetres of their own, from their lower left corner; ``at`` says where that is in axes of several.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import Affine2D, Transform

from .dark_figure import COLOURS, FOREGROUND

Size = tuple[float, float]  # height and width of a picture, in mm


def label_colour(value: int) -> str:
    """Colour of a label; colours come again where there are more labels."""
    return COLOURS[(value - 1) % len(COLOURS)]


def show_slice(
    axes: Axes, picture: np.ndarray, size: Size, window: Sequence[float], *, at: Transform | None = None
) -> None:
    """`picture` (rows, columns) in grey, black and white at the ends of `window`."""
    low, high = window
    how = {"interpolation": "antialiased", **_placed(at)}
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=_extent(size), **how)


def shade(
    axes: Axes,
    areas: np.ndarray,
    size: Size,
    colours: Mapping[int, str],
    *,
    opacity: float = 0.25,
    at: Transform | None = None,
) -> None:
    """A faint area of its colour for each value of `areas` (rows, columns) that has one."""
    picture = np.zeros((*areas.shape, 4))
    for value, colour in colours.items():
        picture[areas == value] = (*to_rgb(colour), opacity)
    axes.imshow(picture, extent=_extent(size), interpolation="nearest", **_placed(at))


def outline(
    axes: Axes, inside: np.ndarray, size: Size, colour: str, *, width: float = 1, at: Transform | None = None
) -> None:
    """A bright line, `width` points wide, around what is true of `inside` (rows, columns), if anything is."""
    if inside.any():
        how = {"linewidths": width, "extent": _extent(size), "origin": "upper", **_placed(at)}
        axes.contour(inside.astype(float), levels=[0.5], colors=[colour], **how)


def overlay_labels(
    axes: Axes, labels: np.ndarray, size: Size, *, width: float = 1, at: Transform | None = None
) -> None:
    """Each label as an area with its outline; where outlines meet, the lowest label's is seen."""
    colours = {value: label_colour(value) for value in np.unique(labels[labels > 0]).astype(int).tolist()}
    shade(axes, labels, size, colours, at=at)
    for value, colour in reversed(colours.items()):
        outline(axes, labels == value, size, colour, width=width, at=at)


def axes_in_inches(figure: Figure) -> Axes:
    """Axes without ticks over all of `figure`, in inches: for many pictures, as axes of their own take 10 ms each."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return axes


def panel_in_inches(axes: Axes, corner: tuple[float, float], size: Size, panel: Size, inch: float) -> Transform:
    """Where a picture of `size` lies in the middle of a `panel`, both in mm, of which one is `inch` inches.

    The panel's lower left `corner` is in inches, as of `axes_in_inches`.
    """
    x, y = (
        start + (outer - inner) / 2 * inch for start, outer, inner in zip(corner, panel[::-1], size[::-1], strict=True)
    )
    return Affine2D().scale(inch).translate(x, y) + axes.transData


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


def _placed(at: Transform | None) -> dict[str, Any]:
    return {} if at is None else {"transform": at}


def _extent(size: Size) -> tuple[float, float, float, float]:
    return 0, size[1], 0, size[0]
