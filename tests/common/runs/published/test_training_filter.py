"""When a published set is searched for copies, and by which control."""

from pathlib import Path

import pytest

from common.files import write_json
from common.runs.published.source import read_sources
from common.runs.published.training_filter import ListedCases, training_filter


@pytest.fixture
def sources(model_file):
    """One checkpoint that was trained on p1 and p2, whose cases are cropped to a body box."""
    preprocessing = {"spacing": [6.0, 6.0, 6.0], "crop": "body", "resize_pair": False}
    return read_sources([model_file(preprocessing=preprocessing)], num_samples=1, seed=0)


@pytest.fixture
def datalist(tmp_path):
    """Function (*case_ids) -> a data list of these, without files."""

    def write(*case_ids):
        rest = {"centre": "a", "fold": 0}
        entries = [{"case_id": i, "image": f"{i}.nii.gz", "label": f"{i}_mask.nii.gz", **rest} for i in case_ids]
        path = tmp_path / f"{'_'.join(case_ids)}.json"
        write_json({"labels": {"0": "background", "1": "a"}, "training": entries, "testing": []}, path)
        return path

    return write


def build(sources, tmp_path, **lists):
    return training_filter(sources, folder=tmp_path / "real", quantile=0.01, **lists)


def test_paths_are_relative_to_the_list_unless_a_folder_is_named():
    assert ListedCases("a/list.json").root == Path("a")
    assert ListedCases("a/list.json", "b").root == Path("b")


def test_without_the_training_data_nothing_is_compared(sources, tmp_path):
    assert build(sources, tmp_path, training=None, reference=None) is None


def test_the_control_has_no_case_that_was_trained_on(sources, datalist, tmp_path):
    lists = {"training": ListedCases(datalist("p1", "p2", "p3")), "reference": ListedCases(datalist("p2", "p9"))}
    found = build(sources, tmp_path, **lists)
    assert [entry["case_id"] for entry in found.training] == ["p1", "p2"]
    assert [entry["case_id"] for entry in found.held_out] == ["p9"]
    assert Path(found.held_out[0]["image"]) == tmp_path / "p9.nii.gz"


# lists of training and reference: words of the refusal
REFUSED = {
    "no reference": (["p1", "p2"], None, "nothing is held out: set --reference_dir"),
    "reference that was trained on": (["p1", "p2"], ["p1"], "trained on all 1 cases of .*--reference_folds"),
    "training list of others": (["p1", "p3"], ["p9"], "lacks 1, such as p2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_lists_that_allow_no_comparison_are_refused(sources, datalist, tmp_path, case):
    training, reference, words = REFUSED[case]
    lists = {"training": ListedCases(datalist(*training))}
    lists["reference"] = ListedCases(datalist(*reference)) if reference else None
    with pytest.raises(ValueError, match=words):
        build(sources, tmp_path, **lists)
