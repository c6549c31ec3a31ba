"""Archives that are equal to the bit for equal files, and the comparison of one that was unpacked with its sums."""

from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..checksums import changed_files, unlisted_files
from ..files import replacing

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that the format knows


def all_files(folder: Path) -> list[Path]:
    """Files below `folder`, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def wrong_sums(folder: Path) -> list[str]:
    """Names in ``SHA256SUMS`` whose file is missing or another, and files that it does not list.

    What a hub adds counts for nothing: hidden files, and the model card at the top.
    """
    return sorted([*changed_files(folder), *(name for name in unlisted_files(folder) if name != "README.md")])


def write_zip(folder: Path, path: Path, *, files: Iterable[Path] | None = None) -> None:
    """Pack `folder`, whose name is the archive's only entry at the top."""
    with replacing(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for file in all_files(folder) if files is None else sorted(files):
            entry = ZipInfo(file.relative_to(folder.parent).as_posix(), _EPOCH)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
