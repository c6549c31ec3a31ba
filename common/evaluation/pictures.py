"""Pictures of both sides: slices, all-slices grid, histograms, embedding."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..reports.case_figures import plot_hu_histograms
from ..reports.embedding import embed, plot_embedding
from ..reports.slices import montage, pair_grid
from .case_facts import BINS
from .findings import Findings, Reads
from .sets import EvaluationSets


class Pictures:
    """Slices in three planes of some cases of each side, all slices of one, and the histograms of HU.

    Args:
        count: Cases of each side; 0 leaves the histograms alone.
    """

    reads: ClassVar[Reads] = {"real": ("facts",), "generated": ("facts",)}

    def __init__(self, *, count: int = 3) -> None:
        self.count = count

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Draw."""
        findings = Findings("Volumes")
        for side in (sets.real, sets.generated) if self.count else ():
            items = [side.volumes[i] for i in range(min(self.count, len(side)))]
            images = [item["image"] for item in items]
            masks = [item["label"] for item in items] if side.has_labels else None
            spacings = [item["spacing"].tolist() for item in items]
            path = folder / f"{side.name.replace(' ', '_')}.png"
            pair_grid(
                images,
                masks,
                path=path,
                window=sets.window,
                spacing=spacings,
                names=side.ids[: len(items)],
                label_names=sets.foreground,
            )
            findings.figures[path] = f"{side.name}: slices with most of the mask, without and with it"
            path = path.with_stem(f"{path.stem}_slices")
            first = images[0], None if masks is None else masks[0]
            montage(*first, path=path, window=sets.window, spacing=spacings[0], columns=10)
            findings.figures[path] = f"{side.name}: all slices of {side.ids[0]}"
        histograms = {
            side.name: np.mean([fact.histogram for fact in sets.facts(side)], axis=0)
            for side in (sets.real, sets.generated)
        }
        edges = np.linspace(*sets.window, BINS + 1)
        picture = plot_hu_histograms(histograms, edges, path=folder / "hu.png")
        findings.figures[picture] = "Share of voxels by HU"
        return findings


class Embedding:
    """t-SNE of the features, by origin and by centre (thesis 3.9.4).

    Args:
        perplexity, learning_rate: Of the t-SNE.
        seed: Of it.
    """

    reads: ClassVar[Reads] = {"real": ("pair_features",), "generated": ("pair_features",)}

    def __init__(self, *, perplexity: float = 10, learning_rate: float = 200, seed: int = 0) -> None:
        self.embed = partial(embed, perplexity=perplexity, learning_rate=learning_rate, seed=seed)

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Embed the first view (pairs) by each extractor."""
        findings = Findings("Embedding")
        view = sets.views[0]
        origin = ["real"] * len(sets.real) + ["generated"] * len(sets.generated)
        centres = [case["centre"] for case in (*sets.real.cases, *sets.generated.cases)]
        for extractor in sets.reader.extractors:
            features = [sets.pair_features(side, extractor) for side in (sets.real, sets.generated)]
            try:
                points = self.embed(np.concatenate(features))
            except ValueError as error:
                findings.text.append(f"No t-SNE of {extractor}: {error}")
                continue
            for groups, name in ((origin, "origin"), (centres, "centre")):
                path = folder / f"tsne_{extractor}_{name}.png"
                plot_embedding(points, groups, path=path, title=f"t-SNE of {view}s by {name}, {extractor}")
                findings.figures[path] = f"t-SNE of {view}s by {name}, features of {extractor}"
        return findings
