"""Classes of training cases: by centre, by the labels that masks hold."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import Dataset

from common.data.class_dataset import ClassDataset
from common.data.conditions import training_conditions, with_class
from common.data.mask_labels import mask_labels

NAMES = {"0": "background", "1": "tumour", "2": "lymph node"}
MASKS = [(1, 2), (1,), (2,), (1, 2), ()]
CENTRES = ["CHUM", "MDA", "CHUM", "CHUM", "MDA"]


def write_mask(path, labels):
    mask = np.zeros((4, 4, 4), np.uint8)
    mask.flat[: len(labels)] = labels
    nib.save(nib.Nifti1Image(mask, np.eye(4)), path)


@pytest.fixture
def cases(tmp_path):
    for i, labels in enumerate(MASKS):
        write_mask(tmp_path / f"{i}.nii.gz", labels)
    return [{"case_id": f"c{i}", "label": str(tmp_path / f"{i}.nii.gz"), "centre": c} for i, c in enumerate(CENTRES)]


def test_centres_are_classes_in_order_of_their_names(cases):
    found = training_conditions(cases, by="centre", label_names=NAMES)
    assert found.settings() == {"by": "centre", "names": ["CHUM", "MDA"], "shares": [0.6, 0.4]}
    assert found.of_case == [0, 1, 0, 0, 1]


def test_the_labels_of_a_mask_are_its_class(cases):
    found = training_conditions(cases, by="labels", label_names=NAMES)
    assert found.names == ["background", "lymph node", "tumour", "tumour + lymph node"]
    assert [found.names[number] for number in found.of_case] == [
        *("tumour + lymph node", "tumour", "lymph node", "tumour + lymph node", "background")
    ]
    assert found.shares == [0.2, 0.2, 0.2, 0.4]


def test_one_class_and_unknown_conditions_are_refused(cases):
    with pytest.raises(ValueError, match=r"all 2 training cases .*one class .*\['CHUM'\]: try --condition_on labe"):
        training_conditions([cases[0], cases[2]], by="centre", label_names=NAMES)
    with pytest.raises(ValueError, match="condition_on is 'age', expected one of centre, labels"):
        training_conditions(cases, by="age", label_names=NAMES)


def test_a_mask_is_read_once_and_again_when_it_is_replaced(cases, tmp_path, monkeypatch):
    known, read = tmp_path / "known.json", []
    load = nib.load
    monkeypatch.setattr(nib, "load", lambda path: read.append(path) or load(path))
    expected = [[0, *labels] for labels in MASKS]
    assert mask_labels(cases, known=known) == mask_labels(cases[::-1], known=known)[::-1] == expected
    assert sorted(read) == [case["label"] for case in cases]
    monkeypatch.undo()
    write_mask(cases[2]["label"], (1, 2, 1, 2, 2, 1, 2, 2))
    assert mask_labels(cases, known=known)[2] == [0, 1, 2]
    known.write_text("{")  # cut by hand: read again
    assert mask_labels(cases, known=known)[1] == expected[1]


def test_items_know_their_class_by_case_whatever_the_draw():
    class ByDraw(Dataset):
        def __getitem__(self, item):
            return {"pair": item}

    dataset = ClassDataset(ByDraw([None] * 3), [2, 0, 1])
    assert len(dataset) == 3
    assert [int(dataset[i]["class"]) for i in (0, (0, 7), (2, 5))] == [2, 2, 1]
    assert dataset[2, 5]["pair"] == (2, 5) and dataset[1]["class"].dtype == torch.int64
    with pytest.raises(ValueError, match="classes of 2 cases for a data set of 3"):
        ClassDataset(ByDraw([None] * 3), [0, 1])


def test_the_class_stands_behind_the_latent():
    z, y = torch.randn(2, 3), torch.tensor([1, 0])
    assert torch.equal(with_class(z, y, 2), torch.cat([z, torch.tensor([[0.0, 1.0], [1.0, 0.0]])], 1))
    assert with_class(z, None, 0) is z


def test_classes_ask_for_the_class_of_each_sample():
    with pytest.raises(ValueError, match=r"a generator of 3 classes needs the class of each sample: expected y \(B,\)"):
        with_class(torch.zeros(2, 4), None, 3)
