"""MAISI's 2.5D FID: Fréchet distances between slices by RadImageNet."""

from functools import partial
from pathlib import Path

from ..metrics.comparison import compare
from ..metrics.frechet import slice_frechet_distance
from .features import FeatureReader
from .findings import Findings
from .sets import EvaluationSets

_NAME = "radimagenet"


class SliceFid:
    """Fréchet distance of the slices of three planes, with interval and real-vs-real floor over cases.

    Args:
        reader: Of the features of an extractor ``radimagenet``.
        slices: Of each plane, as the extractor has them.
        replicates: Of the 95 % interval.
        splits: Of the floor.
        seed: Of both.
    """

    def __init__(
        self, reader: FeatureReader, *, slices: int = 8, replicates: int = 20, splits: int = 20, seed: int = 0
    ) -> None:
        self.reader = reader
        self.slices = slices
        self.resampling = {"replicates": replicates, "splits": splits, "seed": seed}

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Score; the key of the metrics is ``slice_fid/image/radimagenet``."""
        real, generated = (
            self.reader.read(side, _NAME, names=("image",))["image"] for side in (sets.real, sets.generated)
        )
        score = partial(slice_frechet_distance, slices=self.slices)
        row = compare({"slice_fid": score}, real, generated, **self.resampling)["slice_fid"]
        describe = {"extractor": self.reader.extractors[_NAME].describe(), "slices": self.slices}
        findings = Findings("FID of slices", metrics={f"slice_fid/image/{_NAME}": {**row, **describe}})
        findings.text = [
            "The mean over three planes of the Fréchet distance between the slices of all images, by RadImageNet's "
            "ResNet-50: the 2.5D FID of MAISI. Numbers compare with published ones where slices are prepared alike: "
            "size, spacing, HU window, and how many there are."
        ]
        floor = row["floor"]
        findings.tables["Slices"] = [
            {
                "slice FID": row["value"],
                "95 % interval": row["interval"],
                "floor": floor and floor["value"],
                "floor's 95 % range": floor and floor["interval"],
                "matched": row["matched"] and row["matched"]["value"],
                "N real": row["n_real"],
                "N generated": row["n_generated"],
                "slices of a plane": self.slices,
            }
        ]
        return findings
