"""One key, one name; another key, another name; and the key is its owner's alone."""

import pytest

from common.data.dicom.pseudonyms import Pseudonyms, read_key


def test_the_key_is_made_once_and_its_owner_alone_may_read_it(tmp_path):
    path = tmp_path / "safe" / "study.key"
    key = read_key(path)
    assert len(key) == 32 and path.stat().st_mode & 0o777 == 0o600
    assert read_key(path) == key != read_key(tmp_path / "other.key")


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path):
    path = tmp_path / "study.key"
    read_key(path)
    path.chmod(0o640)
    with pytest.raises(ValueError, match=r"study\.key has the mode 640, expected 600: .*chmod 600"):
        read_key(path)
    path.chmod(0o600)
    path.write_text("secret")
    with pytest.raises(ValueError, match=r"study\.key holds no key, expected 64 hexadecimal digits"):
        read_key(path)


def test_names_depend_on_key_kind_and_text():
    names = {
        Pseudonyms(key).of(kind, text) for key in (b"a" * 32, b"b" * 32) for kind in ("p", "s") for text in ("1", "2")
    }
    assert len(names) == 8 and all(len(name) == 10 for name in names)
