"""From a list to its good cases: what becomes of the bad ones, and what is read twice."""

import json
import logging
from itertools import pairwise

import nibabel as nib
import numpy as np
import pytest

from common.data.cases import BadCasesError, find_problems, resolve_cases
from tests.common.data.test_check import SHAPE, good_image, good_label, with_voxel, write, write_list


def test_skip_leaves_bad_cases_out_and_records_them(tmp_path, caplog):
    write(tmp_path, "good", image=with_voxel(good_image(), -999))
    write(tmp_path, "bad", label=np.zeros(SHAPE, np.uint8))
    datalist = write_list(tmp_path, ["good", "bad"])
    record = tmp_path / "out" / "left_out.json"
    with caplog.at_level(logging.WARNING):
        entries = resolve_cases(datalist, on_bad_case="skip", record=record)
    assert [entry["case_id"] for entry in entries] == ["good"]
    assert "left out 1 of 2 cases" in caplog.text and "empty mask" in caplog.text
    assert json.loads(record.read_text())[0]["case_id"] == "bad"
    write(tmp_path, "bad")
    assert len(resolve_cases(datalist, on_bad_case="skip", record=record)) == 2
    assert not record.exists()  # it would say what is no longer so


def test_nothing_left_is_an_error_even_with_skip(tmp_path):
    write(tmp_path, "bad", label=np.zeros(SHAPE, np.uint8))
    with pytest.raises(BadCasesError, match="1 of 1 cases cannot be used"):
        resolve_cases(write_list(tmp_path, ["bad"]), on_bad_case="skip")
    with pytest.raises(ValueError, match="on_bad_case is 'ignore', expected error or skip"):
        resolve_cases(write_list(tmp_path, ["bad"]), on_bad_case="ignore")


def test_a_count_takes_good_cases_and_fewer_lie_in_more(tmp_path):
    names = [f"c{number}" for number in range(6)]
    for name in names:
        write(tmp_path, name, image=with_voxel(good_image(), 100 + int(name[1])))
    write(tmp_path, "bad", label=np.zeros(SHAPE, np.uint8))
    datalist = write_list(tmp_path, [*names, "bad"])

    def chosen(count, seed=0):
        entries = resolve_cases(datalist, on_bad_case="skip", count=count, seed=seed)
        return [entry["case_id"] for entry in entries]

    subsets = [set(chosen(count)) for count in range(1, 7)]
    assert all(len(subset) == i for i, subset in enumerate(subsets, 1))
    assert all(small < large for small, large in pairwise(subsets)) and subsets[-1] == set(names)
    assert len({frozenset(chosen(3, seed)) for seed in range(6)}) > 1
    with pytest.raises(ValueError, match=r"case_count is 7, but .*datalist.json has 6 good cases in the folds None"):
        chosen(7)


def test_good_pairs_are_read_once_until_they_change(tmp_path, monkeypatch):
    entry, known = write(tmp_path), tmp_path / ".checked.json"
    reads = []
    load = nib.load
    monkeypatch.setattr(nib, "load", lambda path: reads.append(path) or load(path))
    for _ in range(3):
        assert find_problems([entry], known=known) == []
    assert len(reads) == 2
    write(tmp_path, label=with_voxel(good_label(), 9))
    assert [p.kind for p in find_problems([entry], known=known)] == ["unknown label values"]


def test_what_an_interrupted_pass_has_read_is_kept(tmp_path, monkeypatch):
    entries = [write(tmp_path, name) for name in ("a", "b")]
    known = tmp_path / ".checked.json"

    def stop(entry, limits):
        if entry["case_id"] == "b":
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr("common.data.cases.check_case", stop)
    with pytest.raises(KeyboardInterrupt):
        find_problems(entries, known=known, workers=1)
    assert len(json.loads(known.read_text())) == 1


def test_masks_may_hold_the_labels_of_the_list(tmp_path):
    write(tmp_path, label=with_voxel(good_label(), 7))
    path = write_list(tmp_path, ["c0"])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": {"0": "", "1": "", "7": ""}}))
    assert len(resolve_cases(path)) == 1
