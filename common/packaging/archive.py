"""Checksums and archives that are equal to the bit for equal files."""

import re
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..files import file_sha256, replacing

SUMS = "SHA256SUMS"
_OF_A_HUB = re.compile(r"\.|README\.md$|.*/\.")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that the format knows


def all_files(folder: Path) -> list[Path]:
    """Files below `folder`, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS`` of all files below `folder`; ``sha256sum -c SHA256SUMS`` there compares."""
    files = [path for path in all_files(folder) if path != folder / SUMS]
    lines = [f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    with replacing(folder / SUMS) as temporary:
        temporary.write_text("".join(lines))


def wrong_sums(folder: Path) -> list[str]:
    """Names in ``SHA256SUMS`` whose file is missing or another, and files that it does not list.

    What a hub adds counts for nothing: hidden files, and the model card at the top.
    """
    lines = dict(reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text().splitlines())
    found = {path.relative_to(folder).as_posix(): path for path in all_files(folder) if path != folder / SUMS}
    found = {name: path for name, path in found.items() if name in lines or not _OF_A_HUB.match(name)}
    changed = [name for name, path in found.items() if name in lines and file_sha256(path) != lines[name]]
    return sorted([*changed, *(lines.keys() ^ found.keys())])


def write_zip(folder: Path, path: Path, *, files: Iterable[Path] | None = None) -> None:
    """Pack `folder`, whose name is the archive's only entry at the top."""
    with replacing(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for file in all_files(folder) if files is None else sorted(files):
            entry = ZipInfo(file.relative_to(folder.parent).as_posix(), _EPOCH)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
