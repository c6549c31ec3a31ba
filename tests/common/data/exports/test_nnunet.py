"""nnU-Net's folders hold the list's cases, its folds, and no pair in a fold whose cases its generator has seen."""

import json

import nibabel as nib
import numpy as np
import pytest

from common.data.cli import main, prepare
from common.data.exports.command import export
from common.data.generated_set import LeakageError
from tests.common.data.pair_files import FOLDS, PROVENANCE, TESTING, save_pair, write

DATASET = "nnUNet_raw/Dataset501_pairs"


def names(folder):
    return {path.name for path in folder.iterdir()}


def read(path):
    return json.loads(path.read_text())


def test_a_list_becomes_a_data_set_with_its_folds(datalist, tmp_path):
    export("nnunet", str(tmp_path / "out"), datalist=str(datalist))
    folder = tmp_path / "out" / DATASET
    trained = {name for fold in FOLDS.values() for name in fold}
    assert names(folder / "imagesTr") == {f"{name}_0000.nii.gz" for name in trained}
    assert names(folder / "labelsTr") == {f"{name}.nii.gz" for name in trained}
    assert names(folder / "imagesTs") == {f"{name}_0000.nii.gz" for name in TESTING}
    content = read(folder / "dataset.json")
    assert content["channel_names"] == {"0": "CT"} and content["numTraining"] == len(trained) == 9
    assert content["labels"] == {"background": 0, "tumour": 1, "lymph node": 2} and content["file_ending"] == ".nii.gz"
    splits = read(tmp_path / "out" / "nnUNet_preprocessed" / "Dataset501_pairs" / "splits_final.json")
    assert splits == read(folder / "splits_final.json")
    assert [split["val"] for split in splits] == [sorted(FOLDS[fold]) for fold in (0, 1, 2)]
    assert all(set(split["train"]) == trained - set(split["val"]) for split in splits)
    link = folder / "imagesTr" / "a0_0000.nii.gz"
    assert link.is_symlink() and link.resolve() == datalist.parent / "images" / "a0.nii.gz"
    export("nnunet", str(tmp_path / "copies"), datalist=str(datalist), mode="copy", number=7, name="hn")
    assert not (tmp_path / "copies" / "nnUNet_raw" / "Dataset007_hn" / "imagesTr" / link.name).is_symlink()


def test_what_comes_back_is_the_same_list(datalist, tmp_path):
    export("nnunet", str(tmp_path / "out"), datalist=str(datalist))
    prepare("pairs", str(tmp_path / "back"), input=str(tmp_path / "out" / DATASET))
    made = read(tmp_path / "back" / "datalist.json")
    assert {e["case_id"]: e["fold"] for e in made["training"]} == {n: fold for fold, ns in FOLDS.items() for n in ns}
    assert {entry["case_id"] for entry in made["testing"]} == set(TESTING)


def test_values_with_gaps_become_classes(datalist, tmp_path):
    content = read(datalist)
    write(datalist, content | {"labels": {"0": "background", "1": "tumour", "5": "node"}})
    label = np.zeros((8, 8, 16), np.uint8)
    label[5, 4, 8:10] = 1, 5
    save_pair(datalist.parent, "a0", label=label)
    export("nnunet", str(tmp_path / "out"), datalist=str(datalist))
    folder = tmp_path / "out" / DATASET
    assert np.asarray(nib.load(folder / "labelsTr" / "a0.nii.gz").dataobj)[5, 4, 8:10].tolist() == [1, 2]
    assert read(folder / "dataset.json")["labels"] == {"background": 0, "tumour": 1, "node": 2}
    assert read(folder / "dataset.json")["label_values"] == [0, 1, 5]


def test_volumes_of_another_orientation_are_turned_alike(datalist, tmp_path):
    """nnU-Net trains on volumes as they are stored, see findings/nnunet_orientation.sh."""
    before = {}
    for kind in ("images", "labels"):
        path = datalist.parent / kind / "a0.nii.gz"
        stored = nib.load(path)
        values = np.asarray(stored.dataobj)[::-1].copy()  # from left to right instead: the same patient
        affine = stored.affine @ np.diag([-1, 1, 1, 1])
        affine[:3, 3] = stored.affine[:3] @ [stored.shape[0] - 1, 0, 0, 1]
        before[kind] = np.asarray(stored.dataobj).copy(), stored.affine
        nib.save(nib.Nifti1Image(values, affine), path)
    export("nnunet", str(tmp_path / "out"), datalist=str(datalist))
    for kind, name in (("images", "imagesTr/a0_0000.nii.gz"), ("labels", "labelsTr/a0.nii.gz")):
        found = nib.load(tmp_path / "out" / DATASET / name)
        values, affine = before[kind]
        np.testing.assert_array_equal(np.asarray(found.dataobj), values)
        np.testing.assert_allclose(found.affine, affine, atol=1e-5)


