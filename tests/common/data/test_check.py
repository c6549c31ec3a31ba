"""Each kind of bad case, the message it gives, and what becomes of it."""

import json

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
    "not HU": (
        {"image": (good_image() + 1000).astype(np.int16)},
        ["values 0 to 1040, 0.0% air, 0.0% fat, 75.0% soft tissue", "Hounsfield units", "slope"],
    ),
    "too few slices": (
        {"image": good_image()[..., :9], "label": good_label()[..., :9]},
        ["9 slices", "at least 16", "leave the case out"],
    ),
    "shapes differ": ({"label": good_label()[..., :-1]}, ["mask (8, 8, 19)", "image's (8, 8, 20)", "--repair"]),
    "affines differ": ({"affine": shifted()}, ["differ by up to 5", "resample the mask"]),
    "empty mask": ({"label": np.zeros(SHAPE, np.uint8)}, ["background only", "leave the case out"]),
    "unknown label values": ({"label": with_voxel(good_label(), 7)}, ["7", "only [0, 1, 2]", "--labels"]),
    "too few voxels": (
        {"image": good_image()[3:6], "label": good_label()[3:6]},
        ["shape (3, 8, 20)", "at least 4 voxels along each axis", "leave the case out"],
    ),
    "not a volume": ({"image": good_image()[..., None].repeat(2, 3)}, ["shape (8, 8, 20, 2)", "3 axes"]),
}
RGB = [("R", "u1"), ("G", "u1"), ("B", "u1")]
RAW = good_image() + 1024
# what an image looks like that is no HU though its values reach low or high
NOT_HU = {
    "shares of 1": (good_image() + 1000) / 1040.0,
    "shifted twice": good_image() - 1000,
    "raw, padded with -2000": with_voxel(RAW, -2000),
    "constant": np.full(SHAPE, -1000.0),
    "8 bits around 0": np.linspace(-128, 127, np.prod(SHAPE)).reshape(SHAPE).round(),
    "no scanner's": with_voxel(good_image(), 1e6, np.float32),
}
# as the thesis found them (tables 3.3 to 3.6): padding far below air, metal far above bone
HU = {
    "padding": with_voxel(good_image(), -16989),
    "metal": with_voxel(good_image(), 31743),
    "a box in a thigh": np.linspace(-120, 400, np.prod(SHAPE)).reshape(SHAPE).round(),
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


@pytest.mark.parametrize("end", [b"", b"\0\0\0\0"], ids=["without checksum", "wrong checksum"])
def test_damage_that_only_the_checksum_tells_is_found(tmp_path, end):
    entry = write(tmp_path)
    path = tmp_path / "images" / "c0.nii.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-8] + end + (content[-4:] if end else b""))
    assert [problem.kind for problem in check_case(entry)] == ["unreadable file"]


def test_no_damaged_header_stops_the_pass(tmp_path):
    entry = write(tmp_path)
    path = tmp_path / "images" / "c0.nii"
    content = nib.load(entry["image"]).to_bytes()
    rng = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(content)
        damaged[rng.integers(0, 352)] = rng.integers(0, 256)
        path.write_bytes(damaged)
        assert isinstance(check_case({**entry, "image": str(path)}), list)


@pytest.mark.parametrize("name", NOT_HU)
def test_values_that_are_no_hu_are_told(tmp_path, name):
    assert [problem.kind for problem in check_case(write(tmp_path, image=NOT_HU[name]))] == ["not HU"]


@pytest.mark.parametrize("name", HU)
def test_the_extremes_of_real_scans_are_hu(tmp_path, name):
    assert check_case(write(tmp_path, image=HU[name])) == []


def test_colours_and_flat_affines_are_no_volumes(tmp_path):
    entry = write(tmp_path, image=np.zeros(SHAPE, RGB))
    assert "[('R', 'u1')" in check_case(entry)[0].found
    flat = nib.Nifti1Image(good_image(), None)
    flat.header.set_sform(np.diag([2.0, 2.0, 0.0, 1.0]), code=1)
    nib.save(flat, entry["image"])
    assert [problem.kind for problem in check_case(entry)] == ["unusable affine"]


@pytest.mark.parametrize("shift,kinds", [(0.15, []), (0.25, ["affines differ"])])
def test_affines_may_differ_by_less_than_a_tenth_of_a_voxel(tmp_path, shift, kinds):
    affine = AFFINE.copy()
    affine[0, 3] = shift  # voxels of 2 mm
    assert [problem.kind for problem in check_case(write(tmp_path, affine=affine))] == kinds


@pytest.mark.parametrize(
    ("factor", "found"),
    [
        (1000, "voxels of 2e+03 × 2e+03 × 3e+03 mm"),
        (0.001, "voxels of 0.002 × 0.002 × 0.003 mm"),
        (20, "40 × 40 × 60 mm"),
    ],
)
def test_voxels_of_another_unit_are_told_before_anything_is_resampled(tmp_path, factor, found):
    entry = write(tmp_path)
    for key in ("image", "label"):
        volume = nib.load(entry[key])
        nib.save(nib.Nifti1Image(volume.dataobj, np.diag([factor, factor, factor, 1]) @ AFFINE), entry[key])
    (problem,) = check_case(entry)
    assert problem.kind == "unlikely voxel size"
    assert found in problem.found and problem.expected == "edges of 0.05 to 50 mm, 5 to 3000 mm in all"


def test_a_header_that_says_nothing_of_its_voxels_is_told(tmp_path):
    entry = write(tmp_path)
    nib.save(nib.Nifti1Image(good_image(), None), entry["image"])
    (problem,) = check_case(entry)
    assert (problem.kind, problem.file) == ("unknown voxel size", entry["image"])
    nameless = nib.Nifti1Image(good_image(), None)
    nameless.header.set_zooms((2.0, 2.0, 3.0))
    nib.save(nameless, entry["image"])  # it has sizes, if no place: see `ambiguities`
    assert [problem.kind for problem in check_case(entry)] == ["affines differ"]


def test_suffixes_in_capitals_are_read_to_their_end(tmp_path):
    entry = write(tmp_path)
    path = tmp_path / "images" / "c0.NII.GZ"
    path.write_bytes((tmp_path / "images" / "c0.nii.gz").read_bytes())
    assert check_case({**entry, "image": str(path)}) == []
    path.write_bytes(path.read_bytes()[:-8])
    assert [problem.kind for problem in check_case({**entry, "image": str(path)})] == ["unreadable file"]


def test_an_image_alone_is_checked_without_a_mask(tmp_path):
    entry = write(tmp_path, image=with_voxel(good_image(), np.nan, np.float32))
    del entry["label"]
    assert [problem.kind for problem in check_case(entry)] == ["NaN or infinite"]


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


@pytest.mark.parametrize("longer", ["image", "label"])
def test_repair_cuts_the_slice_too_many_into_a_new_file(tmp_path, longer):
    short = {"label": good_label()[..., :-1]} if longer == "image" else {"image": good_image()[..., :-1]}
    entry = write(tmp_path, **short)
    before = {key: (tmp_path / f"{key}s" / "c0.nii.gz").read_bytes() for key in ("image", "label")}
    mended = repair_slices(entry, directory=tmp_path / "mended")
    assert check_case(mended) == []
    path = tmp_path / "mended" / f"{longer}s" / "c0.nii.gz"
    assert mended == {**entry, longer: str(path)}
    np.testing.assert_array_equal(
        nib.load(path).get_fdata(), (good_image() if longer == "image" else good_label())[..., :-1]
    )
    assert {key: (tmp_path / f"{key}s" / "c0.nii.gz").read_bytes() for key in before} == before


def test_repair_does_nothing_where_more_is_wrong(tmp_path):
    for change in (
        {"label": good_label()[..., :-2]},
        {"label": good_label()[..., :-1], "affine": shifted()},
        {"label": good_label()[:-1, :, :-1]},
    ):
        assert repair_slices(write(tmp_path, **change), directory=tmp_path / "mended") is None
    assert not (tmp_path / "mended").exists()


@pytest.mark.openkbp
def test_real_pairs_pass(openkbp_dir):
    entries = json.loads((openkbp_dir / "cases.json").read_text())[:20]
    entries = [{**e, "image": str(openkbp_dir / e["image"]), "label": str(openkbp_dir / e["label"])} for e in entries]
    assert find_problems(entries) == []
