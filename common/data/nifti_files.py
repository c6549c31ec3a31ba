"""The volumes of a folder by name, whatever else lies there; nothing that is a volume is passed over in silence."""

import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, SpatialImage

from .itk_file import ITK_SUFFIXES
from .volume_file import open_volume

SUFFIXES = (".nii.gz", ".nii", *ITK_SUFFIXES)  # in any case: some systems write .NII.GZ
_OTHER_VOLUMES = (
    *(".nii.zst", ".nii.bz2", ".nii.xz", ".img", ".hdr", ".img.gz", ".hdr.gz"),
    *(".nhdr", ".mhd", ".dcm"),
)
_CHANNEL = re.compile(r"_(\d{4})$")  # nnU-Net's, behind the name of a case
_SHOWN = 5


def nifti_files(
    folder: Path, *, ending: str = "", option: str = "--input", ignored: str | Path | None = None
) -> dict[str, Path]:
    """Volumes of a folder whose name ends with `ending` before the suffix, by the name before it, sorted.

    They are NIfTI, MetaImage or NRRD. Where all names end with nnU-Net's number of the channel, ``_0000``, it is left
    off. Hidden files, such as the `._` files of macOS, and those of other kinds, such as `a.nii.gz.txt`, are none.

    Args:
        folder: Its own files are taken.
        ending: Such as `__CT`.
        option: That names the folder, for messages.
        ignored: A folder below it that is not looked at, such as a run's own output.

    Raises:
        FileNotFoundError: There is no such folder, or a file is a link that leads nowhere.
        ValueError: A name stands with several suffixes; volumes are beside them in another format, or in subfolders;
            there are further channels.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: expected volumes in it; name another {option}")
    files: dict[str, Path] = {}
    others = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        if (name := _stem(path.name, SUFFIXES, ending)) is None:
            others += [path.name] if _stem(path.name, _OTHER_VOLUMES, ending) is not None else []
            continue
        if not path.is_file():
            raise FileNotFoundError(f"{path} is a link to a file that is not there: fetch the file or remove the link")
        if name in files:
            raise ValueError(f"{folder} holds both {files[name].name} and {path.name}: keep one of them")
        files[name] = path
    if others:
        raise ValueError(
            f"{folder} holds {_some(others)}: only {', '.join(SUFFIXES)} are read; convert these, or move them away"
        )
    if nested := list(_nested(folder, ending, ignored)):
        raise ValueError(
            f"{folder} holds volumes in subfolders, {_some(nested)}: files are taken from one folder; name a "
            f"subfolder with {option}, or bring all of them into one folder, with names that differ"
        )
    return _without_channel(files, folder)


def _without_channel(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """The files by the names of their cases, where all of them have a number of a channel, as nnU-Net's have."""
    channels = {name: found[1] for name in files if (found := _CHANNEL.search(name))}
    if len(channels) < len(files) or "0000" not in channels.values():
        return files
    if more := sorted(name for name, channel in channels.items() if channel != "0000"):
        raise ValueError(
            f"{folder} holds {_some(more)}: only the channel _0000 is read, which must be the CT; move the others away"
        )
    return {_CHANNEL.sub("", name): path for name, path in files.items()}


def image_cases(images: str | Path, *, ignored: str | Path | None = None) -> list[dict[str, Any]]:
    """Entries `image` and `case_id` of the images of a folder, or of one file; headers are read, voxels are not.

    Args:
        images: The folder, or the file.
        ignored: See `nifti_files`.

    Raises:
        FileNotFoundError: There is nothing at `images`, or no volume in it.
        ValueError: See `nifti_files`; or a file is unreadable, or no 3-D volume.
    """
    path, option = Path(images), "--images"
    if not str(images).strip():
        raise FileNotFoundError(f"{option} is empty: expected a folder of images (NIfTI, .mha, .nrrd), or one file")
    if not path.exists():
        raise FileNotFoundError(
            f"there is no {path}: expected a folder of images (NIfTI, .mha, .nrrd), or one file; name another {option}"
        )
    if path.is_dir():
        files = nifti_files(path, option=option, ignored=ignored)
        if not files:
            there = [entry.name + "/" * entry.is_dir() for entry in sorted(path.iterdir())]
            raise FileNotFoundError(
                f"{path} holds no image, found {_some(there) if there else 'nothing'}: expected files that end "
                f"with {', '.join(SUFFIXES)}; name another {option}"
            )
    elif (name := _stem(path.name, SUFFIXES)) is None:
        raise ValueError(f"{path} does not end with {', '.join(SUFFIXES)}: convert it; name another {option}")
    else:
        files = {name: path}
    for file in files.values():
        require_volume(file)
    return [{"case_id": name, "image": str(file)} for name, file in files.items()]


def _stem(name: str, suffixes: tuple[str, ...], ending: str = "") -> str | None:
    """What stands before `ending` and a suffix in any case; None where the name does not end so."""
    suffix = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), None)
    stem = None if suffix is None else name[: -len(suffix)]
    return stem.removesuffix(ending) if stem is not None and stem.endswith(ending) else None


def volume_name(name: str) -> str:
    """What stands before the suffix of a volume's file name; the name itself where it has another suffix."""
    return _stem(name, SUFFIXES) or name


def _nested(folder: Path, ending: str, ignored: str | Path | None) -> Iterator[str]:
    """Volumes below the subfolders of `folder`, as paths relative to it."""
    skipped = None if ignored is None else Path(ignored).resolve()
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and Path(root, n).resolve() != skipped)
        if Path(root) != folder:
            found = sorted(n for n in names if not n.startswith(".") and _stem(n, SUFFIXES, ending) is not None)
            yield from (str(Path(root, name).relative_to(folder)) for name in found)


def require_volume(path: Path) -> SpatialImage:
    """The volume at `path`, opened.

    Raises:
        ValueError: It is unreadable, or no 3-D volume; the message names it.
    """
    try:
        volume = open_volume(path)
    except (ImageFileError, HeaderDataError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): copy it again, or move it away") from error
    if len(volume.shape) != 3:
        raise ValueError(f"{path} has the shape {tuple(volume.shape)}, expected one 3-D volume: save one volume a file")
    return volume


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:_SHOWN])}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}"
