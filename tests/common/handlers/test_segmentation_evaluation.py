"""What an evaluation of a segmenter leaves: masks, scores, pictures."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from common.handlers.case_scores import CaseScores
from common.handlers.label_writer import LabelWriter
from common.handlers.segmentation_pictures import SegmentationPictures

AFFINE = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, -3], [0, 0, 3.0, 7], [0, 0, 0, 1]])  # axes swapped, one flipped
SHAPE = (8, 7, 6)


@pytest.fixture
def cases(tmp_path):
    """Two cases with a mask of 2 × 2 × 2 voxels, labels 1 and 2 by halves."""
    cases = []
    for name in ("a", "b"):
        label = np.zeros(SHAPE, np.uint8)
        label[2:4, 2:4, 2:4] = 1
        label[3, 2:4, 2:4] = 2
        case = {"case_id": name, "centre": "X"}
        for key, volume in (("image", np.zeros(SHAPE, np.int16)), ("label", label)):
            case[key] = str(tmp_path / f"{name}_{key}.nii.gz")
            nib.save(nib.Nifti1Image(volume, AFFINE), case[key])
        cases.append(case)
    return cases


def predictions():
    """The whole mask, Dice 1, and half of it, Dice 2·4 / (8 + 4)."""
    whole, half = torch.zeros(2, 1, *SHAPE)
    whole[0, 2:4, 2:4, 2:4] = 1
    half[0, 2, 2:4, 2:4] = 1
    return [whole, half]


def run(handlers, cases, masks):
    def step(engine, index):
        engine.state.batch = [cases[index]]
        return [{"pred": MetaTensor(masks[index], affine=torch.as_tensor(AFFINE))}]

    engine = Engine(step)
    for handler in handlers:
        handler.attach(engine)
    engine.run(range(len(cases)))


def test_masks_lie_on_the_grid_of_their_images(cases, tmp_path):
    run([LabelWriter(tmp_path / "labels")], cases, predictions())
    mask = nib.load(tmp_path / "labels" / "b.nii.gz")
    np.testing.assert_array_equal(mask.affine, AFFINE)
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask.dataobj, predictions()[1][0])


def test_an_item_without_id_is_named_after_its_file(tmp_path):
    image = MetaTensor(torch.zeros(1, *SHAPE), meta={"filename_or_obj": "/data/patient.1.nii.gz"})
    run([LabelWriter(tmp_path)], [{"image": image}], predictions())
    assert [path.name for path in tmp_path.iterdir()] == ["patient.1.nii.gz"]


def test_scores_of_worked_out_masks(cases, tmp_path):
    scores = CaseScores(tmp_path, labels=[1, 2], notes={"folds": "testing"}, replicates=20)
    run([scores], cases, predictions())
    with (tmp_path / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["case_id"] for row in rows] == ["a", "b"]
    assert [float(row["foreground/dice"]) for row in rows] == pytest.approx([1.0, 8 / 12])
    assert float(rows[0]["foreground/truth_ml"]) == pytest.approx(8 * 9 / 1000)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["folds"] == "testing"
    assert list(metrics["scores"]) == ["foreground"]  # binary: labels are joined
    assert metrics["scores"]["foreground"]["dice"]["value"] == pytest.approx((1 + 8 / 12) / 2)


def test_scores_by_label(cases, tmp_path):
    run([CaseScores(tmp_path, labels=[1, 2], binary=False, replicates=20)], cases, predictions())
    scores = json.loads((tmp_path / "metrics.json").read_text())["scores"]
    assert scores["label_1"]["dice"]["value"] == pytest.approx((8 / 12 + 1) / 2)
    assert scores["label_2"]["dice"]["value"] == 0


def test_a_mask_on_another_grid_is_refused(cases, tmp_path):
    nib.save(nib.Nifti1Image(np.ones(SHAPE, np.uint8), np.eye(4)), cases[0]["label"])
    with pytest.raises(ValueError, match="expected the grid of its image"):
        run([CaseScores(tmp_path)], cases, predictions())


def test_a_second_run_starts_afresh(cases, tmp_path):
    scores = CaseScores(tmp_path, replicates=20)
    for _ in range(2):
        run([scores], cases, predictions())
        assert len(scores.rows) == 2


@pytest.mark.parametrize("empty", [False, True])
def test_pictures_are_drawn_where_a_case_has_a_dice(cases, tmp_path, empty):
    if empty:
        for case in cases:
            nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.uint8), AFFINE), case["label"])
    scores = CaseScores(tmp_path, replicates=20)
    pictures = SegmentationPictures(tmp_path / "cases.png", cases=cases, predictions=tmp_path / "labels", scores=scores)
    run([LabelWriter(tmp_path / "labels"), scores, pictures], cases, predictions())
    assert (tmp_path / "cases.png").is_file() is not empty
