"""The volumes that an evaluation compares, and what its parts share of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..data.datalist import foreground_names, source_case
from ..files import content_sha256
from .case_facts import CaseFacts, facts_key, kept_facts, read_facts, write_facts
from .features import FeatureReader, Features
from .processes import gather, own_cases
from .volume_set import VolumeSet


@dataclass(frozen=True)
class EvaluationSets:
    """Real and generated volumes on one grid.

    Args:
        real: Cases that the generated ones are compared with.
        generated: The generated set.
        training: Cases that the generator was trained on; None where they are not known or not at hand.
        reader: Of features.
        window: HU of the volumes.
        label_names: Value to name; 0 is background.
        notes: What a reader must know of how the two sides were prepared.
        num_workers: Processes.
        no_training: Why there is no `training`, for metrics and page: a sentence without its end.
    """

    real: VolumeSet
    generated: VolumeSet
    training: VolumeSet | None
    reader: FeatureReader
    window: tuple[float, float]
    label_names: Mapping[str, str]
    num_workers: int = 0
    notes: Sequence[str] = ()
    no_training: str = "nothing tells which cases the generator was trained on"
    _facts: dict[str, CaseFacts] = field(default_factory=dict)

    @property
    def labels(self) -> list[int]:
        """Foreground values."""
        return sorted(int(value) for value in self.label_names if int(value))

    @property
    def foreground(self) -> list[str]:
        """Names of the foreground labels."""
        return foreground_names(self.label_names)

    @property
    def views(self) -> tuple[str, ...]:
        """Views that both sides have: ``image`` alone for generators of images."""
        return self.reader.names if self.generated.has_labels and self.real.has_labels else ("image",)

    @property
    def seen(self) -> list[str]:
        """Ids of real cases that the generator was trained on, or on copies of."""
        trained = {source_case(case) for case in self.training.cases} if self.training else set()
        return sorted(case["case_id"] for case in self.real.cases if source_case(case) in trained)

    @property
    def held_out(self) -> VolumeSet:
        """Real cases that the generator was not trained on."""
        seen = set(self.seen)
        return self.real.select([i for i, name in enumerate(self.real.ids) if name not in seen], name="held-out cases")

    def features(self, volumes: VolumeSet, extractor: str) -> Features:
        """View → (N, d)."""
        return self.reader.read(volumes, extractor)

    def pair_features(self, volumes: VolumeSet, extractor: str) -> np.ndarray:
        """Features (N, d) of the first view: pairs, or images where there are no masks."""
        return self.reader.read(volumes, extractor, names=self.views[:1])[self.views[0]]

    def facts(self, volumes: VolumeSet) -> list[CaseFacts]:
        """Facts of each case, read once, and kept beside the features."""
        self._read_facts(volumes, range(len(volumes)))
        return [self._facts[key] for key in volumes.keys]

    def share_facts(self, volumes: VolumeSet) -> None:
        """Let each process read its batches; all call it, and all have the facts of all cases then."""
        indices = own_cases(len(volumes), batch_size=self.reader.batch_size)
        self._read_facts(volumes, indices)
        self._facts.update(gather({volumes.keys[i]: self._facts[volumes.keys[i]] for i in indices}))

    def _read_facts(self, volumes: VolumeSet, indices: Sequence[int]) -> None:
        paths = {i: self._facts_path(volumes.keys[i]) for i in indices if volumes.keys[i] not in self._facts}
        for i, path in paths.items():
            if path is not None and (facts := kept_facts(path)) is not None:
                self._facts[volumes.keys[i]] = facts
        if missing := [i for i in paths if volumes.keys[i] not in self._facts]:
            read = read_facts(
                volumes.select(missing), window=self.window, labels=self.labels, num_workers=self.num_workers
            )
            for i, facts in zip(missing, read, strict=True):
                self._facts[volumes.keys[i]] = facts
                if (path := paths[i]) is not None:
                    write_facts(facts, path)

    def _facts_path(self, key: str) -> Path | None:
        """Beside the features, by content; None where those are not kept."""
        name = facts_key(key, window=self.window, labels=self.labels)
        return None if self.reader.cache_dir is None else self.reader.cache_dir / name[:2] / f"{name}.npz"

    def describe(self) -> dict[str, Any]:
        """What decides the numbers, as plain values."""
        return {
            "extractors": {name: extractor.describe() for name, extractor in self.reader.extractors.items()},
            "views": self.reader.view_recipe,
            "volumes": {"real": dict(self.real.recipe), "generated": dict(self.generated.recipe)},
            "notes": list(self.notes),
            "n_real": len(self.real),
            "n_generated": len(self.generated),
            "real_cases": content_sha256(sorted(self.real.keys)),
            "training_cases": self.training and content_sha256(sorted(self.training.keys)),
        }
