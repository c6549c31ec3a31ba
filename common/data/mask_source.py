"""Masks that a generator draws images for: those of a folder, or those of the cases that it was trained on."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import content_sha256, file_sha256
from .datalist import datalist_hash, read_datalist, select_cases, source_case
from .generated_set import read_generated_set
from .label_map import ordered_values
from .nifti_files import SUFFIXES, nifti_files
from .provenance import FILE_NAME

logger = logging.getLogger(__name__)


class MaskSource:
    """Entries of masks, in a fixed order: pair number n of a set gets mask n, and the first follows the last.

    Attributes:
        cases: Entries ``label``, ``case_id`` and, of a data list, all else that it says.
        listed: Whether they are cases of a data list, which are prepared as in the training.

    Args:
        masks: A folder of NIfTI masks, or the data list of the generator's training.
        settings: Of the generator, as its model file has them.
        training: What the model file says of the generator's training.
        masks_dir: Folder that the paths of a data list are relative to; None is the folder of the list.

    Raises:
        FileNotFoundError: There is nothing at `masks`.
        ValueError: No mask is in it, or the list is of other data.
    """

    def __init__(
        self,
        masks: str | Path,
        *,
        settings: Mapping[str, Any],
        training: Mapping[str, Any],
        masks_dir: str | Path | None = None,
    ) -> None:
        self.path = Path(masks)
        if not self.path.exists():
            raise FileNotFoundError(
                f"there is no {self.path}: expected a folder of masks that end with {' or '.join(SUFFIXES)}, or the "
                "data list (.json) of the generator's training; name another --masks"
            )
        self.listed = self.path.suffix == ".json"
        if self.listed:
            self.cases = _cases_of_the_training(self.path, training["case_ids"], masks_dir or self.path.parent)
            logger.warning(
                "the images are drawn for masks of %d training cases, and may come near to those cases: look at the "
                "evaluation's part copies before the set is handed on",
                len(self.cases),
            )
        else:
            self.cases = _masks_of_a_folder(self.path, settings)

    def describe(self) -> dict[str, Any]:
        """Plain values for the request and the provenance of a set: equal ones mean equal masks.

        ``ids`` are the sources' names in order. Of a folder that is part of a generated set, ``generator_case_ids`` are
        the real cases behind its masks, and ``generated_ids`` the names that are no real cases.
        """
        content: list[Any] = [[case["case_id"], file_sha256(case["label"])] for case in self.cases]
        if self.listed:  # images decide the crop, too, but are too large to be read for this
            content.append(datalist_hash(read_datalist(self.path)))
        sha256 = content_sha256(content)
        record = {"name": self.path.name, "sha256": sha256, "ids": [source_case(case) for case in self.cases]}
        if not self.listed and (self.path.resolve().parent / FILE_NAME).is_file():
            generated = read_generated_set(self.path.resolve().parent, check=False)
            record["generator_case_ids"] = sorted(generated.seen_ids or ())
            record["generated_ids"] = sorted({case["case_id"] for case in generated.cases} & set(record["ids"]))
        return record


def _cases_of_the_training(path: Path, trained: list[str], folder: str | Path) -> list[dict[str, Any]]:
    """Entries of a list whose real cases the generator has seen; never one of its test cases."""
    known_ids = frozenset(trained)
    listed = select_cases(read_datalist(path), dataset_dir=folder)
    cases = [case for case in listed if source_case(case) in known_ids]
    if not cases:
        known = f"such as {min(trained)}" if trained else "which its model file does not name"
        raise ValueError(
            f"{path} has none of the {len(trained)} cases that the generator was trained on, {known}: name the "
            "training's data list with --masks, or a folder of masks, which may be of other data"
        )
    return cases


def _masks_of_a_folder(folder: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Entries of its files; their values are those of the generator's labels, of one foreground any."""
    files = nifti_files(folder, option="--masks")
    if not files:
        raise ValueError(
            f"{folder} holds no NIfTI mask, expected files that end with {' or '.join(SUFFIXES)}; name another --masks"
        )
    values = {} if settings["binary_mask"] else {"label_values": ordered_values(settings["label_names"])}
    return [{"case_id": name, "label": str(path), **values} for name, path in files.items()]
