import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from common.data.datalist import read_datalist
from common.data.generated_set import read_generated_set, real_mask_ids
from common.data.mask_source import MaskSource
from common.data.provenance import write_provenance

SETTINGS = {"binary_mask": False, "label_names": {"0": "background", "1": "tumour", "2": "lymph node"}}


def write_mask(path, value=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[1] = value
    nib.save(nib.Nifti1Image(mask, np.diag([3, 3, 3, 1])), path)


def source(masks, ids=("a", "b"), settings=SETTINGS, **options):
    return MaskSource(masks, settings=settings, training={"case_ids": list(ids)}, **options)


def test_masks_of_a_folder_follow_each_other_by_name(tmp_path, caplog):
    for name in ("b.nii.gz", "a.nii", ".hidden.nii.gz"):
        write_mask(tmp_path / name)
    found = source(tmp_path)
    assert [case["case_id"] for case in found.cases] == ["a", "b"] and not found.listed
    assert found.cases[1]["label"] == str(tmp_path / "b.nii.gz")
    assert found.describe()["ids"] == ["a", "b"] and found.describe()["name"] == tmp_path.name
    assert not caplog.text


@pytest.mark.parametrize(
    ("binary", "names", "values"),
    [(False, {"0": "air", "1": "a", "5": "b"}, [0, 1, 5]), (False, {"0": "air", "1": "a"}, [0, 1]), (True, {}, None)],
)
def test_values_are_those_of_the_generators_labels_and_any_of_one_foreground(binary, names, values, tmp_path):
    write_mask(tmp_path / "a.nii.gz")
    (case,) = source(tmp_path, settings={"binary_mask": binary, "label_names": names}).cases
    assert case.get("label_values") == values


def test_another_voxel_or_name_is_another_source_and_another_place_is_not(tmp_path):
    for folder, name, value in (("one", "a", 1), ("two", "a", 1), ("three", "a", 2), ("four", "b", 1)):
        write_mask(tmp_path / folder / f"{name}.nii.gz", value)
    sums = [source(tmp_path / folder).describe()["sha256"] for folder in ("one", "two", "three", "four")]
    assert sums[0] == sums[1] and len(set(sums)) == 3


def test_of_a_data_list_the_cases_of_the_training_alone(phantom_dir, caplog):
    content = read_datalist(phantom_dir / "datalist.json")
    known = [case["case_id"] for case in content["training"]][:3]
    test_case = content["testing"][0]["case_id"]
    found = source(phantom_dir / "datalist.json", [*known, test_case])
    assert found.listed and [case["case_id"] for case in found.cases] == known
    assert all(case["label"].startswith(str(phantom_dir)) for case in found.cases)
    assert found.describe()["ids"] == known
    assert "masks of 3 training cases, and may come near" in caplog.text


def test_a_list_whose_masks_have_changed_is_another_source(phantom_dir, tmp_path):
    shutil.copytree(phantom_dir, tmp_path / "data")
    content = read_datalist(tmp_path / "data" / "datalist.json")
    case = content["training"][0]
    before = source(tmp_path / "data" / "datalist.json", [case["case_id"]]).describe()
    assert source(phantom_dir / "datalist.json", [case["case_id"]]).describe() == before
    write_mask(tmp_path / "data" / case["label"])
    assert source(tmp_path / "data" / "datalist.json", [case["case_id"]]).describe()["sha256"] != before["sha256"]


def test_copies_of_a_case_stand_for_it_and_a_list_may_lie_elsewhere(phantom_dir, tmp_path):
    content = json.loads((phantom_dir / "datalist.json").read_text())
    for number, case in enumerate(content["training"]):
        case["source_case"] = f"real_{number}"
    (tmp_path / "datalist.json").write_text(json.dumps(content))
    found = source(tmp_path / "datalist.json", ["real_1"], masks_dir=phantom_dir)
    assert [case["label"] for case in found.cases] == [str(phantom_dir / content["training"][1]["label"])]
    assert found.describe()["ids"] == ["real_1"]


def test_masks_of_a_generated_set_bring_the_cases_behind_it(generated_pairs):
    write_mask(generated_pairs / "labels" / "p9.nii.gz")  # laid there by somebody
    described = source(generated_pairs / "labels").describe()
    assert described["generator_case_ids"] == ["m1", "p1", "p2"]
    assert described["generated_ids"] == ["generated_00000"]  # no case that anybody has seen
    assert real_mask_ids(described, described["ids"]) == {"m1", "p1", "p2", "p9"}


@pytest.fixture
def generated_pairs(tmp_path):
    """A set of one pair of a generator that was trained on p1 and p2."""
    write_mask(tmp_path / "labels" / "generated_00000.nii.gz")
    (tmp_path / "images").mkdir()
    image = np.full((4, 4, 4), 40, np.int16)
    image[0] = -1000
    nib.save(nib.Nifti1Image(image, np.diag([3, 3, 3, 1])), tmp_path / "images" / "generated_00000.nii.gz")
    entry = {"case_id": "generated_00000", "image": "images/generated_00000.nii.gz"}
    entry |= {"label": "labels/generated_00000.nii.gz", "centre": "generated", "fold": 0}
    (tmp_path / "dataset.json").write_text(json.dumps({"training": [entry]}))
    keys = ("bundle", "checkpoint", "seed", "postprocessing")
    known = {
        "cases": [{"case_id": "generated_00000", "mask_from": "m1"}],
        "hu_window": [-1024, 600],
        "spacing": [3] * 3,
    }
    known |= {"training": {"case_ids": ["p1"]}, "drawing": {"masks": {"generator_case_ids": ["p2"]}}}
    write_provenance(tmp_path, {**dict.fromkeys(keys), **known})
    return tmp_path


def test_the_cases_behind_given_masks_count_as_seen(generated_pairs):
    found = read_generated_set(generated_pairs)
    assert found.training_ids == {"p1"} and found.mask_ids == {"m1", "p2"}
    assert found.seen_ids == {"p1", "p2", "m1"}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("none", FileNotFoundError, "there is no .*none: expected a folder of masks .*name another --masks"),
        ("none.json", FileNotFoundError, "there is no .*none.json: expected .* data list .*name another --masks"),
        ("empty", ValueError, "empty holds no NIfTI mask, expected files that end with .*name another --masks"),
        ("nested", ValueError, "nested holds volumes in subfolders, labels/a.nii.gz: .*subfolder with --masks"),
        ("file.nii.gz", FileNotFoundError, "file.nii.gz is not a folder: .*name another --masks"),
    ],
)
def test_a_wrong_path_is_named(name, error, message, tmp_path):
    (tmp_path / "empty").mkdir()
    write_mask(tmp_path / "nested" / "labels" / "a.nii.gz")
    write_mask(tmp_path / "file.nii.gz")
    with pytest.raises(error, match=message):
        source(tmp_path / name)


def test_a_data_list_of_other_data_is_refused(phantom_dir):
    with pytest.raises(ValueError, match="has none of the 2 cases that the generator was trained on, such as a: name"):
        source(phantom_dir / "datalist.json")
    with pytest.raises(ValueError, match=r"has none of the 0 cases .*, which its model file does not name"):
        source(phantom_dir / "datalist.json", [])


def test_test_cases_are_never_taken(phantom_dir, tmp_path):
    shutil.copy(phantom_dir / "datalist.json", tmp_path)
    tested = [case["case_id"] for case in read_datalist(phantom_dir / "datalist.json")["testing"]]
    with pytest.raises(ValueError, match=f"has none of the {len(tested)} cases"):
        source(tmp_path / "datalist.json", tested)
