"""The filter against copies of a published set, from the data list that its generators were trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.datalist import Folds, read_datalist, select_cases, source_case
from ...data.generated_set import cases_behind
from ...data.preprocessing import beside_pairs, preprocessing_notes
from ...transforms.prepare_case import PrepareCased
from .copy_filter import CopyFilter
from .source import PairSource, merge_training


@dataclass(frozen=True)
class ListedCases:
    """Cases of a data list.

    Attributes:
        datalist: The file.
        dataset_dir: Folder that its paths are relative to; by default its own.
        folds: See `select_cases`.
    """

    datalist: str | Path
    dataset_dir: str | Path | None = None
    folds: Folds = "everything"

    @property
    def root(self) -> Path:
        """Folder that the paths are relative to."""
        return Path(self.datalist).parent if self.dataset_dir is None else Path(self.dataset_dir)


def training_filter(
    sources: Sequence[PairSource],
    *,
    training: ListedCases | None,
    reference: ListedCases | None,
    preprocessing: Mapping[str, Any] | None = None,
    folder: str | Path,
    quantile: float,
) -> CopyFilter | None:
    """Filter that compares with all cases of all checkpoints; None without their data list.

    Args:
        sources: The checkpoints.
        training: List with the cases that they were trained on.
        reference: Of the control; cases that a checkpoint was trained on are left out.
        preprocessing: What is done to the cases; by default what the checkpoints say of their training.
        folder: Keeps small copies of the cases.
        quantile: See `CopyFilter`.

    Raises:
        ValueError: The list lacks cases that a checkpoint was trained on, or no reference case is held out.
    """
    if training is None:
        return None
    if reference is None:
        raise ValueError(f"{training.datalist} is searched for copies, but nothing is held out: set --reference_dir")
    ids = frozenset(merge_training(sources)["case_ids"])
    made = f"{', '.join(str(source.path) for source in sources)} were"
    trained = cases_behind(ids, training.datalist, dataset_dir=training.root, made=made)
    others = select_cases(read_datalist(reference.datalist), folds=reference.folds, dataset_dir=reference.root)
    held_out = [entry for entry in others if source_case(entry) not in ids]
    if not held_out:
        raise ValueError(
            f"the checkpoints were trained on all {len(others)} cases of {reference.datalist}, folds "
            f"{reference.folds}: name cases that they have not seen with --reference_folds or --reference_dir"
        )
    settings = {key: sources[0].settings[key] for key in ("image_size", "hu_window")}
    recorded = sources[0].settings.get("preprocessing")
    used = beside_pairs({**(recorded or {}), **(preprocessing or {})})
    return CopyFilter(
        trained,
        held_out,
        load=PrepareCased(["image", "label"], preprocessing=used, **settings),
        recipe={**settings, "preprocessing": used},
        notes=preprocessing_notes(used, recorded, of="the checkpoints' training"),
        folder=folder,
        quantile=quantile,
    )
