"""The embedded synthetic source: generated pairs that lie beside the package, with the record of their generator."""

import logging
import shutil
from pathlib import Path

from ...checksums import FILE_NAME as SUMS
from ...checksums import verify_checksums
from ...files import replacing
from ..case import Case
from ..generated_set import LIST_NAME, read_generated_set
from .existing_nifti import bring_pairs
from .nifti_pair import pair_paths

logger = logging.getLogger(__name__)
EMBEDDED = Path(__file__).parents[1] / "synthetic"


def prepare_synthetic(
    output_dir: str | Path, *, set_dir: str | Path | None = None, seed: int = 0, workers: int = 2
) -> list[Case]:
    """Copy a published set to `images/<id>.nii.gz`, `labels/<id>.nii.gz`, with its card, licence, lists and checksums.

    `output_dir` is then a generated set too. Cases name the real cases behind them, for the leakage guards. Finished
    files are left alone.

    Args:
        output_dir: folder to fill.
        set_dir: what `run dataset` left; by default the set that the package carries.
        seed: of the split alone, which is made later.
        workers: threads.

    Returns:
        The cases by id; the centre is `generated`.

    Raises:
        FileNotFoundError: there is no published set.
        ValueError: it is not whole, or has no provenance.
    """
    directory, source = Path(output_dir), Path(set_dir or EMBEDDED)
    names = _verified(source)
    generated = read_generated_set(source, check=False)
    if generated.seen_ids is None or not generated.has_labels:
        raise ValueError(f"{source} is no published set of pairs with provenance: make one with `run dataset`")
    cases = [
        Case(
            entry["case_id"],
            *pair_paths(directory, entry["case_id"]),
            centre=entry["centre"],
            generator_case_ids=tuple(sorted(generated.seen_ids)),
        )
        for entry in sorted(generated.cases, key=lambda entry: entry["case_id"])
    ]
    files = {entry["case_id"]: (Path(entry["image"]), Path(entry["label"])) for entry in generated.cases}
    bring_pairs(cases, files, mode="copy", workers=workers)
    for name in [SUMS, *(name for name in names if not name.endswith(".nii.gz"))]:
        with replacing(directory / name) as temporary:
            shutil.copyfile(source / name, temporary)
    return cases


def _verified(folder: Path) -> list[str]:
    """Names of the set's files, all there and whole."""
    if not (folder / LIST_NAME).is_file():
        raise FileNotFoundError(
            f"no synthetic set at {folder}: it comes with a checkout, not with an exported bundle; make one with "
            "`run dataset` of hagan_128 and name its output_dir with --set_dir, or take --source phantom"
        )
    return verify_checksums(folder)
