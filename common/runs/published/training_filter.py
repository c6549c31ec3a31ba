"""The filter against copies of a published set, from the data list that its generators were trained on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.transforms import Compose

from ...data.datalist import Folds, read_datalist, select_cases, source_case
from ...data.generated_set import cases_behind
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
    config_files: Sequence[str],
    options: Mapping[str, Any],
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
        config_files: Of the training, whose preprocessing the cases get.
        options: Flat keys of the training.
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
    return CopyFilter(
        training,
        held_out,
        load=training_preprocessing(config_files, {**options, **settings, "datalist": str(train_datalist)}),
        recipe={**options, **settings, "overlays": [Path(path).read_text() for path in config_files[1:]]},
        folder=folder,
        quantile=quantile,
    )


def training_preprocessing(config_files: Sequence[str], options: Mapping[str, Any]) -> Callable:
    """What the training of `config_files` does first to each case: entry to item, ``image`` in [-1, 1] and ``label``.

    Raises:
        ValueError: The config does not have one of `options`.
    """
    parser = ConfigParser(ConfigParser.load_config_files([str(path) for path in config_files]))
    if unknown := [key for key in options if key not in parser]:
        raise ValueError(f"{', '.join(map(str, config_files))} have no keys {unknown}: see the flat keys on their top")
    parser.update(dict(options))
    return Compose(parser.get_parsed_content("train::first_transforms"))
