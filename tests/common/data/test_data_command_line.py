import json
import logging

import pytest

from common.data.cli import check, main, prepare


@pytest.fixture
def phantom(tmp_path):
    prepare("phantom", str(tmp_path / "data"), count=10, size=(24, 24, 16), folds=2)
    return tmp_path / "data"


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
        (["--source", "moon", "--output", "x"], "--source is 'moon', expected one of phantom, registry, hecktor"),
        (["--source", "pairs", "--output", "x"], "--source pairs needs --input"),
        (["--source", "phantom", "--output", "x", "--input", "y"], "--source phantom takes no --input"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(SystemExit) as error:
        main(["prepare", *arguments])
    assert message in str(error.value)
