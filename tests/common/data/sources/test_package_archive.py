import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
import zipfile

import pytest

from common.data.sources.package_archive import (
    PackageArchive,
    default_cache_dir,
    fetch_archive,
    is_cached,
    pip_command,
    read_member,
)

METADATA = b"Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
FILE = "tinypkg-1.0-py3-none-any.whl"


def write_wheel(folder):
    """A wheel that pip accepts, with one data file."""
    path = folder / FILE
    members = {"tinypkg/data/a.txt": b"volume", "tinypkg-1.0.dist-info/METADATA": METADATA}
    members |= {"tinypkg-1.0.dist-info/WHEEL": WHEEL, "tinypkg-1.0.dist-info/RECORD": b""}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def describe(path, **changes):
    known = {"package": "tinypkg", "version": "1.0", "kind": "wheel", "file": FILE, "megabytes": 1}
    return PackageArchive(**(known | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()} | changes))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """pip sees this folder and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed here")


@needs_pip
def test_pip_fetches_the_pinned_file_into_the_cache_and_nothing_else(index, tmp_path):
    archive = describe(write_wheel(index))
    path = fetch_archive(archive, tmp_path / "cache")
    assert path.read_bytes() == (index / FILE).read_bytes()
    assert list((tmp_path / "cache").iterdir()) == [path]
    assert read_member(path, "tinypkg/data/a.txt") == b"volume"


@needs_pip
def test_another_file_of_that_name_is_refused(index, tmp_path):
    archive = describe(write_wheel(index), sha256="0" * 64)
    with pytest.raises(RuntimeError, match=r"could not fetch tinypkg 1.0 with\n.*pip download") as error:
        fetch_archive(archive, tmp_path / "cache")
    assert "0" * 64 in str(error.value)
    assert not (tmp_path / "cache" / FILE).exists()


def test_failing_pip_is_explained(tmp_path, monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(
            command, 1, stdout="", stderr="WARNING: x\nERROR: no matching distribution\n"
        )

    monkeypatch.setattr(subprocess, "run", fail)
    archive = PackageArchive("tinypkg", "1.0", "wheel", FILE, "ab", 1)
    with pytest.raises(RuntimeError) as error:
        fetch_archive(archive, tmp_path)
    for part in ("tinypkg 1.0", "pip download", "no matching distribution", "Check the network", FILE, str(tmp_path)):
        assert part in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_silent_network_is_given_up(tmp_path, monkeypatch):
    def hang(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(RuntimeError, match="no answer within 3 s"):
        fetch_archive(PackageArchive("tinypkg", "1.0", "wheel", FILE, "ab", 1), tmp_path, timeout=3)


def test_success_that_brings_nothing_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda c, **_: subprocess.CompletedProcess(c, 0, stdout="", stderr=""))
    with pytest.raises(RuntimeError, match=r"pip brought \[\] for tinypkg: expected tinypkg-1.0"):
        fetch_archive(PackageArchive("tinypkg", "1.0", "wheel", FILE, "ab", 1), tmp_path)


def test_cached_file_is_used_without_pip_and_a_damaged_one_is_not(tmp_path, monkeypatch):
    path = write_wheel(tmp_path)
    archive = describe(path)
    calls = []

    def record(command, **_):
        calls.append(command)
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="offline")

    monkeypatch.setattr(subprocess, "run", record)
    assert fetch_archive(archive, tmp_path) == path
    assert calls == []
    path.write_bytes(path.read_bytes()[:-5])
    assert not is_cached(archive, tmp_path)
    with pytest.raises(RuntimeError, match="offline"):
        fetch_archive(archive, tmp_path)
    assert len(calls) == 1


@pytest.mark.parametrize(("kind", "option"), [("wheel", "--only-binary"), ("sdist", "--no-binary")])
def test_command_downloads_one_hashed_file_and_installs_nothing(tmp_path, kind, option):
    command = pip_command(PackageArchive("tinypkg", "1.0", kind, FILE, "ab", 1), tmp_path)
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert command[command.index(option) + 1] == "tinypkg"  # not `:all:`, which would build pip's own tools too
    assert {"--no-deps", "--require-hashes"} <= set(command)


def test_members_are_read_by_name_from_zip_and_tar(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("pkg-1/data.bin", "../outside.bin"):
            archive.addfile(tar_entry(name, 4), io.BytesIO(b"1234"))
        archive.addfile(tar_entry("pkg-1/folder", 0, kind=tarfile.DIRTYPE))
    assert read_member(path, "pkg-1/data.bin") == b"1234"
    assert list(tmp_path.iterdir()) == [path]
    for absent in ("pkg-1/other.bin", "pkg-1/folder"):
        with pytest.raises(RuntimeError, match=f"does not hold {absent}"):
            read_member(path, absent)
    with pytest.raises(RuntimeError, match=r"does not hold no\.txt"):
        read_member(write_wheel(tmp_path), "no.txt")


def tar_entry(name, size, *, kind=tarfile.REGTYPE):
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry


def test_broken_archive_is_named(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(RuntimeError, match=r"a\.tar\.gz does not hold x"):
        read_member(tmp_path / "a.tar.gz", "x")


def test_cache_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir().parent == tmp_path
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_dir().parent.name == ".cache"
