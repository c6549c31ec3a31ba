"""Lists that others have made: MSD's and nnU-Net's `dataset.json`, Auto3DSeg's data list, and our own."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import read_json
from ..list_entries import plain_text, require_file_name
from ..list_labels import named_labels
from ..nifti_files import nifti_files, volume_name
from ..split import TEST

logger = logging.getLogger(__name__)
LIST_NAME, SPLITS_NAME = "dataset.json", "splits_final.json"
_REMEDY = "correct it, or bring the files into images/ and labels/ with equal names"


@dataclass(frozen=True)
class GivenList:
    """What a list says, by case id.

    Attributes:
        path: Of the list.
        files: Image and label.
        rows: Centre and patient, where they are known.
        folds: Of cases that the list has put somewhere, `TEST` for testing.
        labels: Value, as text, to name; None where the list has none.
    """

    path: Path
    files: dict[str, tuple[Path, Path]]
    rows: dict[str, dict[str, str]]
    folds: dict[str, int]
    labels: dict[str, str] | None


def find_given_list(place: Path) -> Path | None:
    """The list at `place`, a file or a folder's ``dataset.json``; None for a folder of ``images`` and ``labels``."""
    if place.is_file():
        return place
    plain = all((place / name).is_dir() for name in ("images", "labels"))
    return place / LIST_NAME if (place / LIST_NAME).is_file() and not plain else None


def read_given_list(path: Path) -> GivenList:
    """The cases of a list that have an image and a label, with the folds and test cases that it names.

    Raises:
        ValueError: It is no such list, names a file twice or several channels, has folds for some cases alone, or
            splits that do not validate each case once.
        FileNotFoundError: A file that it names is missing.
    """
    content = read_json(path, remedy=_REMEDY)
    if not isinstance(content, dict) or not ({"training", "channel_names", "modality"} & content.keys()):
        raise ValueError(
            f"{path} is no list of cases, expected 'training' (MSD, Auto3DSeg) or 'channel_names' (nnU-Net): {_REMEDY}"
        )
    sides = _nnunet_sides(path, content) if "training" not in content else _listed_sides(path, content)
    files: dict[str, tuple[Path, Path]] = {}
    rows, folds = {}, {}
    for side, entries in sides.items():
        for name, entry in entries.items():
            if name in files:
                raise ValueError(f"{path}: the case {name} stands twice, expected each once: {_REMEDY}")
            files[name] = entry["image"], entry["label"]
            rows[name] = {key: plain_text(entry[key], key=key, where=f"{path}: {name}") for key in _known(entry)}
            if side == "testing":
                folds[name] = TEST
            elif "fold" in entry:
                folds[name] = entry["fold"]
    if not files:
        raise ValueError(f"{path} has no case with image and mask, expected some: {_REMEDY}")
    if missing := [str(file) for pair in files.values() for file in pair if not file.is_file()]:
        raise FileNotFoundError(
            f"{path} names {len(missing)} files that are not there, such as {missing[0]}: paths count from the list's "
            "folder; put the list where they do, or unpack the data whole"
        )
    trained = [name for name in sides["training"] if name in folds]
    if 0 < len(trained) < len(sides["training"]):
        raise ValueError(
            f"{path}: {len(trained)} of {len(sides['training'])} cases have a fold: give one to all, or to none"
        )
    labels = named_labels(content["labels"], source=str(path)) if content.get("labels") else None
    kept = "its folds are kept; --folds N makes new ones" if trained else "it has no folds"
    logger.info("%s: %d cases with masks, %d of them for testing; %s", path, len(files), len(sides["testing"]), kept)
    return GivenList(path, files, rows, folds, labels)


def _known(entry: Mapping[str, Any]) -> list[str]:
    return [key for key in ("centre", "patient") if entry.get(key) is not None]


