import json
import logging
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from common.data.cases import BadCasesError, resolve_cases
from common.data.cli import check, main, prepare


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Folder of ten phantom cases and their list, as it was made."""
    folder = tmp_path_factory.mktemp("data")
    prepare("phantom", str(folder), count=10, size=(24, 24, 16), folds=2)
    return folder


@pytest.fixture
def phantom(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "data")


def test_prepare_leaves_pairs_and_a_list_and_may_be_repeated(phantom):
    datalist = json.loads((phantom / "datalist.json").read_text())
    assert len(datalist["training"]) == 8 and len(datalist["testing"]) == 2
    entry = datalist["training"][0]
    assert (phantom / entry["image"]).is_file() and (phantom / entry["label"]).is_file()
    times = {path: path.stat().st_mtime_ns for path in phantom.rglob("*.nii.gz")}
    prepare("phantom", str(phantom), count=10, size=(24, 24, 16), folds=2)
    assert {path: path.stat().st_mtime_ns for path in phantom.rglob("*.nii.gz")} == times
    assert json.loads((phantom / "datalist.json").read_text()) == datalist


def test_check_of_a_good_list_says_so(phantom, caplog):
    with caplog.at_level(logging.INFO):
        check(str(phantom / "datalist.json"))
    assert "10 of 10 cases are good" in caplog.text


def test_errors_reach_the_user_as_one_message(phantom, capsys):
    path = next((phantom / "images").iterdir())
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(SystemExit) as error:
        main(["check", "--datalist", str(phantom / "datalist.json")])
    assert "error: 1 of 10 cases cannot be used" in str(error.value)
    assert "unreadable file" in str(error.value)


@pytest.mark.parametrize(
    "arguments,message",
    [
        (
            ["--source", "moon", "--output", "x"],
            "--source is 'moon', expected one of phantom, synthetic, registry, hecktor",
        ),
        (["--source", "pairs", "--output", "x"], "--source pairs needs --input"),
        (["--source", "phantom", "--output", "x", "--input", "y"], "--source phantom takes no --input"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(SystemExit) as error:
        main(["prepare", *arguments])
    assert message in str(error.value)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Pairs of some user, of two centres, one mask a slice too short; paths are relative to the working folder."""
    monkeypatch.chdir(tmp_path)
    image = np.full((8, 8, 20), -1000, np.int16)
    image[2:6, 2:6] = 40
    label = (image == 40).astype(np.uint8)
    for folder in ("images", "labels"):
        Path("mine", folder).mkdir(parents=True)
    for i in range(10):
        image[2, 2, 0] = i  # an image of its own
        nib.save(nib.Nifti1Image(image, np.eye(4)), f"mine/images/c{i}.nii.gz")
        nib.save(nib.Nifti1Image(label[..., :-1] if i == 3 else label, np.eye(4)), f"mine/labels/c{i}.nii.gz")
    Path("mine/cases.csv").write_text("case_id,centre\n" + "".join(f"c{i},C{i % 2}\n" for i in range(10)))


LIST = Path("out/datalist.json")


def listed():
    content = json.loads(LIST.read_text())
    return {entry["case_id"]: entry for entry in content["training"] + content["testing"]}


def prepare_mine(**options):
    prepare("pairs", "out", input="mine", folds=2, **options)
    return listed()


def test_repair_survives_a_second_prepare_and_leaves_the_users_files(mine):
    with pytest.raises(BadCasesError, match=r"shapes differ.*--repair cuts off a slice too many"):
        prepare_mine()
    assert "c3" not in prepare_mine(on_bad_case="skip")
    mended = prepare_mine(repair=True)["c3"]
    assert (mended["image"], mended["label"]) == ("repaired/images/c3.nii.gz", "labels/c3.nii.gz")
    assert nib.load("out/repaired/images/c3.nii.gz").shape == (8, 8, 19)
    assert nib.load("mine/images/c3.nii.gz").shape == (8, 8, 20)
    assert prepare_mine(repair=True)["c3"] == mended


def test_check_repairs_what_a_list_names(mine):
    entries = prepare_mine(repair=True)
    LIST.write_text(LIST.read_text().replace("repaired/images", "images"))
    with pytest.raises(BadCasesError, match="shapes differ"):
        check(str(LIST))
    check(str(LIST), repair=True)
    assert listed() == entries
    check(str(LIST))


def test_a_training_does_not_read_again_what_prepare_has_read(mine, monkeypatch):
    prepare_mine(repair=True)
    monkeypatch.setattr("common.data.cases.check_case", lambda *_, **__: pytest.fail("read again"))
    assert len(resolve_cases(LIST, dataset_dir="out")) == 8


def test_centres_and_labels_are_those_asked_for(mine):
    entries = prepare_mine(centres="C0", labels=(0, 1, 5))
    assert sorted(entries) == ["c0", "c2", "c4", "c6", "c8"]
    assert json.loads(LIST.read_text())["labels"] == {"0": "background", "1": "tumour", "5": "label 5"}
    with pytest.raises(ValueError, match="--centres C7: not among the centres C0, C1"):
        prepare_mine(centres=("C1", "C7"))


def test_only_a_list_of_what_there_is_needs_no_output(monkeypatch, tmp_path):
    listed = []
    monkeypatch.setattr("common.data.sources.dicom.list_dicom", lambda folder, **options: listed.append(folder))
    prepare("dicom", input=str(tmp_path), list=True)
    assert listed == [tmp_path]
    with pytest.raises(ValueError, match="--output is missing, expected the folder to fill"):
        prepare("phantom")
