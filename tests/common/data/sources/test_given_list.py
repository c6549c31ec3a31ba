"""Lists of MSD, Auto3DSeg and nnU-Net become ours, with their labels, test cases and folds."""

import json

import nibabel as nib
import numpy as np
import pytest

from common.data.cli import main, prepare
from tests.common.data.pair_files import save_pair

NAMES = [f"c{number}" for number in range(6)]


def write(path, content):
    path.write_text(json.dumps(content))


def save(folder, images, labels, names=NAMES, ending=""):
    """Pairs in two folders of any name."""
    for name in names:
        save_pair(folder, name)
    for old, new, end in (("images", images, ending), ("labels", labels, "")):
        (folder / new).mkdir(exist_ok=True)
        for name in names:
            (folder / old / f"{name}.nii.gz").rename(folder / new / f"{name}{end}.nii.gz")
        (folder / old).rmdir()


def run(place, out, **options):
    prepare("pairs", str(out), input=str(place), **{"folds": None, "test_fraction": 0.4} | options)
    return json.loads((out / "datalist.json").read_text())


def sides(content):
    return {e["case_id"]: e["fold"] for e in content["training"]}, {e["case_id"] for e in content["testing"]}


@pytest.fixture
def msd(tmp_path):
    folder = tmp_path / "Task03"
    save(folder, "imagesTr", "labelsTr")
    entries = [{"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in NAMES]
    content = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "cancer"}, "training": entries}
    write(folder / "dataset.json", {**content, "test": ["./imagesTs/x.nii.gz"]})
    return folder


@pytest.mark.parametrize("name", ["", "dataset.json"])
def test_msd_is_split_anew_under_its_labels(msd, tmp_path, name):
    content = run(msd / name, tmp_path / "out", folds=2)
    folds, testing = sides(content)
    assert len(testing) == 3 and len(folds) == 3 and testing | folds.keys() == set(NAMES)
    assert content["labels"] == {"0": "background", "1": "cancer"}


def test_auto3dsegs_folds_and_test_cases_stay(msd, tmp_path):
    content = json.loads((msd / "dataset.json").read_text())
    for number, entry in enumerate(content["training"]):
        entry["fold"] = number % 3
    content["testing"] = [content["training"].pop(), {"image": "./imagesTr/none.nii.gz"}]
    content["training"][0] |= {"centre": "X", "patient": 7}
    write(msd / "list.json", content)
    made = run(msd / "list.json", tmp_path / "out")
    assert sides(made) == ({"c0": 0, "c1": 1, "c2": 2, "c3": 0, "c4": 1}, {"c5"})
    assert made["training"][0]["centre"] == "X" and made["training"][0]["patient"] == "7"
    again = run(msd / "list.json", tmp_path / "again", folds=2)
    assert set(sides(again)[0].values()) == {0, 1} and sides(again)[1] == {"c5"}


@pytest.fixture
def nnunet(tmp_path):
    folder = tmp_path / "Dataset001_X"
    save(folder, "imagesTr", "labelsTr", ending="_0000")
    content = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "cancer": 1}, "file_ending": ".nii.gz"}
    write(folder / "dataset.json", content | {"numTraining": 6})
    return folder


def test_nnunets_folder_and_splits(nnunet, tmp_path):
    assert sides(run(nnunet, tmp_path / "anew", folds=1))[0].keys() < set(NAMES)
    folds = [{"train": [], "val": ["c0", "c3"]}, {"train": [], "val": ["c1", "c2", "c4", "c5"]}]
    write(nnunet / "splits_final.json", folds)
    save(nnunet / "more", "imagesTs", "labelsTs", names=["t0"], ending="_0000")
    for name in ("imagesTs", "labelsTs"):
        (nnunet / "more" / name).rename(nnunet / name)
    (nnunet / "more").rmdir()
    made = run(nnunet, tmp_path / "out")
    assert sides(made) == ({"c0": 0, "c3": 0, "c1": 1, "c2": 1, "c4": 1, "c5": 1}, {"t0"})
    assert made["labels"] == {"0": "background", "1": "cancer"}
    label = nib.load(tmp_path / "out" / "labels" / "c0.nii.gz")
    assert np.unique(label.dataobj).tolist() == [0, 1]


