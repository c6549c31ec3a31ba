import nibabel as nib
import numpy as np
import pytest

from common.metrics.case_statistics import (
    ALL,
    HU_EDGES,
    centre_histograms,
    centre_rows,
    describe_case,
    describe_cases,
    most_frequent,
    thumbnail,
    unusual_cases,
)

LABELS = {"0": "background", "1": "tumour", "2": "lymph node"}
SHAPE = (8, 10, 12)


def write_nifti(array, path, affine, *, slope=1.0, intercept=0.0):
    """File whose header has slope and intercept; `array` holds the stored numbers."""
    volume = nib.Nifti1Image(array, affine)
    volume.header.set_slope_inter(slope, intercept)  # Nifti1Image.to_filename would choose its own
    with path.open("wb") as file:
        volume.header["vox_offset"] = 352
        volume.header.write_to(file)
        file.write(b"\0" * (352 - file.tell()))
        file.write(array.tobytes(order="F"))


@pytest.fixture
def write_pair(tmp_path):
    """Function (case_id, image, label, …) -> entry of a data list with absolute paths."""

    def write(case_id, image, label, *, centre="A", affine=None, **header):
        affine = np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine
        paths = {key: tmp_path / f"{case_id}_{key}.nii" for key in ("image", "label")}
        write_nifti(np.asarray(image), paths["image"], affine, **header)
        write_nifti(np.asarray(label, np.uint8), paths["label"], affine)
        return {"case_id": case_id, "centre": centre, **{key: str(path) for key, path in paths.items()}}

    return write


def known_image():
    """Air of -1000 (two thirds), tissue of 40, one voxel of -1024 and one of 2000."""
    image = np.full(SHAPE, -1000, np.int16)
    image[..., :4] = 40
    image[0, 0, 0], image[1, 0, 0] = -1024, 2000
    return image


def known_label():
    """Label 1 in two boxes of 8 and 4 voxels that touch by an edge only, label 2 not at all."""
    label = np.zeros(SHAPE, np.uint8)
    label[0:2, 0:2, 0:2] = 1
    label[2:4, 2:4, 0] = 1
    return label


def test_known_numbers(write_pair):
    case = describe_case(write_pair("c1", known_image(), known_label()), LABELS)
    image = known_image()
    row = case.row()
    assert (row["case_id"], row["centre"], row["dtype"], row["orientation"]) == ("c1", "A", "int16", "RAS")
    assert (row["size_x"], row["size_y"], row["slices"]) == SHAPE
    assert (row["spacing_x"], row["spacing_y"], row["spacing_z"]) == (1, 2, 3)
    assert (row["slope"], row["intercept"]) == (1, 0)
    assert (row["hu_min"], row["hu_max"]) == (-1024, 2000)
    assert row["hu_mean"] == pytest.approx((640 * -1000 + 318 * 40 - 1024 + 2000) / 960)
    assert row["hu_sd"] == pytest.approx(image.std(dtype=float))
    assert (row["hu_mode"], row["hu_mode_share"]) == (-1000, pytest.approx(640 / 960))
    assert row["tumour_ml"] == pytest.approx(12 * 6 / 1000)
    assert (row["tumour_components"], row["lymph_node_ml"], row["lymph_node_components"]) == (2, 0, 0)


def test_histogram_has_fixed_bins_and_every_voxel(write_pair):
    image = known_image()
    image[2, 0, 0], image[3, 0, 0] = -16989, 31743  # thesis tables 3.5, 3.6
    case = describe_case(write_pair("c1", image, known_label()), LABELS)
    bins = {int(HU_EDGES[i]): int(case.histogram[i]) for i in np.flatnonzero(case.histogram)}
    assert bins == {-3100: 1, -1040: 1, -1000: 640, 40: 316, 2000: 1, 3080: 1}
    assert (case.hu_min, case.hu_max) == (-16989, 31743)


@pytest.mark.parametrize(("slope", "intercept"), [(2.0, -1024.0), (0.5, 10.0), (1.0, -1024.0)])
def test_slope_and_intercept_of_the_header_are_read_and_applied(write_pair, slope, intercept):
    stored = np.zeros(SHAPE, np.int16)
    stored[..., :3] = 500
    case = describe_case(write_pair("c1", stored, known_label(), slope=slope, intercept=intercept), LABELS)
    assert (case.slope, case.intercept) == (slope, intercept)
    assert (case.hu_min, case.hu_max) == (intercept, 500 * slope + intercept)
    assert case.hu_mean == pytest.approx(intercept + 0.25 * 500 * slope)
    assert case.hu_mode == intercept


def test_axes_are_in_ras_whatever_the_file_has(write_pair):
    affine = np.array([[0, 0, -2.0, 0], [-3.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 0, 1]])  # axes: P, S, L
    case = describe_case(write_pair("c1", known_image(), known_label(), affine=affine), LABELS)
    assert (case.orientation, case.size, case.spacing) == ("PSL", (12, 8, 10), (2, 3, 4))
    assert case.volumes["tumour"] == pytest.approx(12 * 24 / 1000)


def test_nan_is_left_out_of_the_numbers(write_pair):
    image = known_image().astype(np.float32)
    image[..., 5] = np.nan
    image[0, 0, 6] = np.inf
    case = describe_case(write_pair("c1", image, known_label()), LABELS)
    assert (case.hu_min, case.hu_max, case.histogram.sum()) == (-1024, 2000, 960 - 81)
    assert np.isfinite(case.thumbnail).all()
    nothing = describe_case(write_pair("c2", np.full(SHAPE, np.nan, np.float32), known_label()), LABELS)
    assert np.isnan([nothing.hu_min, nothing.hu_mean, nothing.hu_mode]).all()
    assert nothing.histogram.sum() == 0


