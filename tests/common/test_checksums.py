import hashlib

import pytest

from common.checksums import changed_files, read_checksums, unlisted_files, verify_checksums, write_checksums


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "images/a b.nii.gz", ".checked.json", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    write_checksums(tmp_path)
    return tmp_path


def test_each_shown_file_has_its_sum_in_the_form_of_sha256sum(folder):
    lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}" for name in ("b.txt", "images/a b.nii.gz")]
    assert (folder / "SHA256SUMS").read_text().splitlines() == lines
    assert verify_checksums(folder) == ["b.txt", "images/a b.nii.gz"]
    write_checksums(folder)
    assert list(read_checksums(folder)) == ["b.txt", "images/a b.nii.gz"]


def test_a_changed_and_a_lost_file_are_named(folder):
    (folder / "b.txt").write_text("changed")
    with pytest.raises(ValueError, match=r"1 of 2 files are missing or not as SHA256SUMS says, such as b\.txt"):
        verify_checksums(folder)
    (folder / "images" / "a b.nii.gz").unlink()
    with pytest.raises(ValueError, match="2 of 2 files"):
        verify_checksums(folder)


def test_a_folder_without_sums_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="as `run dataset` leaves it"):
        verify_checksums(tmp_path)


def test_files_that_were_added_are_unlisted_but_hidden_ones(folder):
    (folder / "images" / "new.txt").touch()
    (folder / ".cache").touch()
    (folder / "b.txt").write_text("changed")
    assert unlisted_files(folder) == ["images/new.txt"]
    assert changed_files(folder) == ["b.txt"]
