import errno
import os
import resource

import nibabel as nib
import numpy as np
import pytest
import torch

from common.files import naming, read_json, replacing, write_csv, write_json
from common.torch_file import write_torch


def test_the_file_appears_whole_with_its_suffixes(tmp_path):
    path = tmp_path / "new" / "a.nii.gz"
    with replacing(path) as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ([{"a": 1, "b": "x,y"}, {"b": 2, "c": None}], [], 'a,b,c\n1,"x,y",\n,2,\n'),
        ([{"a": 1}], ["b"], "b,a\n,1\n"),
        ([], ["a", "b"], "a,b\n"),
    ],
)
def test_tables_have_every_column_and_a_header(rows, columns, expected, tmp_path):
    write_csv(rows, tmp_path / "new" / "a.csv", columns=columns)
    assert (tmp_path / "new" / "a.csv").read_text() == expected


@pytest.fixture
def small_disk():
    """Files may have 4096 bytes: the system then says as much as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def save_noise(path):
    noise = np.random.default_rng(0).integers(0, 30000, (32, 32, 32)).astype(np.int16)
    with replacing(path) as temporary:
        nib.save(nib.Nifti1Image(noise, np.eye(4)), temporary)


# name of the file: what writes too much of it
TOO_LARGE = {
    "a.json": lambda path: write_json(list(range(9000)), path),
    "a.csv": lambda path: write_csv([{"a": "x" * 9000}], path),
    "checkpoint.pt": lambda path: write_torch({"weight": torch.zeros(30000)}, path),
    "small.pt": lambda path: write_torch({"weight": torch.zeros(1000)}, path),
    "image.nii.gz": save_noise,
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_full_disk_is_told_with_the_file_and_what_to_do(name, small_disk, tmp_path):
    path = tmp_path / name
    with pytest.raises(
        OSError, match=rf"{path} cannot be written \(File too large\): free space .* start the"
    ) as error:
        TOO_LARGE[name](path)
    assert error.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "out").write_text("")
    for path in (tmp_path / "out" / "a.json", tmp_path / "out" / "deep" / "a.json"):
        with pytest.raises(OSError, match=rf"{path} cannot be written \(.*\): name another folder"):
            write_json({}, path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_told(number, tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(OSError, match=rf"{path} cannot be written .*: name another folder, or allow"), naming(path):
        raise OSError(number, os.strerror(number), str(tmp_path / ".12.a.json"))


def test_errors_of_other_files_stay_as_they_are(tmp_path):
    with pytest.raises(PermissionError, match="elsewhere"), replacing(tmp_path / "a.json"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/b.json")
    with pytest.raises(FileNotFoundError, match=r"b\.json"), replacing(tmp_path / "a.json"):
        (tmp_path / "b.json").read_text()


def test_json_is_named_when_it_cannot_be_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')  # with the mark of a Windows editor
    assert read_json(path, remedy="mend it") == {"a": 1}
    for content, found in ((b"{", "is no JSON"), (b'"\xe9"', "is not a text in UTF-8"), (b"", "is no JSON")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"{path} {found}.*: mend it$"):
            read_json(path, remedy="mend it")


def test_json_must_have_the_keys_that_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_json(path, remedy="mend it", keys=["a"]) == {"a": 1}
    with pytest.raises(ValueError, match=rf"{path} has no b, c, expected .*: mend it$"):
        read_json(path, remedy="mend it", keys=["a", "b", "c"])
    for content in ("null", "[1]", "5"):
        path.write_text(content)
        with pytest.raises(ValueError, match=rf"{path} holds .*, expected an object with a: mend it$"):
            read_json(path, remedy="mend it", keys=["a"])
