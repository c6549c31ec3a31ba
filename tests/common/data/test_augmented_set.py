"""An enlarged data set on disk: geometry, list, provenance, going on, refusals."""

import json

import nibabel as nib
import numpy as np
import pytest
from monai.data import Dataset
from monai.transforms import Compose, Identityd, LoadImaged, Spacingd

from common.data.augmented_set import AugmentedSet
from common.data.cases import resolve_cases
from common.data.datalist import read_datalist, select_cases, source_case, write_datalist
from common.data.generated_set import read_generated_set, training_cases
from common.data.leakage import LeakageError, check_leakage
from common.data.training_record import training_record
from common.transforms import LesionDonors, PasteLesiond, Placement, random_affine

KEYS = ["image", "label"]
SPACING = (2.0, 2.0, 3.0)


@pytest.fixture
def source_dir(tmp_path):
    """Four cases of two folds and a test case, of 20×18×16 voxels, with a lesion near the middle."""
    rng, directory = np.random.default_rng(0), tmp_path / "source"
    entries = []
    for name in ("a", "b", "c", "d", "t"):
        image, label = np.full((20, 18, 16), -1000, np.int16), np.zeros((20, 18, 16), np.uint8)
        image[4:16, 4:14, 2:14] = rng.integers(-50, 80, (12, 10, 12))
        label[8:12, 7:11, 6:10] = 1
        entry = {"case_id": name, "centre": "A", "patient": f"P{name}"}
        for key, array in (("image", image), ("label", label)):
            entry[key] = f"{key}s/{name}.nii.gz"
            (directory / f"{key}s").mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array, np.diag([*SPACING, 1])), directory / entry[key])
        entries.append(entry)
    training = [{**entry, "fold": number // 2} for number, entry in enumerate(entries[:4])]
    write_datalist({"name": "four", "training": training, "testing": entries[4:]}, directory / "datalist.json")
    return directory


def augmented(source_dir, output_dir, *, folds=None, kinds=None, translation=(2, 2, 1), **options):
    move = random_affine(translation=translation, rotation=[0, 0, 20], scaling=[0.1] * 3, air=-1024)
    if kinds is None:
        kinds = {"original": [Identityd(KEYS)], "affine": [move] * 2, "resampled": [Spacingd(KEYS, [4.0, 4.0, 3.0])]}
    datalist = source_dir / "datalist.json"
    settings = {"bundle": {"name": "hagan_128", "version": "0"}, "seed": 1, "hu_range": (-1024, 3071)}
    settings |= {"settings": {"translation": list(translation)}, "mask_share": 0.25, "cropped": True}
    return AugmentedSet(
        select_cases(read_datalist(datalist), folds=folds, dataset_dir=source_dir),
        datalist=datalist,
        dataset_dir=source_dir,
        output_dir=output_dir,
        load=Compose([LoadImaged(KEYS, ensure_channel_first=True)]),
        kinds=kinds,
        **{**settings, **options},
    )


@pytest.fixture
def written(source_dir, tmp_path):
    directory = tmp_path / "set"
    augmented(source_dir, directory).write()
    return directory


def volume(directory, case_id, folder="images"):
    return nib.load(directory / folder / f"{case_id}.nii.gz")


def test_files_are_on_the_volumes_grid(written, source_dir):
    original, affine, coarse = (volume(written, f"a{name}") for name in ("", "__affine_0", "__resampled_0"))
    source = volume(source_dir, "a")
    assert original.get_data_dtype() == np.int16
    np.testing.assert_array_equal(original.dataobj, np.maximum(source.dataobj, -1024))
    for image in (original, affine):
        assert image.shape == source.shape
        np.testing.assert_allclose(image.affine, source.affine)
    assert coarse.header.get_zooms() == (4, 4, 3)
    for name in ("a", "a__affine_1", "a__resampled_0"):
        label = volume(written, name, "labels")
        assert label.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(label.affine, volume(written, name).affine)
        assert set(np.unique(label.dataobj)) == {0, 1}
    assert not np.array_equal(affine.dataobj, original.dataobj)
    assert not np.array_equal(affine.dataobj, volume(written, "a__affine_1").dataobj)


def test_the_list_keeps_a_case_and_its_copies_together_and_can_be_trained_on(written, source_dir):
    content = read_datalist(written / "datalist.json")
    assert content == read_datalist(written / "dataset.json")
    folds = {entry["case_id"]: entry["fold"] for entry in read_datalist(source_dir / "datalist.json")["training"]}
    assert content["testing"] == []
    assert content["cropped"] is True
    assert len(content["training"]) == 4 * 4
    for entry in content["training"]:
        assert entry["fold"] == folds[entry["source_case"]]
        assert (entry["centre"], entry["patient"]) == ("A", f"P{entry['source_case']}")
    found = resolve_cases(written / "datalist.json", folds=[1])
    assert {source_case(entry) for entry in found} == {"c", "d"}


def test_provenance_names_the_sources_so_that_the_guard_works(written):
    provenance = json.loads((written / "provenance.json").read_text())
    assert provenance["training"]["case_ids"] == ["a", "b", "c", "d"]
    kinds = {case["case_id"]: (case["source_case"], case["kind"]) for case in provenance["cases"]}
    assert kinds["b__affine_1"] == ("b", "affine")
    assert len({case["seed"] for case in provenance["cases"]}) == 16
    with pytest.raises(LeakageError, match="1 of the 2 held-out cases"):
        check_leakage(read_generated_set(written), held_out=["c", "t"])


def test_a_generator_trained_on_copies_is_recorded_under_the_sources(written, source_dir):
    cases = select_cases(read_datalist(written / "dataset.json"), folds=[0], dataset_dir=written)
    record = training_record(bundle={}, cases=cases, list_hash="", dataset=[{"spacing": [1, 1, 1]}], seed=0)
    assert record["case_ids"] == ["a", "b"]
    provenance = json.loads((written / "provenance.json").read_text())
    (written / "provenance.json").write_text(json.dumps({**provenance, "training": record}))
    generated = read_generated_set(written)
    of_sources = training_cases(generated, source_dir / "datalist.json", dataset_dir=source_dir)
    assert [case["case_id"] for case in of_sources] == ["a", "b"]
    of_copies = training_cases(generated, written / "dataset.json", dataset_dir=written)
    assert sorted(case["case_id"] for case in of_copies) == sorted(case["case_id"] for case in cases)


def test_a_set_of_copies_is_not_copied_again(written, tmp_path):
    with pytest.raises(ValueError, match="holds copies already, such as a__affine_0"):
        augmented(written, tmp_path / "again")


def test_going_on_makes_what_is_missing_the_same_and_nothing_else(written, source_dir):
    lost, kept = written / "images" / "b__affine_1.nii.gz", written / "images" / "c.nii.gz"
    content, stamp = np.asarray(nib.load(lost).dataobj), kept.stat().st_mtime_ns
    lost.unlink()
    augmented(source_dir, written).write()
    np.testing.assert_array_equal(nib.load(lost).dataobj, content)
    assert kept.stat().st_mtime_ns == stamp


def test_other_parameters_make_the_pairs_anew(written, source_dir):
    before = np.asarray(volume(written, "a__affine_0").dataobj)
    augmented(source_dir, written, translation=(4, 0, 0)).write()
    assert not np.array_equal(volume(written, "a__affine_0").dataobj, before)


def test_a_copy_does_not_depend_on_the_others(written, source_dir, tmp_path):
    move = augmented(source_dir, tmp_path / "x").kinds["affine"][0]
    augmented(source_dir, tmp_path / "alone", folds=[1], kinds={"affine": [move]}).write()
    for folder in ("images", "labels"):
        pair = [np.asarray(volume(where, "d__affine_0", folder).dataobj) for where in (written, tmp_path / "alone")]
        np.testing.assert_array_equal(*pair)


def test_a_mask_that_leaves_the_volume_is_drawn_again_and_not_for_ever(source_dir, tmp_path):
    augmented(source_dir, tmp_path / "far", translation=(14, 0, 0), mask_share=0.7).write()
    original = np.count_nonzero(volume(tmp_path / "far", "a", "labels").dataobj)
    for number in range(2):
        assert np.count_nonzero(volume(tmp_path / "far", f"a__affine_{number}", "labels").dataobj) >= 0.7 * original
    with pytest.raises(ValueError, match="a__affine_0: in 20 draws the mask kept less than 500%"):
        augmented(source_dir, tmp_path / "never", mask_share=5).write()


def test_test_cases_the_datas_own_folder_and_no_kind_are_refused(source_dir, tmp_path):
    with pytest.raises(ValueError, match="1 test cases would be copied into a training set, such as t"):
        augmented(source_dir, tmp_path / "set", folds="everything")
    with pytest.raises(ValueError, match="where the data are"):
        augmented(source_dir, source_dir / ".." / "source")
    with pytest.raises(ValueError, match="expected one of them True, or nothing would be written"):
        augmented(source_dir, tmp_path / "set", kinds={"affine": []})


def with_lesions(source_dir, output_dir, *, fit=0.9, donors_of=None, **options):
    """A set of two pasted copies of each case; a case's lesion may lie anywhere beside the host's own."""
    cases = select_cases(read_datalist(source_dir / "datalist.json"), dataset_dir=source_dir)
    given = [case for case in cases if donors_of is None or case["case_id"] in donors_of]
    items = Dataset(given, LoadImaged(KEYS, ensure_channel_first=True))
    donors = LesionDonors(given, items, placement=Placement(reach=20, fit=fit, existing="covered", tolerance=500))
    return augmented(source_dir, output_dir, kinds={"pasted": [PasteLesiond(donors, prob=1)] * 2}, **options)


def test_pasted_copies_name_their_donors_also_when_going_on(source_dir, tmp_path):
    directory = tmp_path / "pasted"
    with_lesions(source_dir, directory).write()
    before = json.loads((directory / "provenance.json").read_text())
    assert before["training"]["case_ids"] == ["a", "b", "c", "d"] and before["left_out"] == []
    assert {case["source_case"] for case in before["cases"]} == {"a", "b", "c", "d"}
    assert {case["lesion_from"] for case in before["cases"]} <= {"a", "b", "c", "d"}
    lost, kept = volume(directory, "a__pasted_0").get_filename(), directory / "images" / "b__pasted_1.nii.gz"
    content, stamp = np.asarray(volume(directory, "a__pasted_0").dataobj), kept.stat().st_mtime_ns
    (directory / "images" / "a__pasted_0.nii.gz").unlink()
    with (directory / "lesions.jsonl").open("a") as file:
        file.write('{"case_id": "b__pas')  # as a kill leaves it
    with_lesions(source_dir, directory).write()
    assert json.loads((directory / "provenance.json").read_text()) == before
    np.testing.assert_array_equal(nib.load(lost).dataobj, content)
    assert kept.stat().st_mtime_ns == stamp


def test_the_donors_lesion_is_in_the_copy(source_dir, tmp_path):
    with_lesions(source_dir, tmp_path / "pasted", donors_of=["c"]).write()
    provenance = json.loads((tmp_path / "pasted" / "provenance.json").read_text())
    assert {case["lesion_from"] for case in provenance["cases"]} == {"c"}
    copy, host = volume(tmp_path / "pasted", "a__pasted_0", "labels"), volume(source_dir, "a", "labels")
    assert np.asarray(copy.dataobj).sum() > np.asarray(host.dataobj).sum()
    np.testing.assert_allclose(copy.affine, host.affine)


def test_copies_without_a_place_are_left_out_recorded_and_not_tried_again(source_dir, tmp_path, caplog):
    directory = tmp_path / "none"
    with_lesions(source_dir, directory, fit=1.1).write()
    provenance = json.loads((directory / "provenance.json").read_text())
    assert provenance["cases"] == [] and len(provenance["left_out"]) == 8
    assert "8 of 8 copies found no place for a lesion" in caplog.text
    again = with_lesions(source_dir, directory, fit=1.1)
    again.load = None  # would be needed to try
    again.write()
