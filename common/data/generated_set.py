"""A generated set as the evaluation, the reader study and the segmentation read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nibabel.affines import voxel_sizes

from ..files import read_json
from .cases import CHECKED_NAME, OnBadCase, find_problems, keep_good
from .check import EMPTY, Limits
from .datalist import read_datalist, select_cases, source_case
from .label_map import ordered_values
from .nifti_files import require_volume
from .one_grid import on_another_grid
from .preprocessing import ASSUMED, Preprocessing, beside_pairs, complete
from .provenance import FILE_NAME, read_provenance
from .same_files import same_drawn

LIST_NAME = "dataset.json"
UNFINISHED = "unfinished"  # folder of a set that is being made


class LeakageError(ValueError):
    """Held-out cases have been seen in training, or nothing tells that they have not."""


@dataclass(frozen=True)
class GeneratedSet:
    """Cases, the form of their volumes, and what their generator was trained on.

    Attributes:
        directory: Of the set.
        cases: Entries with absolute paths.
        image_size: Voxels (3,).
        spacing: In mm, (3,).
        hu_window: That the images fill.
        binary_mask: Whether the masks know foreground and background alone.
        training_ids: Case ids; None where nothing tells, for sets without ``provenance.json``.
        generator_case_ids: Real cases behind training cases that were generated themselves.
        mask_ids: Sources of masks that its images were drawn for, and the real cases behind those.
        recorded: What was done to the training's real cases; None where the set's provenance does not say.
        label_names: Value to name, as its list says; None where that is not known.
    """

    directory: Path
    cases: list[dict[str, Any]]
    image_size: list[int]
    spacing: list[float]
    hu_window: list[float]
    binary_mask: bool
    training_ids: frozenset[str] | None
    generator_case_ids: frozenset[str] = frozenset()
    mask_ids: frozenset[str] = frozenset()
    recorded: Preprocessing | None = None
    label_names: Mapping[str, str] | None = None

    @property
    def has_labels(self) -> bool:
        """Whether every case has a mask; generators of images alone make none."""
        return all("label" in case for case in self.cases)

    @property
    def preprocessing(self) -> Preprocessing:
        """What real cases become like, to be compared or mixed with the set: on its grid, image and mask each."""
        return beside_pairs(self.recorded)

    @property
    def seen_ids(self) -> frozenset[str] | None:
        """All case ids behind the set: its generator's training cases, what those were generated from, given masks'."""
        return None if self.training_ids is None else self.training_ids | self.generator_case_ids | self.mask_ids


def read_generated_set(
    directory: str | Path,
    *,
    hu_window: tuple[float, float] = (-1024, 600),
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
    check: bool = True,
) -> GeneratedSet:
    """The set in `directory`, looked at: ``dataset.json``, ``provenance.json`` where there is one, and all volumes.

    Cases pass the check of real ones (see `check_case`), except that an empty mask and few slices are no fault, and
    that the values must fill the HU window of the set; what a network made lies on one grid, each image
    once. Good ones are
    remembered in ``.checked.json``.

    Args:
        directory: With ``images/``, ``labels/``, ``dataset.json``.
        hu_window: Of a set without provenance; thesis 3.4.3.
        on_bad_case: Stop with all that was found, or leave bad cases out, with a warning.
        record: JSON file that says which were left out, and why.
        check: Whether volumes are looked at; who only reads what the set says of itself needs none of them.

    Raises:
        FileNotFoundError: No list, the set is unfinished, or files of it are missing.
        BadCasesError: A case is bad and `on_bad_case` is ``error``, or none is left.
        ValueError: The list is no data list, or empty, or has cases that the provenance does not name; the provenance
            cannot be read; the first image is no volume.
    """
    directory = Path(directory)
    path = directory / LIST_NAME
    if not path.is_file() and (directory / UNFINISHED).is_dir():
        raise FileNotFoundError(
            f"the generated set at {directory} is unfinished, it has {UNFINISHED}/ and no {LIST_NAME}: start its "
            "`run inferring` again, which goes on where it stopped"
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"no generated set at {directory}, expected {path}: make one with `run inferring` of a generator and name "
            "its output_dir with --generated_dir"
        )
    cases, labels = _read_cases(path)
    provenance = read_provenance(directory) if (directory / FILE_NAME).is_file() else None
    made = {case["case_id"] for case in (provenance or {}).get("cases") or ()}
    if strange := sorted({case["case_id"] for case in cases} - made if made else ()):
        raise ValueError(
            f"{path} names {len(strange)} cases that {directory / FILE_NAME} does not, such as {strange[0]}: take "
            "them out, a generated set holds nothing that its generator has not made"
        )
    low, high = provenance["hu_window"] if provenance else hu_window
    if check:
        limits = Limits(labels=tuple(ordered_values(labels)), min_slices=1, share=0, window=(low, high))
        problems = find_problems(cases, limits=limits, known=directory / CHECKED_NAME)
        problems = [problem for problem in problems if problem.kind != EMPTY]
        if provenance and provenance["checkpoint"]:  # a network has one grid; copies of real cases keep theirs
            bad = {problem.case_id for problem in problems}
            rest = [case for case in cases if case["case_id"] not in bad]
            problems += [*on_another_grid(rest), *same_drawn(rest)]
        cases = keep_good(cases, problems, on_bad_case=on_bad_case, record=record)
    training = provenance["training"] if provenance else {}
    first = require_volume(Path(cases[0]["image"]))
    return GeneratedSet(
        directory=directory,
        cases=cases,
        image_size=[int(size) for size in first.shape],
        spacing=voxel_sizes(first.affine).tolist(),
        hu_window=[float(low), float(high)],
        binary_mask=len(labels) <= 2,
        training_ids=frozenset(training["case_ids"]) if provenance else None,
        generator_case_ids=frozenset(training.get("generator_case_ids", ())),
        mask_ids=mask_ids(provenance or {}),
        recorded=complete(provenance["preprocessing"]) if provenance and provenance.get("preprocessing") else None,
        label_names=labels,
    )


def mask_ids(provenance: Mapping[str, Any]) -> frozenset[str]:
    """Real case ids behind the masks that a set's images were drawn for, see `real_mask_ids`."""
    named = [case["mask_from"] for case in provenance.get("cases") or () if "mask_from" in case]
    return real_mask_ids((provenance.get("drawing") or {}).get("masks") or {}, named)


