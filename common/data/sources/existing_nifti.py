"""Brings pairs that are files already into a data set's folders, by link or by copy."""

import gzip
import logging
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import nibabel as nib

from ...files import replacing
from ..case import Case
from ..itk_file import is_itk, require_itk
from ..slicer_extent import whole_segmentation

logger = logging.getLogger(__name__)

Mode = Literal["link", "copy"]


def check_matched(images: Collection[str], labels: Collection[str], *, folder: Path, where: tuple[str, str]) -> None:
    """Raise unless every image has a label and every label an image.

    Args:
        images: their names.
        labels: theirs.
        folder: what was read.
        where: the form of the paths of image and label in it, for the message.

    Raises:
        ValueError: a partner is missing, or there is nothing at all.
    """
    lacking = ((set(images) - set(labels), "label", where[1]), (set(labels) - set(images), "image", where[0]))
    problems = [f"no {what} ({form}) for {shortlist(names)}" for names, what, form in lacking if names]
    if problems:
        raise ValueError(f"{folder}: {'; '.join(problems)}: add what is missing, or move the rest away")
    if not images:
        raise ValueError(f"{folder} holds no pair: expected {where[0]} and {where[1]}; name another --input")


def shortlist(names: Collection[str]) -> str:
    """Number of the names, and the first ten of them."""
    return f"{len(names)} cases: {', '.join(sorted(names)[:10])}{', …' if len(names) > 10 else ''}"


def bring_pairs(cases: Sequence[Case], sources: Mapping[str, tuple[Path, Path]], *, mode: Mode, workers: int) -> None:
    """Put the image and label in `sources`, by case id, where their case says, unless they are there already.

    Raises:
        ValueError: unknown `mode`, `workers` below 1, a `.nii` would be packed beside itself, or a file is no volume.
    """
    if mode not in get_args(Mode) or workers < 1:
        raise ValueError(f"mode={mode!r}, workers={workers}: expected a mode of {get_args(Mode)} and at least 1 worker")
    jobs: list[tuple[Path, Path, Path]] = []
    for case in cases:
        image, label = sources[case.case_id]
        jobs += [(image, case.image, image), (label, case.label, image)]
    for source, *_ in jobs:
        if is_itk(source):
            require_itk(source)
    with ThreadPoolExecutor(workers) as pool:
        brought = sum(pool.map(partial(_bring, mode=mode), *zip(*jobs, strict=True)))
    logger.info("%d cases, %d of their %d files new (%s)", len(cases), brought, len(jobs), mode)


def _bring(source: Path, target: Path, image: Path, *, mode: Mode) -> bool:
    """Link, copy, pack or convert one file of the pair of `image`; tells whether it had to be done."""
    name, packed = (
        source,
        source.suffix.lower() == ".gz",
    )  # before links are followed: a data store's names may have no suffix
    if not packed and source.parent.resolve() == target.parent.resolve():
        raise ValueError(f"{source} would be packed beside itself: choose an output other than the input")
    source = source.resolve(strict=True)
    if not packed or mode == "copy":
        return _copy(source, target, name=name, image=image, packed=packed)
    if target.is_symlink():
        done = target.readlink() == source
    else:
        done = target.resolve() == source  # output is input
    if not done:  # an absolute link in place of whatever is there
        with replacing(target, locked=False) as temporary:
            temporary.symlink_to(source)
    return not done


def _copy(source: Path, target: Path, *, name: Path, image: Path, packed: bool) -> bool:
    """Copy with the time of `source`, by which later runs know it; what is no packed NIfTI is packed, or converted.

    `name` is that of the source before links were followed; a part of the grid of `image` is put into the whole.
    """
    if not target.is_symlink() and target.is_file():
        old, new = target.stat(), source.stat()
        if old.st_mtime_ns == new.st_mtime_ns and (old.st_size == new.st_size or not packed):
            return False
    with replacing(target) as temporary:
        if packed:
            shutil.copyfile(source, temporary)
        elif is_itk(name):
            nib.save(whole_segmentation(name, image), temporary)
        else:  # without name and time, so that equal files stay equal
            with (
                source.open("rb") as plain,
                temporary.open("wb") as file,
                gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as gzipped,  # 1 as nibabel does
            ):
                shutil.copyfileobj(plain, gzipped)
        times = source.stat()
        os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
    return True
