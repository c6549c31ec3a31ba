"""Entries of a list that contradict each other."""

import pytest

from common.data.datalist import read_datalist, select_cases
from common.data.list_rules import require_consistent
from tests.common.data.test_datalist import entry, read_list


def other(case_id, **change):
    return entry(case_id=case_id, image=f"images/{case_id}.nii.gz", label=f"labels/{case_id}.nii.gz", **change)


@pytest.mark.parametrize(
    ("training", "testing", "message"),
    [
        ([entry(fold=0), other("b")], [], "1 of 2 training entries have no fold, such as b, expected one in each"),
        ([entry()], [other("b", patient=" a ")], r"patients \['a'\] are in several folds or in training and testing"),
        ([entry(case_id=7)], [other("7.0") | {"case_id": 7.0}], r"case ids \['7'\] stand twice"),
        (
            [entry()],
            [other("b") | {"image": "images/../images/a.nii.gz"}],
            "the cases a and b have one image, .*a file each",
        ),
        ([entry(), other("b") | {"label": "labels/a.nii.gz"}], [], "the cases a and b have one label"),
        ([other("b", source_case="a", patient="b")], [entry()], "training has b, a copy of a, which is in testing"),
    ],
)
def test_entries_that_contradict_each_other_are_named(training, testing, message, tmp_path):
    with pytest.raises(ValueError, match=rf"list\.json: .*{message}"):
        read_list(tmp_path, *training, testing=testing)


def test_two_readers_of_one_image_are_two_cases_of_one_patient(tmp_path):
    both = [entry(patient="p", fold=0), other("b", patient="p", fold=0) | {"image": "images/a.nii.gz"}]
    assert len(read_list(tmp_path, *both)["training"]) == 2


def test_a_list_without_folds_has_none_to_ask_for(tmp_path):
    listed = read_list(tmp_path, entry(), other("b"))
    assert len(select_cases(listed, dataset_dir=tmp_path)) == 2
    with pytest.raises(
        ValueError, match=r"folds \[0\] are not in the data list, which has the folds \[\]: .*--folds N"
    ):
        select_cases(listed, folds=0, dataset_dir=tmp_path)


@pytest.mark.parametrize(("content", "found"), [(b"\xff\xfe{", "is not a text in UTF-8"), (b"text", "is no JSON")])
def test_a_file_of_another_kind_is_named_with_what_to_do(content, found, tmp_path):
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"list\.json {found}.*make it again with `python -m common.data prepare`"):
        read_datalist(path)


@pytest.mark.parametrize("behind", ["a", None, [None]])
def test_ids_behind_generated_entries_are_a_list(behind, tmp_path):
    with pytest.raises(ValueError, match=r"list\.json has (among )?generator_case_ids .*, expected"):
        read_list(tmp_path, entry(generated=True), generator_case_ids=behind)


def test_one_pair_under_two_ids_is_refused():
    """Of one patient, which may have an image with two masks, but not one pair twice."""
    pair = {"image": "a.nii.gz", "label": "b.nii.gz", "patient": "p"}
    listed = {"training": [{"case_id": name, "fold": 0, **pair} for name in ("x", "y")], "testing": []}
    with pytest.raises(ValueError, match=r"the cases x and y are one, with a.nii.gz, b.nii.gz, expected .*: take one"):
        require_consistent(listed, source="list.json")
    listed["training"][1]["label"] = "c.nii.gz"
    require_consistent(listed, source="list.json")
