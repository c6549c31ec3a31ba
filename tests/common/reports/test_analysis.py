import csv
import json
import logging

import nibabel as nib
import numpy as np
import pytest

from common.data.cases import BadCasesError
from common.metrics.case_statistics import describe_cases
from common.reports.analysis import DataAnalysis, list_cases
from common.reports.centre_tables import frequent_table
from tests.quick_pictures import draw_quickly

LABELS = {"0": "background", "1": "tumour", "2": "lymph node"}
SHAPE = (20, 20, 18)  # three pictures of each run take the time
FIGURES = ["slices.png", "hu.png", "labels.png", "planes.png", "sagittal.png", "montage.png"]


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """What is on a picture is tested with the module that draws it."""
    draw_quickly(monkeypatch)


def write_pair(folder, case_id, *, slices=SHAPE[2], spacing=2.0, low=-1000):
    """A body of 40 HU with a box of bone, and a tumour of 27 voxels."""
    image = np.full((*SHAPE[:2], slices), low, np.int16)
    image[4:16, 4:16] = 40
    image[8:10, 8:10, 2:6] = 900
    label = np.zeros(image.shape, np.uint8)
    label[5:8, 5:8, 5:8] = 1
    for key, array in (("image", image), ("label", label)):
        nib.save(nib.Nifti1Image(array, np.diag([2, 2, spacing, 1.0])), folder / f"{case_id}_{key}.nii.gz")
    return {"case_id": case_id, "image": f"{case_id}_image.nii.gz", "label": f"{case_id}_label.nii.gz"}


@pytest.fixture
def folder(tmp_path):
    """Three cases of centre A, in two folds, and a test case of centre B."""
    entries = [{**write_pair(tmp_path, f"a{i}", slices=18 + 2 * i), "centre": "A", "fold": i % 2} for i in range(3)]
    content = {"labels": LABELS, "training": entries, "testing": [{**write_pair(tmp_path, "b0"), "centre": "B"}]}
    (tmp_path / "datalist.json").write_text(json.dumps(content))
    return tmp_path


@pytest.fixture
def analyse(folder):
    """Function (**options) -> (page's text, folder of the results), over all cases of the folder."""

    def run(**options):
        cases = list_cases(folder / "datalist.json", dataset_dir=folder)
        page = DataAnalysis(cases, folder / "out", labels=LABELS, **options).run()
        return page.read_text(), folder / "out"

    return run


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("folds", "ids"),
    [
        (None, ["a0", "a1", "a2", "b0"]),
        ("all", ["a0", "a1", "a2"]),
        ("testing", ["b0"]),
        (0, ["a0", "a2"]),
        ([1], ["a1"]),
    ],
)
def test_cases_of_the_list(folder, folds, ids):
    cases = list_cases(folder / "datalist.json", dataset_dir=folder, folds=folds)
    assert [case["case_id"] for case in cases] == ids
    assert cases[0]["image"] == str(folder / f"{ids[0]}_image.nii.gz")


def test_a_list_without_test_cases(folder):
    content = json.loads((folder / "datalist.json").read_text())
    (folder / "datalist.json").write_text(json.dumps({**content, "testing": []}))
    assert len(list_cases(folder / "datalist.json", dataset_dir=folder)) == 3


def test_good_cases(analyse):
    page, out = analyse()
    assert "None: every pair can be read" in page
    assert (out / "warnings.csv").read_text() == "case_id,kind,file,found,expected,remedy\n"
    assert [name for name in FIGURES if not (out / name).is_file()] == []
    assert page.count("<img") == len(FIGURES)
    cases, centres = table(out / "cases.csv"), table(out / "centres.csv")
    assert [(row["case_id"], row["slices"]) for row in cases] == [
        ("a0", "18"),
        ("a1", "20"),
        ("a2", "22"),
        ("b0", "18"),
    ]
    assert {row["tumour_ml"] for row in cases} == {str(27 * 8 / 1000)}
    assert [(row["centre"], row["cases"], row["slices_mean"]) for row in centres] == [
        ("A", "3", "20.0"),
        ("B", "1", "18.0"),
        ("all", "4", "19.5"),
    ]
    bins = {row["hu_from"]: row for row in table(out / "hu_histogram.csv")}
    assert float(bins["40"]["B"]) == pytest.approx(0.36 - 16 / 7200)
    assert float(bins["900"]["B"]) == pytest.approx(16 / 7200)
    assert sum(float(row["A"]) for row in bins.values()) == pytest.approx(1)