def spoilt(place, change):
    path = place / "dataset.json"
    content = json.loads(path.read_text())
    change(content)
    write(path, content)


FAULTS = [
    (lambda c: c["training"].append(c["training"][0]), "the case c0 stands twice"),
    (lambda c: c["training"][1].pop("label"), "training entry 1 is .*, expected image and label"),
    (lambda c: c["training"][1].update(image=["a", "b"]), r"training entry 1 has the image \['a', 'b'\], expected one"),
    (
        lambda c: c["training"][1].update(image="./imagesTr/q.nii.gz"),
        "names 1 files that are not there, such as .*q.nii",
    ),
    (lambda c: c["training"][1].update(fold=0), "1 of 6 cases have a fold: give one to all"),
    (lambda c: c["training"][1].update(generated=True), "training entry 1 is generated, expected real cases"),
    (lambda c: (c.pop("training"), c.pop("modality")), "is no list of cases, expected 'training'"),
    (lambda c: c.update(training={}, test={"a": 1}), "'test' is .*, expected a list"),
    (lambda c: c.update(labels={"a": [1, 2]}), "label 'a' is a region of the values"),
]


@pytest.mark.parametrize("change,message", FAULTS, ids=range(len(FAULTS)))
def test_a_list_that_cannot_be_read_is_told_before_anything_is_written(msd, tmp_path, change, message):
    spoilt(msd, change)
    with pytest.raises(SystemExit, match=message):
        main(["prepare", "--source", "pairs", "--input", str(msd), "--output", str(tmp_path / "out"), "--folds", "1"])
    assert not list((tmp_path / "out").rglob("*.json"))


@pytest.mark.parametrize("splits", [{}, ["c0"], [{"train": NAMES}], [{"val": "c0"}], [{"val": None}]])
def test_splits_that_are_none_are_named(nnunet, splits, tmp_path):
    write(nnunet / "splits_final.json", splits)
    with pytest.raises(ValueError, match=r"splits_final\.json is no list of folds, expected objects with 'val'"):
        run(nnunet, tmp_path / "out")


def test_channels_and_splits_of_nnunet_that_do_not_fit(nnunet, tmp_path):
    write(nnunet / "splits_final.json", [{"train": [], "val": NAMES[:5]}])
    with pytest.raises(ValueError, match=r"splits_final\.json validates c5 in 0 folds, expected one"):
        run(nnunet, tmp_path / "out")
    (nnunet / "splits_final.json").unlink()
    spoilt(nnunet, lambda content: content.update(channel_names={"0": "CT", "1": "PET"}))
    with pytest.raises(ValueError, match=r"names the channels \['CT', 'PET'\], expected one"):
        run(nnunet, tmp_path / "out")


def test_cases_that_nnunets_list_names_lie_anywhere(nnunet, tmp_path):
    content = json.loads((nnunet / "dataset.json").read_text())
    places = {"p1": ("imagesTr", "labelsTr", NAMES[0]), "p2": ("imagesTr", "labelsTr", NAMES[1])}
    listed = {
        name: {"images": [f"{images}/{case}_0000.nii.gz"], "label": f"{labels}/{case}.nii.gz"}
        for name, (images, labels, case) in places.items()
    }
    write(nnunet / "dataset.json", {**content, "dataset": listed})
    trained, _ = sides(run(nnunet, tmp_path / "out", test_fraction=0, folds=1))
    assert trained.keys() == {"p1", "p2"}
    listed["p1"]["images"].append("more.nii.gz")
    write(nnunet / "dataset.json", {**content, "dataset": listed})
    with pytest.raises(ValueError, match=r"dataset\.json: p1 is .*, expected one image, the CT's, and a label"):
        run(nnunet, tmp_path / "more")


def test_a_list_without_a_case_is_told(nnunet, tmp_path):
    content = json.loads((nnunet / "dataset.json").read_text())
    for place in ("empty", "listed"):
        (tmp_path / place).mkdir()
        write(tmp_path / place / "dataset.json", {**content, **({"dataset": {}} if place == "listed" else {})})
        with pytest.raises(ValueError, match="has no case with image and mask"):
            run(tmp_path / place, tmp_path / "out")