def test_pairs_train_only_in_folds_that_their_generator_has_not_seen(datalist, generated_dir, tmp_path):
    export("nnunet", str(tmp_path / "out"), datalist=str(datalist), generated_dir=str(generated_dir))
    folder = tmp_path / "out" / DATASET
    pairs = {f"generated_{number}" for number in range(8)}
    content = read(folder / "dataset.json")
    assert content["numTraining"] == 17 and content["generated"] == sorted(pairs)
    splits = read(folder / "splits_final.json")
    assert [pairs & set(split["train"]) for split in splits] == [pairs, set(), set()]  # it has seen folds 1 and 2
    assert not [split for split in splits if pairs & set(split["val"])]
    assert read(folder / "provenance.json")["training"] == PROVENANCE["training"]


@pytest.mark.parametrize(
    "seen,message",
    [(["a0", "a2", "a4"], "has seen cases of all 3 folds"), (["a0", "t1"], r"1 of the 2 held-out cases")],
)
def test_a_generator_that_has_seen_too_much_is_refused(datalist, generated_dir, tmp_path, seen, message):
    write(generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": seen}})
    with pytest.raises(LeakageError, match=message):
        export("nnunet", str(tmp_path / "out"), datalist=str(datalist), generated_dir=str(generated_dir))
    assert not (tmp_path / "out").exists()


def test_a_generated_set_alone_has_no_splits(generated_dir, tmp_path):
    export("nnunet", str(tmp_path / "out"), generated_dir=str(generated_dir))
    folder = tmp_path / "out" / DATASET
    assert read(folder / "dataset.json")["numTraining"] == 8
    assert not list((tmp_path / "out").rglob("splits_final.json"))


@pytest.mark.parametrize(
    "words,message",
    [
        (["--to", "nnUnet"], "--to is 'nnUnet', expected one of nnunet, dicom"),
        (["--to", "nnunet"], "nothing to export: name a data list with --datalist"),
        (["--to", "nnunet", "--number", "1000"], "--number is 1000, expected a whole number from 1 to 999"),
        (["--to", "nnunet", "--name", "a-b"], "--name is 'a-b', expected letters, digits and _"),
        (["--to", "nnunet", "--datalist", "no.json"], "no data list at no.json"),
    ],
)
def test_wrong_options_end_in_one_line(tmp_path, words, message):
    with pytest.raises(SystemExit, match=message):
        main(["export", "--output", str(tmp_path / "out"), *words])
    assert not (tmp_path / "out").exists()


def test_bad_cases_and_odd_headers_and_other_cases_stop_before_anything_is_written(datalist, tmp_path):
    image = nib.load(datalist.parent / "images" / "a0.nii.gz")
    image.header.set_xyzt_units("micron")
    image.header.set_zooms((2000, 2000, 2000))
    image.set_sform(np.diag([2000.0, 2000, 2000, 1]), 1)
    nib.save(image, datalist.parent / "images" / "odd.nii.gz")
    (datalist.parent / "images" / "odd.nii.gz").replace(datalist.parent / "images" / "a0.nii.gz")
    with pytest.raises(ValueError, match=r"things are read otherwise .*images/a0\.nii\.gz: lengths are in micron"):
        export("nnunet", str(tmp_path / "out"), datalist=str(datalist))
    (datalist.parent / "images" / "a1.nii.gz").write_bytes(b"no")
    with pytest.raises(ValueError, match="1 of 11 cases cannot be used"):
        export("nnunet", str(tmp_path / "out"), datalist=str(datalist))
    assert not list((tmp_path / "out").rglob("*.nii.gz"))
    save_pair(datalist.parent, "a0")
    export("nnunet", str(tmp_path / "out"), datalist=str(datalist), on_bad_case="skip")
    assert [row["case_id"] for row in read(tmp_path / "out" / "left_out.json")] == ["a1"]
    (tmp_path / "out" / DATASET / "imagesTr" / "zz_0000.nii.gz").touch()
    with pytest.raises(ValueError, match="holds 1 other cases, such as zz: remove the folder"):
        export("nnunet", str(tmp_path / "out"), datalist=str(datalist), on_bad_case="skip")