def body(shape=(40, 40, 40)):
    """Air, a body of fat at the left back, and a denser half of it."""
    image = np.full(shape, -1000, np.int16)
    image[10:34, 12:36, 8:32] = -100
    image[10:22, 12:36, 8:32] = 100
    return image


def test_thumbnail_is_the_windowed_body():
    small = thumbnail(body(), np.diag([2, 2, 2, 1.0]), size=4, window=(-1000, 1000))
    assert small.shape == (4, 4, 4)
    np.testing.assert_allclose(small[:2], 0.1, atol=0.01)
    np.testing.assert_allclose(small[2:], -0.1, atol=0.01)


def test_thumbnail_does_not_see_the_padding_of_the_scanner():
    affine = np.diag([2, 2, 2, 1.0])
    padded = np.where(body() == -1000, -3024, body())
    np.testing.assert_allclose(thumbnail(padded, affine), thumbnail(np.where(padded < -1024, -1024, padded), affine))


def test_thumbnail_without_a_body_takes_the_whole_volume():
    assert (
        thumbnail(np.full(SHAPE, -1000), np.eye(4), size=4, window=(-1000, 1000)).tolist()
        == np.full((4,) * 3, -1).tolist()
    )


def two_centres(write_pair):
    """Centre A: 12 and 6 slices, HU from -1024 and -1000, label 1 in both; B: one case without a mask."""
    empty = np.zeros(SHAPE, np.uint8)
    lower = known_image()
    lower[0, 0, 0] = -3024
    entries = [
        write_pair("a1", known_image(), known_label()),
        write_pair("a2", known_image()[..., :6].copy(), known_label()[..., :6].copy(), affine=np.diag([1, 2, 6.0, 1])),
        write_pair("b1", lower, empty, centre="B", affine=np.diag([-1, 2, 3.0, 1])),
    ]
    return entries, describe_cases(entries, LABELS, workers=2, window=(-1024, 600))


def test_cases_come_in_their_order(write_pair):
    entries, cases = two_centres(write_pair)
    assert [case.case_id for case in cases] == [entry["case_id"] for entry in entries]


def test_rows_of_two_centres_and_of_all(write_pair):
    a, b, total = centre_rows(two_centres(write_pair)[1])
    assert [row["centre"] for row in (a, b, total)] == ["A", "B", ALL]
    assert [row["cases"] for row in (a, b, total)] == [2, 1, 3]
    assert (a["slices_min"], a["slices_max"], a["slices_mean"]) == (6, 12, 9)
    assert (a["spacing_z_min"], a["spacing_z_max"], total["spacing_z_mean"]) == (3, 6, 4)
    assert (total["hu_min_min"], total["hu_min_max"]) == (-3024, -1024)
    assert (total["hu_min_most_frequent"], total["hu_min_most_frequent_cases"]) == (-1024, 2)
    assert (b["hu_min_most_frequent"], b["hu_min_most_frequent_cases"]) == (-3024, 1)
    assert (a["slope"], a["intercept"], b["orientation"]) == ("1.0", "0.0", "LAS")
    assert total["orientation"] == "LAS RAS"


def test_label_columns_are_over_the_cases_that_hold_the_label(write_pair):
    a, b, total = centre_rows(two_centres(write_pair)[1])
    assert (a["tumour_cases"], b["tumour_cases"], total["tumour_cases"]) == (2, 0, 2)
    assert a["tumour_ml_mean"] == pytest.approx((0.072 + 0.144) / 2)
    assert a["tumour_ml_sd"] == pytest.approx(0.072 / 2**0.5)
    assert (a["tumour_components_mean"], a["tumour_components_max"]) == (2, 2)
    assert b["tumour_ml_mean"] is b["tumour_ml_sd"] is b["tumour_components_max"] is None


def test_a_long_scan_counts_as_much_as_a_short_one(write_pair):
    shares = centre_histograms(two_centres(write_pair)[1])
    assert list(shares) == ["A", "B"]
    assert all(share.sum() == pytest.approx(1) for share in shares.values())
    air = np.flatnonzero(HU_EDGES == -1000)[0]
    assert shares["A"][air] == pytest.approx((640 / 960 + 160 / 480) / 2)


def test_most_frequent_values():
    values = [-1024, -3024, -1024, -2048, -3024, 5]
    assert most_frequent(values, 3) == [(-3024, 2), (-1024, 2), (-2048, 1)]


@pytest.mark.parametrize(
    ("spacings", "odd"), [([1, 1, 1.4], []), ([1, 1, 1.6], ["c2"]), ([1, 1, 1, 0.6], ["c3"]), ([5], [])]
)
def test_spacing_unlike_the_centres_median_is_odd(write_pair, spacings, odd):
    entries = [
        write_pair(f"c{i}", known_image(), known_label(), affine=np.diag([2, 2, z, 1.0]))
        for i, z in enumerate(spacings)
    ]
    cases = describe_cases(entries, LABELS, window=(-1024, 600))
    problems = unusual_cases(cases, {entry["case_id"]: entry["image"] for entry in entries})
    assert [(problem.case_id, problem.kind) for problem in problems] == [(case_id, "odd spacing") for case_id in odd]
    assert all(problem.file.endswith(f"{problem.case_id}_image.nii") for problem in problems)


@pytest.mark.parametrize(("value", "warned"), [(4095, False), (4096, True), (-3024, False), (-5048, True)])
def test_hu_beyond_the_usual_is_warned_of(write_pair, value, warned):
    image = known_image()
    image[4, 4, 4] = value
    entry = write_pair("c1", image, known_label())
    problems = unusual_cases([describe_case(entry, LABELS)], {"c1": entry["image"]})
    assert [problem.kind for problem in problems] == ["unusual HU"] * warned
    assert not warned or str(value) in problems[0].found