def real_mask_ids(masks: Mapping[str, Any], named: Iterable[str]) -> frozenset[str]:
    """Of masks as `MaskSource.describe` has them, the sources `named`, and the cases that generated ones go back to."""
    return frozenset(named).difference(masks.get("generated_ids", ())).union(masks.get("generator_case_ids", ()))


def _read_cases(path: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Entries with absolute paths, whose files are there, and the labels' names; of image-only sets without label."""
    content = read_json(path, remedy="take the set's own file again, or make the set again with `run inferring`")
    entries = content.get("training") if isinstance(content, dict) else None
    if not entries:
        raise ValueError(f"{path} lists no case under 'training': make the set again with `run inferring`")
    masks = not isinstance(entries, list) or any("label" in entry for entry in entries if isinstance(entry, dict))
    content = read_datalist(path, masks=masks)
    cases = select_cases(content, dataset_dir=path.parent)
    files = [case[key] for case in cases for key in ("image", "label") if key in case]
    if missing := [file for file in files if not Path(file).is_file()]:
        raise FileNotFoundError(
            f"{path} names {len(missing)} files that are missing, such as {missing[0]}: copy the whole set, or make it "
            "again"
        )
    return cases, content["labels"]


def require_no_real_cases(generated: GeneratedSet, real: Iterable[str], *, of: str = "the real data list") -> None:
    """Refuse a set that is not generated, or not only.

    Args:
        generated: The set.
        real: Ids of real cases.
        of: Where they are from, for the message.

    Raises:
        LeakageError: It holds one of them.
    """
    if same := sorted(set(real) & {case["case_id"] for case in generated.cases}):
        raise LeakageError(
            f"{generated.directory} holds {len(same)} cases of {of}, such as {same[0]}: name the output_dir of "
            "`run inferring` with --generated_dir, or take them out"
        )


def set_preprocessing(directory: str | Path | None, *, fold: int | str | None = None) -> Preprocessing:
    """What was done to the real cases that a set's generator learned from; as in the thesis where nothing tells.

    Args:
        directory: Of the set; None is no set. ``{fold}`` in it is replaced by `fold`, for one generator a fold.
        fold: The first of the folds, whose set stands for all.
    """
    if directory is None:
        return ASSUMED
    return read_generated_set(str(directory).replace("{fold}", str(fold)), check=False).preprocessing


def training_cases(
    generated: GeneratedSet, datalist: str | Path, *, dataset_dir: str | Path, declared: bool = False
) -> list[dict[str, Any]] | None:
    """Entries of `datalist` that the generator was trained on, and copies of them; None where it is of other data.

    None also stands for a set that nothing is known of; see `why_no_training_cases`.

    Args:
        generated: The set; its provenance names the cases.
        datalist: List that holds them.
        dataset_dir: Folder that its paths are relative to.
        declared: The user says that the generator was trained on `datalist`: all of its ``training`` is taken where the
            set has no provenance, and a list that has none of the cases is an error, too.

    Raises:
        ValueError: The provenance names cases that the list does not have, beside others that it has.
    """
    if generated.training_ids is None:
        return select_cases(read_datalist(datalist), dataset_dir=dataset_dir) if declared else None
    if not declared and _is_of_other_data(generated, datalist):
        return None
    made = f"{generated.directory} was made by a generator"
    return cases_behind(generated.training_ids, datalist, dataset_dir=dataset_dir, made=made)


def why_no_training_cases(generated: GeneratedSet, datalist: str | Path) -> str:
    """Why `training_cases` has none, as the evaluation's page says it: a sentence without its end."""
    if generated.training_ids is None:
        return "the set has no provenance: nobody knows whether its generator has seen the real cases"
    if not generated.training_ids:
        return "the set's provenance names no training case: nobody knows what its generator has seen"
    return (
        f"none of the {len(generated.training_ids)} cases that the generator was trained on, such as "
        f"{min(generated.training_ids)}, is in {datalist}: copies of them are not searched for"
    )


def _is_of_other_data(generated: GeneratedSet, datalist: str | Path) -> bool:
    """Whether there are real cases behind a set, and none of them, nor of its training cases, is in the list."""
    content = read_datalist(datalist)
    listed = {source_case(entry) for entry in (*content["training"], *content.get("testing", ()))}
    behind = (generated.training_ids or frozenset()) | generated.generator_case_ids
    return bool(generated.training_ids) and not behind & listed


def cases_behind(
    training_ids: frozenset[str], datalist: str | Path, *, dataset_dir: str | Path, made: str
) -> list[dict[str, Any]]:
    """Entries of `datalist` with these ids, and copies of them; `made` begins the message where some are missing.

    Raises:
        ValueError: The list lacks some.
    """
    entries = select_cases(read_datalist(datalist), folds="everything", dataset_dir=dataset_dir)
    found = [entry for entry in entries if source_case(entry) in training_ids]
    if missing := sorted(training_ids - {source_case(entry) for entry in found}):
        raise ValueError(
            f"{made} trained on {len(training_ids)} cases, of which "
            f"{datalist} lacks {len(missing)}, such as {missing[0]}: name the list it was trained on with "
            "--train_datalist (and --train_dataset_dir)"
        )
    return found
