"""What earlier passes found."""

import json
import os
from hashlib import sha256

import pytest

from common.data.known_files import file_stamp, read_known, write_known


def test_a_stamp_changes_with_the_file_and_not_with_the_name_of_a_link(tmp_path):
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("5")
    link.symlink_to(path)
    os.utime(path, ns=(0, 7))
    assert file_stamp(path) == file_stamp(link)
    place, *rest = file_stamp(path)
    assert rest == [1, 7] and place == sha256(json.dumps(str(path)).encode()).hexdigest()
    assert tmp_path.name not in str(file_stamp(path))  # of a patient, perhaps
    path.write_text("66")
    assert file_stamp(path)[1] == 2


def test_what_was_kept_is_read_again(tmp_path):
    write_known({"a": [1, 2]}, tmp_path / "known.json")
    assert read_known(tmp_path / "known.json", default={}) == {"a": [1, 2]}


@pytest.mark.parametrize("text", ["{", "[1]", None])
def test_without_a_file_of_its_kind_nothing_is_known(tmp_path, text):
    if text is not None:
        (tmp_path / "known.json").write_text(text)
    assert read_known(tmp_path / "known.json", default={}) == {}
    assert read_known(None, default=[]) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "file").touch()
    write_known({}, tmp_path / "file" / "known.json")
    assert "cannot be written" in caplog.text
