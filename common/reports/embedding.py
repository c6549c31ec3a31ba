"""Map of cases in two dimensions: t-SNE and its scatter plot."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from .case_figures import group_styles
from .dark_figure import FOREGROUND, dark_figure, save_figure, style_axes


def embed(features: np.ndarray, *, perplexity: float = 10, learning_rate: float = 200, seed: int = 0) -> np.ndarray:
    """t-SNE of ``features``, (N, …) to (N, 2); perplexity and learning rate as in the thesis (3.9.4).

    Starts from the principal components, so that the same features give the same map.

    Raises:
        ValueError: N is not above the perplexity, or a feature is NaN or infinite.
    """
    if len(features) <= perplexity:
        raise ValueError(
            f"t-SNE of {len(features)} cases: needs more than its perplexity, {perplexity:g}; "
            "add cases, or set a lower perplexity"
        )
    features = np.asarray(features, dtype=np.float32).reshape(len(features), -1)
    if bad := int((~np.isfinite(features).all(axis=1)).sum()):
        raise ValueError(f"t-SNE: {bad} of {len(features)} cases have NaN or infinite features; leave them out")
    init = "pca" if features.shape[1] > 1 else "random"
    tsne = TSNE(2, perplexity=perplexity, learning_rate=learning_rate, init=init, random_state=seed)
    with threadpool_limits(1):  # the same map on any number of cores; on busy ones threads wait, 80 times slower
        return tsne.fit_transform(features)


def plot_embedding(points: np.ndarray, groups: Sequence[str], *, path: str | os.PathLike, title: str = "") -> Path:
    """PNG of ``points`` (N, 2), coloured by their group.

    Args:
        points: See `embed`.
        groups: N names, such as real and generated, or the centres.
        path: Of the PNG; written whole or not at all.
        title: Above the picture.

    Raises:
        ValueError: As many groups as there are not points.
    """
    if len(points) != len(groups):
        raise ValueError(f"{len(points)} points, but {len(groups)} groups")
    figure = dark_figure(8, 6.4)
    axes = figure.add_subplot()
    style_axes(axes)
    names = np.asarray(groups)
    for name, style in group_styles(groups).items():
        x, y = np.asarray(points)[names == name].T
        label = f"{name} ({len(x)})"
        axes.scatter(x, y, 26, color=style.colour, marker=style.marker, alpha=0.8, linewidths=0, label=label)
    axes.set(xticks=[], yticks=[])  # t-SNE's axes have no unit
    axes.set_title(title, color=FOREGROUND, fontsize=11, loc="left")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, labelcolor=FOREGROUND, fontsize=10)
    figure.tight_layout()
    return save_figure(figure, path)
