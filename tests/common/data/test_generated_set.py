"""Reading a generated set, and finding what its generator was trained on."""

import json

import nibabel as nib
import numpy as np
import pytest

from common.data.generated_set import read_generated_set, training_cases, why_no_training_cases

ENTRY = {"case_id": "g0", "image": "images/g0.nii.gz", "label": "labels/g0.nii.gz", "centre": "generated", "fold": 0}
PROVENANCE = {
    "bundle": {},
    "checkpoint": {},
    "seed": 0,
    "cases": [],
    "training": {"case_ids": ["a", "b"]},
    "hu_window": [-1000, 400],
    "spacing": [1, 1, 1],
    "postprocessing": {},
}


@pytest.fixture
def generated_dir(tmp_path):
    """Set of one binary pair of 8×6×4 voxels with provenance."""
    folder = tmp_path / "set"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
        nib.save(nib.Nifti1Image(np.zeros((8, 6, 4), np.int16), np.diag([1.5, 1.5, 3, 1])), folder / name / "g0.nii.gz")
    _write(folder / "dataset.json", {"training": [ENTRY], "testing": [], "labels": {"0": "background", "1": "lesion"}})
    _write(folder / "provenance.json", PROVENANCE)
    return folder


@pytest.fixture
def real_list(tmp_path):
    """List with a and b in training and c in testing."""
    entries = {i: {"case_id": i, "image": f"{i}.nii", "label": f"{i}_l.nii", "centre": "x"} for i in "abc"}
    path = tmp_path / "datalist.json"
    _write(path, {"training": [{**entries[i], "fold": 0} for i in "ab"], "testing": [entries["c"]]})
    return path


def _write(path, content):
    path.write_text(json.dumps(content))


def test_paths_are_absolute_and_the_form_is_the_files(generated_dir):
    generated = read_generated_set(generated_dir)
    assert generated.cases[0]["image"] == str(generated_dir / "images/g0.nii.gz")
    assert (generated.image_size, generated.spacing) == ([8, 6, 4], [1.5, 1.5, 3])
    assert (generated.hu_window, generated.binary_mask) == ([-1000, 400], True)
    assert generated.training_ids == {"a", "b"}
    assert generated.has_labels


def test_a_set_of_images_alone_has_no_labels(generated_dir):
    image_only = {key: value for key, value in ENTRY.items() if key != "label"}
    _write(generated_dir / "dataset.json", {"training": [image_only]})
    generated = read_generated_set(generated_dir)
    assert not generated.has_labels
    assert generated.cases[0]["image"].endswith("images/g0.nii.gz")


def test_without_provenance_nothing_is_known_of_the_training(generated_dir, real_list):
    (generated_dir / "provenance.json").unlink()
    generated = read_generated_set(generated_dir)
    assert generated.hu_window == [-1024, 600]
    assert generated.training_ids is None
    assert training_cases(generated, real_list, dataset_dir=real_list.parent) is None
    declared = training_cases(generated, real_list, dataset_dir=real_list.parent, declared=True)
    assert [case["case_id"] for case in declared] == ["a", "b"]


def test_training_cases_are_those_that_the_provenance_names(generated_dir, real_list):
    cases = training_cases(read_generated_set(generated_dir), real_list, dataset_dir=real_list.parent)
    assert [case["case_id"] for case in cases] == ["a", "b"]
    assert cases[0]["image"] == str(real_list.parent / "a.nii")


def test_a_list_that_lacks_training_cases_is_refused(generated_dir, real_list):
    training = {"training": {"case_ids": ["a", "z1", "z2"]}}
    _write(generated_dir / "provenance.json", PROVENANCE | training)
    with pytest.raises(ValueError, match=r"lacks 2, such as z1.*--train_datalist"):
        training_cases(read_generated_set(generated_dir), real_list, dataset_dir=real_list.parent)


def test_a_set_of_other_data_has_no_training_cases_and_says_why(generated_dir, real_list):
    training = {"training": {"case_ids": ["z1", "z2"]}}
    _write(generated_dir / "provenance.json", PROVENANCE | training)
    generated = read_generated_set(generated_dir)
    assert training_cases(generated, real_list, dataset_dir=real_list.parent) is None
    why = why_no_training_cases(generated, real_list)
    assert f"none of the 2 cases that the generator was trained on, such as z1, is in {real_list}" in why
    with pytest.raises(ValueError, match=r"lacks 2, such as z1"):  # who names the list must name the right one
        training_cases(generated, real_list, dataset_dir=real_list.parent, declared=True)
    _write(
        generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": ["z1"], "generator_case_ids": ["c"]}}
    )
    with pytest.raises(ValueError, match=r"lacks 1, such as z1"):  # the list's own case c is behind the set
        training_cases(read_generated_set(generated_dir), real_list, dataset_dir=real_list.parent)


def test_why_nothing_is_known_of_a_training(generated_dir, real_list):
    _write(generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": []}})
    assert "names no training case" in why_no_training_cases(read_generated_set(generated_dir), real_list)
    (generated_dir / "provenance.json").unlink()
    assert "has no provenance" in why_no_training_cases(read_generated_set(generated_dir), real_list)


def test_missing_list_and_files_are_named(tmp_path, generated_dir):
    with pytest.raises(FileNotFoundError, match=r"expected .*dataset\.json.*run inferring.*--generated_dir"):
        read_generated_set(tmp_path)
    (generated_dir / "labels/g0.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 files that are missing, such as .*labels/g0.*copy the whole set"):
        read_generated_set(generated_dir)


def test_an_empty_set_is_refused(generated_dir):
    _write(generated_dir / "dataset.json", {"training": []})
    with pytest.raises(ValueError, match="lists no case under 'training'"):
        read_generated_set(generated_dir)