def test_too_few_cases_for_t_sne_are_told(analyse, folder, caplog):
    (folder / "out").mkdir()
    (folder / "out" / "tsne.png").write_bytes(b"of an earlier run")
    with caplog.at_level(logging.WARNING):
        page, out = analyse()
    assert "Left out. t-SNE of 4 cases: needs more than its perplexity, 10; add cases, or set a lower" in page
    assert "t-SNE of 4 cases" in caplog.text
    assert not (out / "tsne.png").exists()


def test_lower_perplexity_gives_t_sne_and_names_cannot_inject(folder):
    cases = list_cases(folder / "datalist.json", dataset_dir=folder)
    cases[0]["centre"] = "<script>alert(1)</script>"
    out = folder / "out"
    page = DataAnalysis(cases, out, labels=LABELS, name="<b>x</b>", perplexity=2).run().read_text()
    assert "<script" not in page and "<b>x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert (out / "tsne.png").is_file()
    assert "perplexity 2, learning rate 200). Input: each image cropped to the patient&#39;s box" in page


def test_bad_cases_are_warned_of_and_measured_where_they_can_be(analyse, folder):
    truncated = (folder / "a0_image.nii.gz").read_bytes()
    (folder / "a0_image.nii.gz").write_bytes(truncated[: len(truncated) // 2])
    write_pair(folder, "a1", spacing=7.0)
    empty = nib.Nifti1Image(np.zeros(SHAPE, np.uint8), np.diag([2, 2, 2, 1.0]))
    nib.save(empty, folder / "b0_label.nii.gz")
    page, out = analyse()
    kinds = {(row["case_id"], row["kind"]) for row in table(out / "warnings.csv")}
    assert kinds == {("a0", "unreadable file"), ("b0", "empty mask"), ("a1", "odd spacing"), ("a2", "odd spacing")}
    assert [row["case_id"] for row in table(out / "cases.csv")] == ["a1", "a2", "b0"]
    assert "3 of 4 cases measured, 2 centres" in page
    assert "empty mask: 1" in page and "copy or download it again" in page


def test_no_good_case_no_pictures(analyse, folder):
    for case_id in ("a0", "a1", "a2", "b0"):
        write_pair(folder, case_id, low=100)  # no air
    page, out = analyse()
    assert "Left out: the check found something wrong with every case" in page
    assert not (out / "planes.png").exists()
    assert (out / "hu.png").is_file()


def test_nothing_readable_is_an_error(analyse, folder):
    for path in folder.glob("*_image.nii.gz"):
        path.write_bytes(b"no NIfTI")
    with pytest.raises(BadCasesError, match=r"none of 4 cases can be read:\n.*\na0 +unreadable file"):
        analyse()


def test_a_list_of_images_with_no_foreground_label(folder):
    for path in folder.glob("*_label.nii.gz"):
        nib.save(nib.Nifti1Image(np.zeros(nib.load(path).shape, np.uint8), nib.load(path).affine), path)
    cases = list_cases(folder / "datalist.json", dataset_dir=folder)
    page = DataAnalysis(cases, folder / "out", labels={"0": "background"}).run().read_text()
    assert ">Labels<" not in page and "empty mask: 4" in page


def test_frequent_cells(folder):
    write_pair(folder, "b0", low=-1024)
    cases = list_cases(folder / "datalist.json", dataset_dir=folder)
    rows = frequent_table(describe_cases(cases, LABELS, window=(-1024, 600)))
    assert rows == [
        {"lowest": "-1000 (3×)", "highest": "900 (4×)", "most voxels": "-1000 (3×)"},
        {"lowest": "-1024 (1×)", "most voxels": "-1024 (1×)"},
    ]
