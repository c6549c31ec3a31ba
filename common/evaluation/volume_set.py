"""Volumes of one role in an evaluation, and the key under which what was computed of a case is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from monai.data import Dataset
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Subset

from ..data.preprocessing import PREPARED_BY
from ..files import content_sha256, file_sha256


@dataclass(frozen=True)
class VolumeSet:
    """Cases on the grid of the comparison.

    Args:
        name: In progress bars and pictures.
        cases: Entries with ``case_id``, ``image`` and, but for generators of images alone, ``label``; absolute paths.
        volumes: Items of the same order: ``image`` (1, H, W, D) int16 HU, ``label`` (1, H, W, D) uint8, ``spacing``
            (3,) in mm.
        recipe: What was done to the files; plain values, part of the protocol.
    """

    name: str
    cases: Sequence[Mapping[str, Any]]
    volumes: TorchDataset
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def ids(self) -> list[str]:
        """Case ids in order."""
        return [case["case_id"] for case in self.cases]

    @property
    def has_labels(self) -> bool:
        """Whether every case has a mask."""
        return all("label" in case for case in self.cases)

    @cached_property
    def keys(self) -> list[str]:
        """Hash of each case's files and of what was done to them: equal content, equal key, wherever the files lie."""
        files = [[file_sha256(case[key]) for key in ("image", "label") if key in case] for case in self.cases]
        recipes = [{**self.recipe, **{key: case[key] for key in PREPARED_BY if key in case}} for case in self.cases]
        content = [{"files": hashes, "recipe": recipe} for hashes, recipe in zip(files, recipes, strict=True)]
        return [content_sha256(each) for each in content]

    def select(self, indices: Sequence[int], *, name: str | None = None) -> "VolumeSet":
        """The cases at `indices`."""
        cases = [self.cases[i] for i in indices]
        return replace(self, name=name or self.name, cases=cases, volumes=Subset(self.volumes, list(indices)))

    def mapped(self, transform: Callable[[Any], Any]) -> TorchDataset:
        """What `transform` makes of each item, when it is asked for."""
        return Dataset(self.volumes, transform)  # type: ignore[arg-type] # MONAI reads any data set, not lists alone

    def changed(
        self, transform: Callable[[Any], Any], *, name: str, settings: Mapping[str, Any] | None = None
    ) -> "VolumeSet":
        """The same cases with `transform` applied to each item; `name` and `settings` tell the change apart."""
        recipe = {**self.recipe, "changed": [name, dict(settings or {})]}
        return replace(self, name=name, volumes=self.mapped(transform), recipe=recipe)
