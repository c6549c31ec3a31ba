"""SHA-256 of every file of a folder, as ``sha256sum -c SHA256SUMS`` reads them."""

from pathlib import Path

from .files import file_sha256, replacing

FILE_NAME = "SHA256SUMS"


def write_checksums(directory: str | Path) -> Path:
    """Write ``SHA256SUMS`` of all files below `directory` but itself and hidden ones, sorted by path."""
    directory = Path(directory)
    lines = [f"{file_sha256(directory / name)}  {name}\n" for name in _names(directory)]
    with replacing(directory / FILE_NAME) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return directory / FILE_NAME


def read_checksums(directory: str | Path) -> dict[str, str]:
    """SHA-256 by path relative to `directory`.

    Raises:
        FileNotFoundError: There is no ``SHA256SUMS``.
    """
    path = Path(directory) / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}: name the folder of a published set, as `run dataset` leaves it, or of an exported bundle"
        )
    pairs = [line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return {name: checksum for checksum, name in pairs}


def changed_files(directory: str | Path) -> list[str]:
    """Paths that ``SHA256SUMS`` names whose file is missing or another."""
    files = {Path(directory) / name: (name, checksum) for name, checksum in read_checksums(directory).items()}
    return [name for path, (name, known) in files.items() if not path.is_file() or file_sha256(path) != known]


def unlisted_files(directory: str | Path) -> list[str]:
    """Paths of files that ``SHA256SUMS`` does not name; hidden ones do not count."""
    return sorted(set(_names(Path(directory))) - set(read_checksums(directory)))


def verify_checksums(directory: str | Path) -> list[str]:
    """Paths that ``SHA256SUMS`` names, each there and unchanged.

    Raises:
        FileNotFoundError: There is no ``SHA256SUMS``.
        ValueError: A file is missing or has changed.
    """
    names = list(read_checksums(directory))
    if wrong := changed_files(directory):
        raise ValueError(
            f"{directory}: {len(wrong)} of {len(names)} files are missing or not as {FILE_NAME} says, such as "
            f"{wrong[0]}: copy the whole set again"
        )
    return names


def _names(directory: Path) -> list[str]:
    paths = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    shown = (path for path in paths if not any(part.startswith(".") for part in path.parts))
    return sorted(path.as_posix() for path in shown if path.as_posix() != FILE_NAME)
