"""Each kind of bad case, the message it gives, and what becomes of it."""

import json
import logging

import nibabel as nib
import numpy as np
import pytest

from common.data.cases import BadCasesError, find_problems, resolve_cases
from common.data.check import Limits, check_case
from common.data.repair import repair_slices

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])
SHAPE = (8, 8, 20)


def good_image():
    image = np.full(SHAPE, -1000, np.int16)
    image[2:6, 2:6] = 40
    return image


def good_label():
    label = np.zeros(SHAPE, np.uint8)
    label[3, 3, 4:9] = 1
    return label


def with_voxel(array, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array[0, 0, 0] = value
    return array


def shifted():
    affine = AFFINE.copy()
    affine[0, 3] = 5
    return affine


# kind: what image, label or label affine is replaced by; what the message holds
BAD = {
    "NaN or infinite": ({"image": with_voxel(good_image(), np.nan, np.float32)}, ["1 voxels", "finite HU"]),
    "not HU": ({"image": (good_image() + 1000).astype(np.int16)}, ["values 0 to 1040", "Hounsfield units", "slope"]),
    "too few slices": (
        {"image": good_image()[..., :9], "label": good_label()[..., :9]},
        ["9 slices", "at least 16", "leave the case out"],
    ),
    "shapes differ": ({"label": good_label()[..., :-1]}, ["mask (8, 8, 19)", "image's (8, 8, 20)", "--repair"]),
    "affines differ": ({"affine": shifted()}, ["differ by up to 5", "resample the mask"]),
    "empty mask": ({"label": np.zeros(SHAPE, np.uint8)}, ["background only", "leave the case out"]),
    "unknown label values": ({"label": with_voxel(good_label(), 7)}, ["7", "only [0, 1, 2]", "--labels"]),
    "not a volume": ({"image": good_image()[..., None].repeat(2, 3)}, ["shape (8, 8, 20, 2)", "3 axes"]),
}


def write(folder, name="c0", image=None, label=None, affine=AFFINE):
    for key, array, matrix in (
        ("images", good_image() if image is None else image, AFFINE),
        ("labels", good_label() if label is None else label, affine),
    ):
        (folder / key).mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, matrix), folder / key / f"{name}.nii.gz")
    return {
        "case_id": name,
        "image": str(folder / "images" / f"{name}.nii.gz"),
        "label": str(folder / "labels" / f"{name}.nii.gz"),
    }


def write_list(folder, names):
    training = [
        {"case_id": n, "image": f"images/{n}.nii.gz", "label": f"labels/{n}.nii.gz", "centre": "A", "fold": 0}
        for n in names
    ]
    (folder / "datalist.json").write_text(json.dumps({"training": training, "testing": []}))
    return folder / "datalist.json"


def test_a_good_pair_has_no_problem(tmp_path):
    assert check_case(write(tmp_path)) == []


@pytest.mark.parametrize("kind", BAD)
def test_each_bad_case_is_found_and_explained(tmp_path, kind):
    change, words = BAD[kind]
    entry = write(tmp_path, **change)
    problems = check_case(entry)
    assert [problem.kind for problem in problems] == [kind]
    datalist = write_list(tmp_path, ["c0"])
    with pytest.raises(BadCasesError) as error:
        resolve_cases(datalist)
    for word in ["c0", kind, *words, "--on_bad_case skip", "c0.nii.gz"]:
        assert word in str(error.value), word


@pytest.mark.parametrize("suffix", ["nii.gz", "nii"])
def test_truncated_files_are_unreadable(tmp_path, suffix):
    entry = write(tmp_path, image=np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16))
    path = tmp_path / "images" / f"cut.{suffix}"
    nib.save(nib.load(entry["image"]), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    problems = check_case({**entry, "image": str(path)})
    assert [(p.kind, p.file) for p in problems] == [("unreadable file", str(path))]
    assert problems[0].remedy == "copy or download it again"


def test_missing_files_and_other_formats_are_named(tmp_path):
    entry = write(tmp_path)
    (tmp_path / "images" / "text.nii.gz").write_text("hello")
    missing = check_case({**entry, "label": str(tmp_path / "no.nii.gz")})
    other = check_case({**entry, "image": str(tmp_path / "images" / "text.nii.gz")})
    assert [p.kind for p in missing] == ["missing file"]
    assert [p.kind for p in other] == ["unreadable file"]


def test_slices_are_counted_along_the_patient_whatever_the_orientation(tmp_path):
    entry = write(tmp_path)
    for key in ("image", "label"):
        turned = nib.load(entry[key]).as_reoriented(np.array([[1, 1], [2, 1], [0, -1]]))  # axes S, R, P
        nib.save(turned, entry[key])
    assert check_case(entry) == []  # 8 voxels along the last axis, 20 along the patient
    assert [p.kind for p in check_case(entry, Limits(min_slices=21))] == ["too few slices"]


def test_skip_leaves_bad_cases_out_and_records_them(tmp_path, caplog):
    write(tmp_path, "good")
    write(tmp_path, "bad", label=np.zeros(SHAPE, np.uint8))
    datalist = write_list(tmp_path, ["good", "bad"])
    record = tmp_path / "out" / "left_out.json"
    with caplog.at_level(logging.WARNING):
        entries = resolve_cases(datalist, on_bad_case="skip", record=record)
    assert [entry["case_id"] for entry in entries] == ["good"]
    assert "left out 1 of 2 cases" in caplog.text and "empty mask" in caplog.text
    assert json.loads(record.read_text())[0]["case_id"] == "bad"


def test_nothing_left_is_an_error_even_with_skip(tmp_path):
    write(tmp_path, "bad", label=np.zeros(SHAPE, np.uint8))
    with pytest.raises(BadCasesError, match="1 of 1 cases cannot be used"):
        resolve_cases(write_list(tmp_path, ["bad"]), on_bad_case="skip")
    with pytest.raises(ValueError, match="on_bad_case is 'ignore', expected error or skip"):
        resolve_cases(write_list(tmp_path, ["bad"]), on_bad_case="ignore")


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


@pytest.mark.parametrize("longer", ["image", "label"])
def test_repair_cuts_the_slice_too_many_and_leaves_a_linked_file_alone(tmp_path, longer):
    short = {"label": good_label()[..., :-1]} if longer == "image" else {"image": good_image()[..., :-1]}
    entry = write(tmp_path, **short)
    link = tmp_path / "link.nii.gz"
    link.symlink_to(entry[longer])
    before = link.resolve().read_bytes()
    entry[longer] = str(link)
    assert repair_slices(entry)
    assert check_case(entry) == []
    np.testing.assert_array_equal(
        nib.load(link).get_fdata(), (good_image() if longer == "image" else good_label())[..., :-1]
    )
    assert not link.is_symlink()
    assert before == (tmp_path / f"{longer}s" / "c0.nii.gz").read_bytes()


def test_repair_does_nothing_where_more_is_wrong(tmp_path):
    assert not repair_slices(write(tmp_path, label=good_label()[..., :-2]))
    assert not repair_slices(write(tmp_path, label=good_label()[..., :-1], affine=shifted()))
    assert not repair_slices(write(tmp_path, label=good_label()[:-1, :, :-1]))


@pytest.mark.openkbp
def test_real_pairs_pass(openkbp_dir):
    entries = json.loads((openkbp_dir / "cases.json").read_text())[:20]
    entries = [{**e, "image": str(openkbp_dir / e["image"]), "label": str(openkbp_dir / e["label"])} for e in entries]
    assert find_problems(entries) == []
