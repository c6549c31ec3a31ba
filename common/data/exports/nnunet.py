"""nnU-Net's raw form, version 2: folders, ``dataset.json``, and splits that keep the folds of the data list."""

import logging
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np

from ...files import replacing, write_json
from ..generated_set import LeakageError
from ..label_map import read_classes
from ..provenance import FILE_NAME
from ..volume_file import mask_like, open_volume
from .gather import Gathered

logger = logging.getLogger(__name__)
SPLITS = "splits_final.json"


def export_nnunet(
    gathered: Gathered, output: Path, *, number: int = 501, name: str = "pairs", mode: Literal["link", "copy"] = "link"
) -> Path:
    """Write ``nnUNet_raw/DatasetNNN_<name>``, and ``splits_final.json`` there and in ``nnUNet_preprocessed``.

    Training cases and generated pairs are ``imagesTr``, test cases ``imagesTs`` and ``labelsTs``. Masks hold 0 … n - 1.
    Splits are written where the list has two folds or more. A fold of them validates real cases alone, and trains on no
    pair whose generator has seen one of those.

    Args:
        gathered: What to write.
        output: That both folders are made in.
        number: Of the data set, 1 to 999.
        name: Of it.
        mode: Links to files that can be taken as they are, or copies.

    Returns:
        The folder of the data set.

    Raises:
        ValueError: The name is none for nnU-Net; there is nothing to train on; the folder holds other cases.
        LeakageError: No fold may train on the generated pairs.
    """
    if not re.fullmatch("[A-Za-z0-9_]+", name) or not 1 <= number <= 999:
        raise ValueError(f"--name is {name!r}, --number {number}: expected letters, digits and _, and a number to 999")
    trained = [*gathered.training, *gathered.generated]
    if not trained:
        raise ValueError(
            "nnU-Net needs cases to train on, and there are test cases alone: name a list with training cases"
        )
    splits = _splits(gathered)
    dataset = f"Dataset{number:03d}_{name}"
    folder = output / "nnUNet_raw" / dataset
    _require_no_others(folder, trained, gathered.testing)
    for side, cases in (("Tr", trained), ("Ts", gathered.testing)):
        for case in cases:
            _bring_image(Path(case["image"]), folder / f"images{side}" / f"{case['case_id']}_0000.nii.gz", mode)
            _bring_mask(case, folder / f"labels{side}" / f"{case['case_id']}.nii.gz", mode)
    if splits:
        for place in (folder, output / "nnUNet_preprocessed" / dataset):
            write_json(splits, place / SPLITS)
    write_json(_description(gathered, name, len(trained)), folder / "dataset.json")
    if gathered.generator is not None and (gathered.generator.directory / FILE_NAME).is_file():
        with replacing(folder / FILE_NAME) as temporary:
            shutil.copyfile(gathered.generator.directory / FILE_NAME, temporary)
    logger.info("%s: %d training and %d test cases, %d folds", folder, len(trained), len(gathered.testing), len(splits))
    return folder


def _splits(gathered: Gathered) -> list[dict[str, list[str]]]:
    """Training and validation ids of each fold; none where the list has fewer than two folds."""
    real = [case for case in gathered.training if not case.get("generated")]
    folds = sorted({case["fold"] for case in real if "fold" in case})
    if len(folds) < 2:
        return []
    seen_by = {case["case_id"]: gathered.listed for case in gathered.training if case.get("generated")}
    of_set = (gathered.generator.seen_ids if gathered.generator else None) or frozenset()
    seen_by |= {case["case_id"]: of_set for case in gathered.generated}
    splits, withheld = [], Counter[str]()
    for fold in folds:
        held_out = {case["case_id"] for case in real if case["fold"] == fold}
        leaking = {name for name, seen in seen_by.items() if seen & held_out}
        withheld.update(leaking)
        train = [case["case_id"] for case in real if case["fold"] != fold]
        splits.append({"train": sorted([*train, *(seen_by.keys() - leaking)]), "val": sorted(held_out)})
    if withheld and set(withheld.values()) == {len(folds)}:
        raise LeakageError(
            f"the generator has seen cases of all {len(folds)} folds, so none may train on its pairs: train it with "
            "--folds that leave one out, or export the real cases and the pairs apart"
        )
    if withheld:
        logger.warning("pairs are left out of folds whose validation cases their generator has seen: %d", len(withheld))
    return splits