def _listed_sides(path: Path, content: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Entries of MSD's form by side and case id, with absolute paths."""
    sides: dict[str, dict[str, dict[str, Any]]] = {"training": {}, "testing": {}}
    unlabelled = [*_entries(path, content, "test")]
    for side, named in sides.items():
        for number, entry in enumerate(_entries(path, content, side)):
            if not isinstance(entry, dict) or not entry.get("label"):
                if side == "training":
                    raise ValueError(
                        f"{path}: {side} entry {number} is {entry!r:.80}, expected image and label: {_REMEDY}"
                    )
                unlabelled.append(entry)
                continue
            if entry.get("generated"):
                raise ValueError(
                    f"{path}: {side} entry {number} is generated, expected real cases: name a generated "
                    "set with --generated_dir, as it is"
                )
            image = entry.get("image")
            if isinstance(image, list) and len(image) == 1:
                image = image[0]
            if not isinstance(image, str) or not isinstance(entry["label"], str):
                raise ValueError(
                    f"{path}: {side} entry {number} has the image {image!r:.80}, expected one path, the CT's: {_REMEDY}"
                )
            name = str(entry.get("case_id") or volume_name(Path(image).name))
            require_file_name(name, where=f"{path}: {side} entry {number}")
            if name in named:
                raise ValueError(f"{path}: the case {name} stands twice, expected each once: {_REMEDY}")
            named[name] = entry | {"image": path.parent / image, "label": path.parent / entry["label"]}
    if unlabelled:
        logger.info("%s: %d cases without a mask are not taken", path, len(unlabelled))
    return sides


def _entries(path: Path, content: Mapping[str, Any], side: str) -> Sequence[Any]:
    entries = content.get(side) or []
    if not isinstance(entries, list):
        raise ValueError(f"{path}: '{side}' is {entries!r:.80}, expected a list of entries: {_REMEDY}")
    return entries


def _nnunet_sides(path: Path, content: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """The cases of nnU-Net's raw form, version 2, with the folds of a ``splits_final.json``."""
    channels = content.get("channel_names") or content.get("modality") or {}
    if len(channels) > 1:
        raise ValueError(f"{path} names the channels {list(channels.values())}, expected one, of the CT: {_REMEDY}")
    training = _nnunet_listed(path, content["dataset"]) if "dataset" in content else _nnunet_pairs(path.parent, "Tr")
    sides = {"training": training, "testing": _nnunet_pairs(path.parent, "Ts")}
    splits = path.with_name(SPLITS_NAME)
    if splits.is_file():
        folds = read_json(splits, remedy="remove it, then the cases are split anew")
        if not isinstance(folds, list) or not all(
            isinstance(fold, dict) and isinstance(fold.get("val"), list) for fold in folds
        ):
            raise ValueError(
                f"{splits} is no list of folds, expected objects with 'val', the cases of each: mend it, or remove it, "
                "and the cases are split anew"
            )
        for name, entry in sides["training"].items():
            held_out = [number for number, fold in enumerate(folds) if name in fold["val"]]
            if len(held_out) != 1:
                raise ValueError(
                    f"{splits} validates {name} in {len(held_out)} folds, expected one: mend it, or remove it, and the "
                    "cases are split anew"
                )
            entry["fold"] = held_out[0]
    return sides


def _nnunet_listed(path: Path, listed: Any) -> dict[str, dict[str, Any]]:
    """Image and label of each training case where ``dataset.json`` names them, as nnU-Net 2.1 and later may."""
    entries = listed.items() if isinstance(listed, dict) else [("dataset", listed)]
    for name, entry in entries:
        images = entry.get("images") if isinstance(entry, dict) else None
        if not isinstance(images, list) or len(images) != 1 or not all(map(_is_path, [images[0], entry.get("label")])):
            raise ValueError(f"{path}: {name} is {entry!r:.80}, expected one image, the CT's, and a label: {_REMEDY}")
        require_file_name(name, where=f"{path}: dataset")
    return {name: {"image": path.parent / e["images"][0], "label": path.parent / e["label"]} for name, e in entries}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _nnunet_pairs(folder: Path, side: str) -> dict[str, dict[str, Any]]:
    """Image and label of each case of a side; cases without a label only count for the log."""
    if not (folder / f"images{side}").is_dir() or not (folder / f"labels{side}").is_dir():
        return {}
    images, labels = nifti_files(folder / f"images{side}"), nifti_files(folder / f"labels{side}")
    if lacking := sorted(labels.keys() ^ images.keys()):
        raise ValueError(
            f"{folder}: {lacking[0]} and {len(lacking) - 1} more have an image or a label only (images{side}, "
            f"labels{side}): add what is missing, or move the rest away"
        )
    return {name: {"image": images[name], "label": labels[name]} for name in images}
