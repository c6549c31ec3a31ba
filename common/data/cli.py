"""Command line of the data room: ``python -m common.data prepare``, ``check``, ``studies``, ``export``, ``archive``."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..command_line import run_command_line
from .ambiguous import ambiguous_files, log_ambiguous
from .archive import archive
from .case import Case
from .cases import OnBadCase, find_problems, keep_good
from .check import Limits, Problem
from .cli_options import require_options
from .datalist import HEAD_AND_NECK, label_values, make_datalist, read_datalist, select_cases, write_datalist
from .dicom.rois import label_names
from .exports.command import export
from .generated_set import LIST_NAME
from .repair import repair_entries
from .same_files import same_files
from .sources.given_list import find_given_list, read_given_list
from .sources.hecktor import prepare_hecktor
from .sources.openkbp import prepare_openkbp
from .sources.pairs import prepare_pairs
from .sources.synthetic import prepare_synthetic
from .split import TEST
from .studies import write_dicom_studies, write_studies

logger = logging.getLogger(__name__)
Source = Literal["phantom", "synthetic", "registry", "hecktor", "openkbp", "pairs", "dicom"]


def _prepare_phantom(output_dir: Path, **options: Any) -> list[Case]:
    from .sources.phantom import prepare_phantom  # brings scipy.ndimage, a quarter of a second: not for `check`

    return prepare_phantom(output_dir, **options)


def _prepare_registry(output_dir: Path, **options: Any) -> list[Case]:
    from .sources.registry import prepare_registry  # the same

    return prepare_registry(output_dir, **options)


def _prepare_dicom(input_dir: Path, output_dir: Path, **options: Any) -> list[Case]:
    from .sources.dicom import prepare_dicom  # pydicom, and scikit-image

    return prepare_dicom(input_dir, output_dir, **options)


class _Source(NamedTuple):
    """A source of pairs: what prepares it, from --input or by a seed, and what its data list says by default.

    One that `judges` its cases itself gets ``on_bad_case``, and a list ``left_out`` to fill.
    """

    prepare: Callable[..., list[Case]]
    needs_input: bool
    options: tuple[str, ...] = ()
    folds: int = 5
    labels: Mapping[str, str] = HEAD_AND_NECK
    judges: bool = False


_SOURCES = {
    "phantom": _Source(_prepare_phantom, needs_input=False, options=("count", "size", "lesions")),
    "synthetic": _Source(prepare_synthetic, needs_input=False, options=("set_dir",)),  # its list says the labels
    "registry": _Source(  # three patients: one for testing, two folds
        _prepare_registry,
        needs_input=False,
        options=("cache_dir", "windows", "window_mm"),
        folds=2,
        labels={"0": "background", "1": "aorta", "2": "heart"},
    ),
    "hecktor": _Source(prepare_hecktor, needs_input=True, options=("mode",)),
    "openkbp": _Source(
        prepare_openkbp,
        needs_input=True,
        options=("shape",),
        labels={"0": "background", "1": "PTV70", "2": "PTV63 and PTV56"},
    ),
    "pairs": _Source(prepare_pairs, needs_input=True, options=("mode", "cut")),
    "dicom": _Source(_prepare_dicom, needs_input=True, options=("rois", "key", "list"), judges=True),
}


def prepare(
    source: Source,
    output: str | None = None,
    *,
    input: str | None = None,
    seed: int = 0,
    test_fraction: float = 0.2,
    folds: int | None = None,
    centres: str | Sequence[str] | None = None,
    labels: Sequence[int] | None = None,
    min_slices: int = 16,
    on_bad_case: OnBadCase = "error",
    repair: bool = False,
    workers: int = 2,
    **options: Any,
) -> None:
    """Fill OUTPUT with NIfTI pairs of a source, check them, and write OUTPUT/datalist.json.

    Args:
        source: phantom, synthetic, registry, hecktor, openkbp, pairs or dicom.
        output: Folder to fill; what is finished there is left alone. Only --list needs none.
        input: Folder of the data, for hecktor, openkbp, pairs and dicom.
        seed: Of the split, of the phantom, and of the places of --cut.
        test_fraction: Share of the patients that is for testing.
        folds: Number of folds of the others; those that a list of the input has are kept without it.
        centres: Those to take; all of them by default.
        labels: Values that masks may hold; by default those of the source.
        min_slices: Slices that a case needs.
        on_bad_case: error stops, skip leaves bad cases out of the list and records them in OUTPUT/left_out.json.
        repair: Mend what needs no resampling, into OUTPUT/repaired: a slice too many, a mask that is turned against its
            image, a header that readers take differently.
        workers: Threads.
        options: Further options of the source (count, size, and lesions typical or large; mode link or copy, and cut,
            the voxels of a box off the lesion's centre; cache_dir, windows; set_dir; of dicom rois, key, and list,
            which shows what the input holds and makes nothing).
    """
    given = {key: value for key, value in locals().items() if key not in ("source", "options")}
    _require_source(source, input)
    require_options(given, further=options, known=_SOURCES[source].options, of=f"--source {source}")
    if options.pop("list", False):
        from .sources.dicom import list_dicom

        list_dicom(Path(str(input)), workers=workers, **options)
        return
    if output is None:
        raise ValueError("--output is missing, expected the folder to fill: name it, such as --output data/mine")
    directory, left_out = Path(output), list[Problem]()
    more = {"on_bad_case": on_bad_case, "left_out": left_out} if _SOURCES[source].judges else {}
    cases = _run_source(source, directory, input, seed=seed, workers=workers, **options, **more)
    cases = _of_centres(cases, centres)
    known = read_datalist(directory / LIST_NAME) if source == "synthetic" else {}  # a published set brings its own list
    names = known.get("labels") or _named(source, input, options)
    if folds is not None:
        cases = [case if case.fold == TEST else replace(case, fold=None) for case in cases]
    labels = sorted(map(int, names)) if labels is None else labels
    limits = Limits(labels=tuple(labels), min_slices=min_slices)
    entries = [
        {"case_id": c.case_id, "image": str(c.image), "label": str(c.label), "patient": c.patient, "case": c}
        | {"generated": c.generator_case_ids is not None}
        for c in cases
    ]
    to = directory / "repaired" if repair else None
    entries, problems = _checked(entries, to, limits=limits, workers=workers, known=directory / ".checked.json")
    record = directory / "left_out.json"
    good = keep_good(entries, problems, on_bad_case=on_bad_case, record=record, before=left_out)
    datalist = make_datalist(
        [_relative(entry, directory) for entry in good],
        seed=seed,
        test_fraction=test_fraction,
        folds=_SOURCES[source].folds if folds is None else folds,
        name=source,
        cropped=known.get("cropped", False),
        labels={str(value): names.get(str(value), f"label {value}") for value in labels},
    )
    write_datalist(datalist, directory / "datalist.json")
    counts = len(datalist["training"]), len(datalist["testing"])
    logger.info("%s: %d training and %d test cases, listed in datalist.json", directory, *counts)


def check(
    datalist: str,
    dataset_dir: str | None = None,
    *,
    labels: Sequence[int] | None = None,
    min_slices: int = 16,
    on_bad_case: OnBadCase = "error",
    repair: bool = False,
    workers: int = 2,
) -> None:
    """Read every pair of a data list and say what is wrong with it and how to mend it.

    Args:
        datalist: Path of the list.
        dataset_dir: Folder that its paths are relative to; by default its own.
        labels: Values that masks may hold; by default those that the list names.
        min_slices: Slices that a case needs.
        on_bad_case: error ends with status 1 when something is wrong, skip only tells.
        repair: Mend what needs no resampling, into DATASET_DIR/repaired, and list the new files; see `prepare`.
        workers: Threads.
    """
    require_options(dict(locals()), further={}, known=(), of="check")
    root = Path(dataset_dir) if dataset_dir is not None else Path(datalist).parent
    content = read_datalist(datalist)
    entries = select_cases(content, dataset_dir=root)
    entries += select_cases(content, folds="testing", dataset_dir=root) if content.get("testing") else []
    limits = Limits(labels=label_values(content) if labels is None else tuple(labels), min_slices=min_slices)
    entries, problems = _checked(entries, root / "repaired" if repair else None, limits=limits, workers=workers)
    if repair:
        write_datalist(_with_paths(content, entries, root), datalist)
    good = keep_good(entries, problems, on_bad_case=on_bad_case)
    logger.info("%d of %d cases are good", len(good), len(entries))


def studies(dataset_dir: str, output: str, *, form: Literal["nifti", "dicom"] = "nifti") -> None:
    """Lay out prepared data as a MONAI Label server reads them: test cases are left to label.

    Args:
        dataset_dir: What `prepare` has filled.
        output: Folder of the studies; labels that lie there already are left alone.
        form: nifti, which the server reads from the folder, or dicom, for `archive`.
    """
    require_options(dict(locals()), further={}, known=(), of="studies")
    write = write_dicom_studies if form == "dicom" else write_studies
    write(Path(dataset_dir), Path(output))


def _checked(
    entries: Sequence[Mapping[str, Any]], repair_dir: Path | None, **options: Any
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Entries, mended where that is asked for and possible, and what is wrong with them."""
    problems = find_problems(entries, **options)
    mended = repair_entries(entries, problems, directory=repair_dir) if repair_dir else {}
    if mended:
        logger.info("repaired %d cases in %s: %s", len(mended), repair_dir, ", ".join(mended))
        problems = [problem for problem in problems if problem.case_id not in mended]
        problems += find_problems(list(mended.values()), **options)
    problems += same_files(entries)
    checked = [mended.get(entry["case_id"], dict(entry)) for entry in entries]
    bad = {problem.case_id for problem in problems}
    log_ambiguous(ambiguous_files([entry for entry in checked if entry["case_id"] not in bad]))
    return checked, problems