def _description(gathered: Gathered, name: str, count: int) -> dict[str, Any]:
    """``dataset.json``; nnU-Net passes over keys that it does not know."""
    return {
        "channel_names": {"0": "CT"},
        "labels": describe_labels(gathered.labels),
        "numTraining": count,
        "file_ending": ".nii.gz",
        "name": name,
        "label_values": sorted(map(int, gathered.labels)),
        "generated": sorted(case["case_id"] for case in gathered.cases if _is_generated(case, gathered)),
    }


def describe_labels(labels: Mapping[str, str]) -> dict[str, int]:
    """Name to class 0, 1, …, as ``dataset.json`` has them, of values, as text, to names."""
    values = sorted(map(int, labels))
    names = ["background", *(labels[str(value)] for value in values if value)]
    doubled = {label for label, times in Counter(names).items() if times > 1}
    return {f"{label} {k}" if label in doubled and k else label: k for k, label in enumerate(names)}


def _is_generated(case: Mapping[str, Any], gathered: Gathered) -> bool:
    return bool(case.get("generated")) or any(case is pair for pair in gathered.generated)


def _require_no_others(
    folder: Path, trained: Sequence[Mapping[str, Any]], testing: Sequence[Mapping[str, Any]]
) -> None:
    for side, cases in (("Tr", trained), ("Ts", testing)):
        there = {path.name.removesuffix("_0000.nii.gz") for path in (folder / f"images{side}").glob("*.nii.gz")}
        if others := sorted(there - {case["case_id"] for case in cases}):
            raise ValueError(
                f"{folder / f'images{side}'} holds {len(others)} other cases, such as {others[0]}: remove the folder, "
                "or name another --number or --output"
            )


def _bring_image(source: Path, target: Path, mode: str) -> None:
    """As it is where it is stored from left to right, back to front and feet to head, as pairs are; else turned.

    nnU-Net trains on volumes as they are stored: those of two orientations would be mirrored to each other.
    """
    if _as_it_is(source):
        _bring(source, target, mode)
    else:
        with replacing(target) as temporary:
            nib.save(nib.as_closest_canonical(open_volume(source)), temporary)


def _bring_mask(case: Mapping[str, Any], target: Path, mode: str) -> None:
    """A mask as it is where its values are classes, whole, and stored as an image has to be; else a new one."""
    source = Path(case["label"])
    whole = np.asanyarray(open_volume(source).dataobj).dtype.kind in "iu"
    if "label_values" not in case and whole and _as_it_is(source):
        _bring(source, target, mode)
    else:
        classes = read_classes(case).astype(np.uint8)
        if _is_ras(source):
            mask = mask_like(classes, source)
        else:
            mask = nib.as_closest_canonical(nib.Nifti1Image(classes, open_volume(source).affine))
        with replacing(target) as temporary:
            nib.save(mask, temporary)


def _as_it_is(source: Path) -> bool:
    return source.name.lower().endswith(".nii.gz") and _is_ras(source)


def _is_ras(source: Path) -> bool:
    return nib.aff2axcodes(open_volume(source).affine) == ("R", "A", "S")


def _bring(source: Path, target: Path, mode: str) -> None:
    source = source.resolve()
    if mode == "copy":
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    elif not (target.is_symlink() and target.readlink() == source):
        with replacing(target, locked=False) as temporary:
            temporary.symlink_to(source)
