"""Reading a generated set, and finding what its generator was trained on."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from common.data.cases import BadCasesError
from common.data.cases_beside import cases_beside
from common.data.datalist import read_datalist
from common.data.generated_set import LeakageError, read_generated_set, training_cases, why_no_training_cases

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


SHAPE = (8, 6, 8)
AFFINE = np.diag([1.5, 1.5, 3, 1])


def drawn(number):
    """Image (int16, HU) of air and tissue that differs by `number`, and a mask of one voxel."""
    image = np.full(SHAPE, -1000, np.int16)
    image[2:6, 1:5] = 40 + number
    label = np.zeros(SHAPE, np.uint8)
    label[3, 3, 3] = 1
    return image, label


@pytest.fixture
def three(generated_dir):
    """Function (image, label, affine) -> folder of a set of three pairs, the last of them changed so."""

    def make(image=None, label=None, affine=AFFINE):
        entries = [
            {**ENTRY, "case_id": f"g{n}", "image": f"images/g{n}.nii.gz", "label": f"labels/g{n}.nii.gz"}
            for n in range(3)
        ]
        for number in range(3):
            pair = list(drawn(number))
            if number == 2:
                pair = [old if new is None else new for old, new in zip(pair, (image, label), strict=True)]
            for folder, volume, place in zip(("images", "labels"), pair, (AFFINE, affine), strict=True):
                place = place if number == 2 else AFFINE
                nib.save(nib.Nifti1Image(volume, place), generated_dir / folder / f"g{number}.nii.gz")
        _write(generated_dir / "dataset.json", {"training": entries, "labels": {"0": "background", "1": "lesion"}})
        return generated_dir

    return make


def moved(millimetres):
    affine = AFFINE.copy()
    affine[0, 3] = millimetres
    return affine


# what is wrong with the last of three pairs: change, words of the message
BAD = {
    "NaN": ({"image": np.full(SHAPE, np.nan, np.float32)}, ["NaN or infinite", "384 voxels"]),
    "a network's values": ({"image": (drawn(0)[0] / 1000).astype(np.float32)}, ["outside the window", "-1 to 0.04"]),
    "a picture's values": ({"image": np.arange(384, dtype=np.int16).reshape(SHAPE) % 256}, ["outside the window"]),
    "another shape": ({"label": drawn(0)[1][..., :-1]}, ["shapes differ", "mask (8, 6, 7)"]),
    "another place": ({"affine": moved(50)}, ["affines differ", "by up to 50"]),
    "four axes": ({"image": np.stack([drawn(0)[0]] * 2, -1)}, ["not a volume", "(8, 6, 8, 2)"]),
    "other labels": ({"label": drawn(0)[1] * 7}, ["unknown label values", "7", "only [0, 1]"]),
    "shares": ({"label": drawn(0)[1] * np.float32(0.5)}, ["not whole numbers"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_pair_is_told_by_every_reader_or_left_out(three, kind, tmp_path):
    change, words = BAD[kind]
    folder = three(**change)
    with pytest.raises(BadCasesError) as error:
        read_generated_set(folder)
    for word in ["1 of 3 cases", "g2", *words, "--on_bad_case skip"]:
        assert word in str(error.value), word
    record = tmp_path / "left_out_generated.json"
    kept = read_generated_set(folder, on_bad_case="skip", record=record)
    assert [case["case_id"] for case in kept.cases] == ["g0", "g1"]
    assert {problem["case_id"] for problem in json.loads(record.read_text())} == {"g2"}
    assert len(read_generated_set(folder, check=False).cases) == 3


def test_empty_masks_and_collapsed_images_are_no_fault_of_a_set(three):
    flat = np.full(SHAPE, 400, np.int16)  # a generator that makes one value, however bad, is to be scored
    assert len(read_generated_set(three(image=flat, label=np.zeros(SHAPE, np.uint8))).cases) == 3


def test_images_alone_are_looked_at_too(three):
    folder = three(image=np.full(SHAPE, np.inf, np.float32))
    content = json.loads((folder / "dataset.json").read_text())
    for entry in content["training"]:
        del entry["label"]
    _write(folder / "dataset.json", content)
    with pytest.raises(BadCasesError, match="NaN or infinite"):
        read_generated_set(folder)


def test_a_mask_for_some_pairs_alone_is_refused(three):
    folder = three()
    content = json.loads((folder / "dataset.json").read_text())
    del content["training"][1]["label"]
    _write(folder / "dataset.json", content)
    with pytest.raises(ValueError, match=r"entry g1 lacks \['label'\]"):
        read_generated_set(folder)


@pytest.mark.parametrize("centre", [["A"], True])
def test_entries_of_images_alone_are_read_as_strictly(generated_dir, centre):
    entry = {key: value for key, value in ENTRY.items() if key != "label"} | {"centre": centre}
    _write(generated_dir / "dataset.json", {"training": [entry]})
    with pytest.raises(ValueError, match=r"has centre .*expected text or a number"):
        read_generated_set(generated_dir)


def test_real_cases_are_no_generated_ones(generated_dir, real_list):
    listed = read_datalist(real_list)
    generated = read_generated_set(generated_dir)
    assert cases_beside(generated, listed) == generated.cases
    for case_id, of in (("c", "the real data list"), ("z", "its generator's training")):
        _write(generated_dir / "dataset.json", {"training": [ENTRY | {"case_id": case_id}]})
        _write(generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": ["a", "z"]}})
        with pytest.raises(LeakageError, match=f"holds 1 cases of {of}, such as {case_id}: name the output_dir of"):
            cases_beside(read_generated_set(generated_dir), listed)


def test_cases_that_the_generator_has_not_made_are_refused(three):
    folder = three()
    _write(folder / "provenance.json", PROVENANCE | {"cases": [{"case_id": "g0"}, {"case_id": "g1"}]})
    with pytest.raises(ValueError, match=r"names 1 cases that .*provenance.json does not, such as g2: take them out"):
        read_generated_set(folder)


def test_a_good_set_is_read_once(three, monkeypatch):
    folder = three()
    read_generated_set(folder)
    monkeypatch.setattr("common.data.cases.check_case", lambda *_, **__: pytest.fail("read again"))
    assert len(read_generated_set(folder).cases) == 3


@pytest.mark.parametrize("content", ["text", "[1]", "null", "{"])
def test_a_list_that_is_something_else_is_named(generated_dir, content):
    (generated_dir / "dataset.json").write_text(content)
    with pytest.raises(ValueError, match=r"dataset.json (is no JSON|lists no case).*`run inferring`"):
        read_generated_set(generated_dir)


def test_a_volume_on_another_grid_is_a_bad_case(generated_dir):
    """As after a copy of files between sets: its values would count as if they were on the set's grid."""
    entries = [
        {**ENTRY, "case_id": f"g{n}", **{key: f"{key}s/g{n}.nii.gz" for key in ("image", "label")}} for n in range(3)
    ]
    for n, spacing in ((1, 1.5), (2, 2.0)):
        for name in ("images", "labels"):
            image = nib.Nifti1Image(np.zeros((8, 6, 4), np.int16), np.diag([spacing, 1.5, 3, 1]))
            nib.save(image, generated_dir / name / f"g{n}.nii.gz")
    _write(
        generated_dir / "dataset.json",
        {"training": entries, "testing": [], "labels": {"0": "background", "1": "lesion"}},
    )
    assert len(read_generated_set(generated_dir).cases) == 3  # copies of real cases, which no network made
    checkpoint = {"name": "model.pt", "sha256": "0" * 64, "step": 1}
    _write(generated_dir / "provenance.json", PROVENANCE | {"checkpoint": checkpoint})
    with pytest.raises(BadCasesError, match=r"g2 +other grid +\(8, 6, 4\) voxels of \(2.0, 1.5, 3.0\) mm"):
        read_generated_set(generated_dir)
    assert [case["case_id"] for case in read_generated_set(generated_dir, on_bad_case="skip").cases] == ["g0", "g1"]
    (generated_dir / "provenance.json").unlink()  # of other tools: nothing says that there is one grid
    assert len(read_generated_set(generated_dir, hu_window=(-1000, 400)).cases) == 3


def test_an_image_under_two_names_is_a_bad_case_of_a_networks_set(three, caplog):
    folder = three()
    shutil.copy(folder / "images" / "g0.nii.gz", folder / "images" / "g2.nii.gz")
    assert len(read_generated_set(folder).cases) == 3  # copies of real cases may be alike
    cases = [{"case_id": f"g{n}", "seed": n} for n in range(3)]
    drawn_by = {"checkpoint": {"name": "model.pt", "sha256": "0" * 64, "step": 1}, "cases": cases}
    _write(folder / "provenance.json", PROVENANCE | drawn_by)
    shutil.copy(folder / "images" / "g1.nii.gz", folder / "images" / "g2.nii.gz")
    assert len(read_generated_set(folder).cases) == 3  # two of three are one: the network has collapsed
    assert "2 of 3 images are one" in caplog.text
