import nibabel as nib
import numpy as np
import pytest

from common.data.cases_beside import cases_as_listed, cases_beside
from common.data.datalist import label_names, select_cases
from common.data.generated_set import GeneratedSet
from common.data.label_map import ordered_values, read_classes, to_classes, to_values, values_note
from common.data.preprocessing import ASSUMED


@pytest.mark.parametrize(
    ("values", "mask", "classes"),
    [([0, 255], [0, 255, 255], [0, 1, 1]), ([0, 1, 5], [5, 0, 1], [2, 0, 1]), ([0, 300, 2000], [2000, 0], [2, 0])],
)
def test_class_k_is_the_kth_value(values, mask, classes):
    assert to_classes(np.array(mask), values).tolist() == classes
    back = to_values(np.array(classes, np.uint8), values)
    assert back.tolist() == mask
    assert back.dtype == (np.uint8 if max(values) < 256 else np.uint16)


def test_classes_stay_the_array_that_they_are():
    mask = np.array([0, 1, 2, 9], np.uint8)  # 9 is found by the check, as ever
    assert to_classes(mask, [0, 1, 2]) is mask
    assert to_classes(mask, None) is mask
    assert to_values(mask, [0, 1, 2]) is mask
    assert to_values(mask, []) is mask
    assert values_note({"0": "", "1": "", "2": ""}) == values_note(None) == {}


@pytest.mark.parametrize("found", [1, -1, 300])
def test_another_value_is_named(found):
    with pytest.raises(
        ValueError, match=rf"a.nii holds the values \[{found}\], expected only \[0, 5, 255\]: name them"
    ):
        to_classes(np.array([0, 255, found]), [0, 5, 255], path="a.nii")


def test_values_are_ordered_as_numbers():
    assert ordered_values({"10": "", "0": "", "9": ""}) == [0, 9, 10]
    assert ordered_values({"1": "", "2": ""}) == [0, 1, 2]  # models of lists that do not name the background
    assert ordered_values({}) == []
    assert values_note({"10": "", "0": "", "9": ""}) == {"label_values": [0, 9, 10]}


def test_a_joined_foreground_has_the_first_value():
    assert label_names({"255": "lesion", "0": "air"}, binary=True) == {"0": "air", "255": "lesion"}
    assert label_names({"0": "air", "7": "a", "5": "b"}, binary=True) == {"0": "air", "5": "b or a"}


def entry(values):
    return {"case_id": "a", "image": "a.nii.gz", "label": "m.nii.gz", "centre": "A", **values}


def test_entries_of_other_values_carry_them(tmp_path):
    datalist = {"labels": {"0": "air", "5": "a"}, "training": [entry({})]}
    assert select_cases(datalist, dataset_dir=tmp_path)[0]["label_values"] == [0, 5]
    datalist["labels"] = {"0": "air", "1": "a"}
    assert "label_values" not in select_cases(datalist, dataset_dir=tmp_path)[0]
    nib.save(nib.Nifti1Image(np.array([[[0, 5]]], np.uint8), np.eye(4)), tmp_path / "m.nii.gz")
    assert read_classes({"label": tmp_path / "m.nii.gz", "label_values": [0, 5]}).tolist() == [[[0, 1]]]


@pytest.mark.parametrize(("binary", "read"), [(False, [0, 1, 5, 7]), (True, [0, 5])])
def test_a_set_is_read_by_the_values_of_the_real_list(binary, read, tmp_path):
    case = entry({"label_values": [0, 5]})
    made = GeneratedSet(tmp_path, [case], [4, 4, 4], [1.0] * 3, [-1024, 600], binary, None)
    labels = {"0": "air", "1": "a", "5": "b", "7": "c"}
    assert cases_as_listed(made, labels)[0]["label_values"] == read
    if not binary:
        assert cases_as_listed(made, {"0": "", "1": "", "2": ""}) == [entry({})]


def test_a_label_that_has_another_value_in_the_real_list_is_refused(tmp_path):
    names = {"0": "air", "1": "Node", "2": "tumour"}
    made = GeneratedSet(tmp_path, [entry({})], [4, 4, 4], [1.0] * 3, [-1024, 600], False, None, label_names=names)
    with pytest.raises(ValueError, match=r"has 'Node' as 1, and the real data list as 2, expected the same values"):
        cases_as_listed(made, {"0": "air", "1": "tumour", "2": "node"})
    assert cases_as_listed(made, {"0": "background", "1": "lymph node", "2": "gross tumour"})  # other words


def test_one_foreground_is_not_compared_with_labels_that_are_apart(tmp_path):
    made = GeneratedSet(tmp_path, [entry({})], [4, 4, 4], [1.0] * 3, [-1024, 600], True, None)
    listed = {"labels": {"0": "air", "1": "a", "2": "b"}, "training": [], "testing": []}
    with pytest.raises(ValueError, match=r"binary_mask is False, but the masks of .* have one foreground.*leave --bin"):
        cases_beside(made, listed, joined=False)
    assert cases_beside(made, listed) == cases_beside(made, {**listed, "labels": {"0": "air", "1": "a"}}, joined=False)


def test_real_cases_come_onto_the_grid_of_a_set_whose_generator_resized_pairs(tmp_path):
    """Its training joins image and mask first, and only then brings both onto the grid; nobody else does."""
    recorded = {**ASSUMED, "resize_pair": True}
    made = GeneratedSet(tmp_path, [entry({})], [4, 4, 4], [1.0] * 3, [-1024, 600], True, None, recorded=recorded)
    assert made.preprocessing == ASSUMED
