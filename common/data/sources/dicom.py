"""DICOM as a clinic's archive gives it out: CT series with RTSTRUCT or SEG, under pseudonyms."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...files import file_sha256
from ...progress import Progress
from ..case import Case
from ..cases import BadCasesError, OnBadCase
from ..check import Problem, problem_table
from ..dicom.ct_series import CtSeries
from ..dicom.fault import DicomFault
from ..dicom.inventory import DrawnSeries, Inventory, structure_counts, take_inventory
from ..dicom.pseudonyms import Pseudonyms, read_key
from ..dicom.rois import values_of
from ..dicom.structures import StructureFile
from ..dicom.table import case_names, inventory_table
from ..itk_file import LPS_TO_RAS
from .nifti_pair import is_written, pair_paths, write_pair

logger = logging.getLogger(__name__)
_NO_CASE = "no case"


@dataclass(frozen=True)
class _Job:
    """A case to write: its series, and label value, file and name of each structure, that of lowest priority first."""

    case: Case
    series: CtSeries
    structures: list[tuple[int, StructureFile, str]]
    note: str


def prepare_dicom(
    input_dir: str | Path,
    output_dir: str | Path,
    *,
    rois: Mapping[str, int] | None = None,
    key: str | Path | None = None,
    on_bad_case: OnBadCase = "error",
    left_out: list[Problem] | None = None,
    workers: int = 2,
) -> list[Case]:
    """Write each CT series on which a wanted structure is drawn as a NIfTI pair; finished ones are left alone.

    Images are HU, int16 where they are whole numbers and else float32; labels uint8. Headers are looked through, and
    structures drawn, before anything is written. Nothing that the input says of a patient is written: patients,
    series and sites get keyed hashes as names.

    Args:
        input_dir: Folder of DICOM files, in any nesting and under any names.
        output_dir: Of the pairs.
        rois: Names of structures, or patterns for the whole of them, to label values; where two overlap the earlier
            wins.
        key: File of the key of the pseudonyms, made where there is none; by default the name of `input_dir` with
            ``.key``, beside it.
        on_bad_case: Stop with all that is wrong, or go on without.
        left_out: Gets what was left out, in words that hold no name.
        workers: Threads.

    Returns:
        The cases by id; the centre is a pseudonym of the institution.

    Raises:
        BadCasesError: A case is bad and `on_bad_case` is ``error``, or none is left.
        FileNotFoundError: There is no DICOM.
        ValueError: `rois` are missing, or match nothing; the key cannot be read.
    """
    folder, output = Path(input_dir), Path(output_dir)
    inventory, pseudonyms = _look(folder, key, workers, output=output)
    faults = [(_patient_name(patient, pseudonyms), fault) for patient, fault in inventory.faults]
    rois = _require_rois(rois, inventory, faults)
    if unknown := {drawn.patient for drawn in inventory.series.values() if drawn.files and "|" not in drawn.patient}:
        logger.warning(
            "%d studies say no patient id, and each counts as a patient of its own: those of one person may then be in "
            "training and testing; give them ids in the archive",
            len(unknown),
        )
    jobs: list[_Job] = []
    for uid, drawn in inventory.series.items():
        if not drawn.files:
            continue
        try:
            jobs.append(_job(uid, drawn, rois, pseudonyms, output))
        except DicomFault as fault:
            faults.append((case_names(uid, drawn, pseudonyms)[1], fault))
    plain = sum(not drawn.files for drawn in inventory.series.values())
    if plain or inventory.others or inventory.drawn_elsewhere:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in sorted(inventory.others.items())) or "none"
        logger.info("left aside: %d CT series without structures, files of other kinds: %s", plain, kinds)
    good = _passed(jobs, faults, _draw, "drawing structures", on_bad_case, workers)
    good = _passed(good, faults, _write, "writing pairs", on_bad_case, workers)
    if faults:
        table = problem_table([fault.shown(name) for name, fault in faults])
        logger.warning("left out, %d of %d series:\n%s", len(faults), len(faults) + len(good), table)
    if left_out is not None:
        left_out += [fault.recorded(name) for name, fault in faults]
    return sorted((job.case for job in good), key=lambda case: case.case_id)


def list_dicom(
    input_dir: str | Path, *, rois: Mapping[str, int] | None = None, key: str | Path | None = None, workers: int = 2
) -> None:
    """Print patients as pseudonyms, their series, and what is drawn on these; nothing is written but the key."""
    inventory, pseudonyms = _look(Path(input_dir), key, workers)
    sys.stdout.write(inventory_table(inventory, pseudonyms, rois) + "\n")


def _look(
    folder: Path, key: str | Path | None, workers: int, *, output: Path | None = None
) -> tuple[Inventory, Pseudonyms]:
    inventory = take_inventory(folder, workers=workers)
    whole = folder.resolve()
    path = Path(key) if key is not None else whole.with_name(f"{whole.name}.key")
    if output is not None and output.resolve() in path.resolve().parents:
        raise ValueError(
            f"--key {path} lies in --output {output}, expected another place: data are handed on, the key is not"
        )
    pseudonyms = Pseudonyms(read_key(path))
    logger.info("pseudonyms by the key in %s: keep it where the patients' data are, and hand it to nobody", path)
    return inventory, pseudonyms


def _patient_name(patient: str | None, pseudonyms: Pseudonyms) -> str:
    return f"p{pseudonyms.of('patient', patient)}" if patient else _NO_CASE


def _require_rois(
    rois: Mapping[str, int] | None, inventory: Inventory, faults: Sequence[tuple[str, DicomFault]]
) -> Mapping[str, int]:
    names = structure_counts([*inventory.series.values()])
    if rois and any(values_of(name, rois) for name in names):
        return rois
    if not names and not faults:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in sorted(inventory.others.items())) or "none"
        raise ValueError(
            f"nothing is drawn on the {len(inventory.series)} CT series: {inventory.drawn_elsewhere} RTSTRUCT or SEG "
            f"belong to other images, files of other kinds: {kinds}; expected RTSTRUCT or SEG of a CT series: add them"
        )
    there = ", ".join(f"'{name}'" for name, _ in names.most_common(20)) or "none"
    found = "is missing" if not rois else f"{dict(rois)} matches no structure"
    text = f"--rois {found}: drawn on the CT series are {there}"
    if faults:  # what is wanted may be in a file that is not taken
        table = problem_table([fault.shown(name) for name, fault in faults])
        raise BadCasesError(f"{text}, and {len(faults)} files are not taken:\n{table}\nMend these, or name others")
    raise ValueError(f"{text}; name them, such as --rois \"{{'GTVp.*':1,'GTVn.*':2}}\"")


def _job(uid: str, drawn: DrawnSeries, rois: Mapping[str, int], pseudonyms: Pseudonyms, output: Path) -> _Job:
    """What is to be written of a series.

    Raises:
        DicomFault: It is no volume, or has none of the structures.
    """
    first = drawn.headers[0]
    series = CtSeries.of(drawn.headers)
    structures: list[tuple[int, StructureFile, str]] = []
    for file in drawn.files:
        for name, count in file.counts.items():
            values = values_of(name, rois) if count else []
            if len(values) > 1:
                raise DicomFault(
                    *("structure of two labels", file.path),
                    found=f"'{name}', which --rois gives the values {values}",
                    expected="one value",
                    remedy="make the patterns of --rois exclude each other",
                )
            for value in values:
                structures.append((value, file, name))
    if not structures:
        raise DicomFault(
            *("no such structure", drawn.files[0].path),
            found=f"none of --rois among {sorted(n for f in drawn.files for n, count in f.counts.items() if count)}",
            expected="one of them at least",
            remedy="add its name to --rois (see --list), or leave the case out",
        )
    order = [*dict.fromkeys(rois.values())][::-1]
    structures.sort(key=lambda item: order.index(item[0]))
    patient, case_id = case_names(uid, drawn, pseudonyms)
    site = f"site-{pseudonyms.of('institution', first.institution, digits=6)}" if first.institution else "unknown"
    recipe = [
        sorted((header.instance, header.path.stat().st_size) for header in series.headers),
        [(value, file_sha256(file.path), name) for value, file, name in structures],
    ]
    note = pseudonyms.of("recipe", json.dumps(recipe), digits=40)
    return _Job(Case(case_id, *pair_paths(output, case_id), centre=site, patient=patient), series, structures, note)


def _passed(
    jobs: Sequence[_Job],
    faults: list[tuple[str, DicomFault]],
    work: Callable[[_Job], None],
    description: str,
    on_bad_case: OnBadCase,
    workers: int,
) -> list[_Job]:
    """Jobs that go through `work`; faults of the others are added.

    Raises:
        BadCasesError: There are faults, now or from before, and they are errors; or no job is left.
    """

    def attempt(job: _Job) -> DicomFault | None:
        try:
            work(job)
        except DicomFault as fault:
            return fault
        return None

    with ThreadPoolExecutor(max(1, workers)) as pool:
        results = [*Progress(pool.map(attempt, jobs), description, len(jobs))]
    good = [job for job, fault in zip(jobs, results, strict=True) if fault is None]
    faults += [(job.case.case_id, fault) for job, fault in zip(jobs, results, strict=True) if fault is not None]
    if faults and (on_bad_case == "error" or not good):
        table = problem_table([fault.shown(name) for name, fault in faults])
        raise BadCasesError(
            f"{len(faults)} faults, {len(good)} good cases:\n{table}\nMend them, or leave them out with "
            "--on_bad_case skip"
        )
    return good


def _draw(job: _Job) -> None:
    """Draw the structures of a case, only to see whether they can be."""
    if not is_written(job.case, note=job.note):
        _label(job, tell=True)


def _write(job: _Job) -> None:
    if is_written(job.case, note=job.note):
        return
    label = _label(job)
    image = job.series.read()
    affine = LPS_TO_RAS @ job.series.affine
    write_pair(
        job.case, image.transpose(2, 1, 0), label.transpose(2, 1, 0), affine, note=job.note, image_type=image.dtype
    )


def _label(job: _Job, *, tell: bool = False) -> np.ndarray:
    """Label values (slices, rows, columns); `tell` of what may not be meant so.

    Raises:
        DicomFault: A structure cannot be drawn, or two files draw one label differently.
    """
    masks: dict[int, dict[Path, np.ndarray]] = {}
    for value, file, name in job.structures:
        of_file = masks.setdefault(value, {})
        mask = file.mask(name, job.series)
        of_file[file.path] = mask | of_file[file.path] if file.path in of_file else mask
    if tell and len({file.path for _, file, _ in job.structures}) > 1:
        drawn_by = {value: sorted(map(str, of_file)) for value, of_file in masks.items()}
        logger.info("%s: several files draw its labels: %s", job.case.case_id, drawn_by)
    label = np.zeros(job.series.shape, np.min_scalar_type(max(masks)))
    for value, of_file in masks.items():
        (first, mask), *others = of_file.items()
        for path, other in others:  # a SEG and an RTSTRUCT of the same, or two versions
            if different := int((mask != other).sum()):
                raise DicomFault(
                    *("several structure sets", path),
                    found=f"structures of label {value} in it and in {first} that differ in {different} voxels",
                    expected="one file that draws them, or several that agree",
                    remedy="move the versions away that are not wanted",
                )
        if tell and (overlap := int(((label != 0) & mask).sum())):
            logger.info("%s: label %d lies over another in %d voxels", job.case.case_id, value, overlap)
        gaps = int((np.diff(np.flatnonzero(mask.any(axis=(1, 2)))) == 2).sum())
        if tell and gaps:
            logger.warning(
                "%s: label %d leaves out %d single slices between drawn ones, which stay without it: look at them",
                *(job.case.case_id, value, gaps),
            )
        label[mask] = value
    return label
