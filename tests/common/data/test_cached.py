import os
from pathlib import Path

import pytest
import torch
from monai.transforms import Compose, Lambdad, Transform

from common.data.cached import cached_dataset
from common.data.training_record import training_record, typical_spacing


class Read(Transform):
    """Reads numbers from the file and counts how often."""

    calls = 0

    def __init__(self, factor=1):
        self.factor = factor

    def __call__(self, data):
        Read.calls += 1
        value = float(Path(data["image"]).read_text())
        return {"pair": self.factor * torch.tensor(value), "spacing": torch.tensor([1.0, 2.0, 3.0])}


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
