import os
import threading
from pathlib import Path

import pytest
import torch
from monai.transforms import Compose, Lambdad, Transform

from common.data.cached import cached_dataset
from common.data.training_record import training_record, typical_spacing
from common.leftovers import temporary_name


class Read(Transform):
    """Reads numbers from the file and counts how often."""

    calls = 0

    def __init__(self, factor=1):
        self.factor = factor

    def __call__(self, data):
        Read.calls += 1
        value = float(Path(data["image"]).read_text())
        return {"pair": self.factor * torch.tensor(value), "spacing": torch.tensor([1.0, 2.0, 3.0])}


class ReadTogether(Read):
    """Reads as four threads have come here."""

    start = threading.Barrier(4)

    def __call__(self, data):
        ReadTogether.start.wait()
        return {**super().__call__(data), "volume": torch.ones(50, 50, 50)}


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("5")
    Read.calls = 0
    return {"image": str(path), "case_id": "a"}


def test_disk_cache_is_used_until_file_or_parameters_change(case, tmp_path):
    def value(factor=1):
        return float(cached_dataset([case], Compose([Read(factor)]), cache_dir=tmp_path / "cache")[0]["pair"])

    assert [value(), value(), value()] == [5, 5, 5]
    assert Read.calls == 1
    assert value(factor=2) == 10
    Path(case["image"]).write_text("6")
    os.utime(case["image"], ns=(0, 1))
    assert value() == 6
    assert Read.calls == 3


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PK text", "flip"])
def test_an_entry_that_cannot_be_read_is_made_again_with_one_line(case, tmp_path, caplog, damage):
    def value():
        return float(cached_dataset([case], Compose([Read()]), cache_dir=tmp_path / "cache")[0]["pair"])

    value()
    (entry,) = (tmp_path / "cache").iterdir()
    whole = entry.read_bytes()
    five = torch.tensor(5.0).numpy().tobytes()
    entry.write_bytes(whole.replace(five, torch.tensor(7.0).numpy().tobytes()) if damage == "flip" else damage(whole))
    os.utime(entry, ns=(0, 1))  # as after a while: clocks of file systems tick every 4 ms
    assert value() == 5
    assert [str(entry) in record.message for record in caplog.records] == [True]
    assert "made again" in caplog.text
    assert value() == 5
    assert Read.calls == 2
    assert len(caplog.records) == 1


def test_two_runs_that_fill_one_cache_leave_whole_entries_and_no_others(case, tmp_path):
    seen = []

    def run():
        dataset = cached_dataset([case], Compose([ReadTogether()]), cache_dir=tmp_path / "cache")
        seen.append(dataset[0]["volume"].sum())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [50**3] * 4
    (entry,) = (tmp_path / "cache").iterdir()
    assert torch.load(entry, weights_only=True)["volume"].sum() == 50**3


def test_an_entry_is_written_beside_its_place(case, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))  # no other folder takes part
    cached_dataset([case], Compose([Read()]), cache_dir=tmp_path / "cache")[0]

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("torch.save", stop)
    with pytest.raises(KeyboardInterrupt):
        cached_dataset([case], Compose([Read(2)]), cache_dir=tmp_path / "cache")[0]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_what_a_killed_run_left_in_the_cache_goes(case, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / temporary_name("entry.pt")).touch()
    cached_dataset([case], Compose([Read()]), cache_dir=cache)
    assert list(cache.iterdir()) == []


def test_a_file_under_any_key_counts_and_texts_do_not(case, tmp_path):
    companion = tmp_path / "organs.txt"
    companion.write_text("1")
    named = case | {"atlas": str(companion), "note": "n" * 5000, "mark": "\0", "centre": str(tmp_path), "fold": 0}

    def stamp():
        return cached_dataset([named], Compose([Read()]), cache="none").data[0]["stamp"]

    first = stamp()
    assert len(first) == 2 * 2  # size and time of the image and of the atlas
    os.utime(companion, ns=(0, 7))
    (tmp_path / "new").touch()
    assert stamp() == [*first[:3], 7]


def test_ram_cache_reads_once_and_none_reads_always(case):
    for cache, calls in (("ram", 1), ("none", 3)):
        Read.calls = 0
        dataset = cached_dataset([case], Compose([Read()]), cache=cache)
        assert [float(dataset[0]["pair"]) for _ in range(3)] == [5, 5, 5]
        assert Read.calls == calls


def test_unknown_cache_is_refused(case):
    with pytest.raises(ValueError, match="cache is 'tape', expected one of disk, ram, none"):
        cached_dataset([case], Compose([Lambdad("image", str)]), cache="tape")


def test_record_names_cases_and_their_typical_spacing():
    items = [{"spacing": torch.tensor([1.0, 2.0, s])} for s in (1.0, 2.0, 30.0)]
    assert typical_spacing(items) == [1.0, 2.0, 2.0]
    record = training_record(
        bundle={"name": "x"}, cases=[{"case_id": "b"}, {"case_id": "a"}], list_hash="h", dataset=items, seed=1
    )
    assert record["case_ids"] == ["a", "b"]
    assert record["datalist_sha256"] == "h"
