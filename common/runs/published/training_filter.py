"""The filter against copies of a published set, from the data list that its generators were trained on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...data.datalist import Folds, read_datalist, select_cases, source_case
from ...data.generated_set import cases_behind
from ...data.preprocessing import complete, preprocessing_notes
from ...transforms.prepare_case import PrepareCased
from .copy_filter import CopyFilter
from .source import PairSource, merge_training


def training_filter(
    sources: Sequence[PairSource],
    *,
    train_datalist: str | Path | None,
    train_dataset_dir: str | Path | None,
    reference_datalist: str | Path | None,
    reference_dir: str | Path | None,
    reference_folds: Folds,
    preprocessing: Mapping[str, Any] | None = None,
    folder: str | Path,
    quantile: float,
) -> CopyFilter | None:
    """Filter that compares with all cases of all checkpoints; None without their data list.

    Args:
        sources: The checkpoints.
        train_datalist: List with the cases that they were trained on.
        train_dataset_dir: Folder that its paths are relative to.
        reference_datalist, reference_dir: The same of the held-out cases.
        reference_folds: Of that list; cases that a checkpoint was trained on are left out.
        preprocessing: What is done to the cases; by default what the checkpoints say of their training.
        folder: Keeps small copies of the cases.
        quantile: See `CopyFilter`.

    Raises:
        ValueError: The list lacks cases that a checkpoint was trained on, or no reference case is held out.
    """
    if train_datalist is None:
        return None
    ids = frozenset(merge_training(sources)["case_ids"])
    made = f"{', '.join(str(source.path) for source in sources)} were"
    training = cases_behind(ids, train_datalist, dataset_dir=train_dataset_dir, made=made)
    reference = select_cases(read_datalist(reference_datalist), folds=reference_folds, dataset_dir=reference_dir)
    held_out = [entry for entry in reference if source_case(entry) not in ids]
    if not held_out:
        raise ValueError(
            f"the checkpoints were trained on all {len(reference)} cases of {reference_datalist}, folds "
            f"{reference_folds}: name cases that they have not seen with --reference_folds or --reference_dir"
        )
    settings = {key: sources[0].settings[key] for key in ("image_size", "hu_window")}
    recorded = sources[0].settings.get("preprocessing")
    used = complete(recorded if preprocessing is None else {**(recorded or {}), **preprocessing})
    return CopyFilter(
        training,
        held_out,
        load=PrepareCased(["image", "label"], preprocessing=used, **settings),
        recipe={**settings, "preprocessing": used},
        notes=preprocessing_notes(used, recorded, of="the checkpoints' training"),
        folder=folder,
        quantile=quantile,
    )