def _with_paths(datalist: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], root: Path) -> dict[str, Any]:
    """The data list with the paths of `entries`, relative to `root`."""
    root = root.resolve()
    paths = {
        entry["case_id"]: {key: Path(os.path.relpath(entry[key], root)).as_posix() for key in ("image", "label")}
        for entry in entries
    }
    sides = {side: [{**e, **paths[e["case_id"]]} for e in datalist[side]] for side in ("training", "testing")}
    return {**datalist, **sides}


def _of_centres(cases: Sequence[Case], centres: str | Sequence[str] | None) -> list[Case]:
    if centres is None:
        return list(cases)
    names = [centres] if isinstance(centres, str | int) else centres
    wanted, there = {str(name) for name in names}, {case.centre for case in cases}
    if unknown := sorted(wanted - there):
        raise ValueError(
            f"--centres {','.join(unknown)}: not among the centres {', '.join(sorted(there))}: name some of these"
        )
    return [case for case in cases if case.centre in wanted]


def _named(source: str, input_dir: str | None, options: Mapping[str, Any]) -> Mapping[str, str]:
    """Labels of the data list: as the input says, where it does."""
    if "rois" in options:
        return label_names(options["rois"])
    given = find_given_list(Path(input_dir)) if source == "pairs" and input_dir is not None else None
    return (read_given_list(given).labels if given else None) or _SOURCES[source].labels


