"""Files of weights: what was changed, cut or is something else is named, never read."""

import io
import os

import pytest
import torch

from common.torch_file import DamagedFileError, read_torch, write_torch


@pytest.fixture
def path(tmp_path):
    write_torch({"weight": torch.arange(1000.0), "step": 3}, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def test_a_file_comes_back_as_it_was(path):
    for mmap in (False, True):
        content = read_torch(path, mmap=mmap)
        assert content["step"] == 3
        assert torch.equal(content["weight"], torch.arange(1000.0))
    first = path.read_bytes()
    write_torch(content, path)
    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mmap", [False, True])
def test_one_flipped_bit_is_noticed_and_the_file_named(path, mmap):
    content = bytearray(path.read_bytes())
    content[content.index(torch.tensor(500.0).numpy().tobytes())] ^= 1
    path.write_bytes(content)
    assert not torch.equal(torch.load(path, weights_only=True)["weight"], torch.arange(1000.0))  # torch is silent
    with pytest.raises(DamagedFileError, match=r"model\.pt is damaged: the checksum of its part .*data/0 is another"):
        read_torch(path, mmap=mmap)


def test_a_file_that_is_made_again_is_looked_at_again(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-900])
    with pytest.raises(DamagedFileError):
        read_torch(path)
    path.write_bytes(whole)
    assert read_torch(path)["step"] == 3


@pytest.mark.parametrize("content", [b"", b"weights\n", b"PK\x03\x04 and no more", "µ".encode("latin-1") * 40, None])
def test_what_is_no_such_file_is_named(path, content):
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    with pytest.raises(DamagedFileError, match=r"model\.pt cannot be read as a file of weights, \d+ bytes"):
        read_torch(path)


def test_every_bit_of_the_archive_counts_or_changes_nothing(path):
    whole, expected = path.read_bytes(), torch.arange(1000.0)
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        os.utime(path, ns=(0, place))  # as after a while: clocks of file systems tick every 4 ms
        try:
            content = read_torch(path)
        except DamagedFileError:
            continue
        assert content["step"] == 3
        assert torch.equal(content["weight"], expected)


def test_the_form_of_before_archives_is_read(path):
    buffer = io.BytesIO()
    torch.save({"step": 4}, buffer, _use_new_zipfile_serialization=False)
    path.write_bytes(buffer.getvalue())
    assert read_torch(path) == {"step": 4}


def test_a_missing_file_is_just_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_torch(tmp_path / "model.pt")