def _require_source(source: str, input_dir: str | None) -> None:
    if source not in _SOURCES:
        raise ValueError(f"--source is '{source}', expected one of {', '.join(_SOURCES)}: name one of these")
    if _SOURCES[source].needs_input != (input_dir is not None):
        raise ValueError(f"--source {source} {'needs' if input_dir is None else 'takes no'} --input")


def _run_source(source: str, directory: Path, input_dir: str | None, *, seed: int, **options: Any) -> list[Case]:
    if input_dir is not None:
        drawn = {"seed": seed} if "cut" in options else {}
        return _SOURCES[source].prepare(Path(input_dir), directory, **drawn, **options)
    return _SOURCES[source].prepare(directory, seed=seed, **options)


def _relative(entry: Mapping[str, Any], directory: Path) -> Case:
    image, label = (Path(entry[key]).relative_to(directory) for key in ("image", "label"))
    return replace(entry["case"], image=image, label=label)


def main(command: Sequence[str] | None = None) -> None:
    """Run the command line; errors of the data end with status 1 and their message alone."""
    commands: dict[str, Callable[..., None]] = {
        **{"prepare": prepare, "check": check, "studies": studies, "export": export, "archive": archive}
    }
    errors = (ValueError, OSError, RuntimeError, TypeError)
    run_command_line(commands, command, name="python -m common.data", errors=errors)
