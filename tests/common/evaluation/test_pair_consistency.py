import json
import sys

import nibabel as nib
import numpy as np
import pytest

from common.evaluation.pair_consistency import dice_row, pair_consistency, pair_dice

SHIFTED = (
    slice(4, 8),
    slice(2, 6),
    slice(2, 5),
)  # shares 3 of the 4 columns of 4 × 4 × 3 voxels: Dice 2·36 / (48 + 48)


def test_dice_of_pairs_through_a_bundle(tmp_path, segmenter, write_pair):
    generated = [
        write_pair(tmp_path, "gen_1"),
        write_pair(tmp_path, "gen_1_2", mask=SHIFTED),
        write_pair(tmp_path, "gen_2", mask=None),
        write_pair(tmp_path, "gen_3", bright=None),
    ]
    real = [write_pair(tmp_path, f"real_{number}") for number in range(3)]
    before = list(sys.path)
    result = pair_consistency(segmenter, generated, real=real, work_dir=tmp_path / "work", seed=1)
    assert json.loads(json.dumps(result)) == result
    result = result["foreground"]
    assert result["generated"]["cases"] == {"gen_1": 1.0, "gen_1_2": pytest.approx(0.75), "gen_2": None, "gen_3": 0.0}
    assert result["generated"]["value"] == pytest.approx((1 + 0.75 + 0) / 3)
    counts = {key: result["generated"][key] for key in ("n", "empty_masks", "found_in_empty", "empty_predictions")}
    assert counts == {"n": 3, "empty_masks": 1, "found_in_empty": 1, "empty_predictions": 1}
    low, high = result["generated"]["interval"]
    assert 0 <= low < result["generated"]["value"] < high <= 1
    assert result["real"]["value"] == 1
    assert result["real"]["interval"] == [1, 1]
    assert result["gap"]["value"] == pytest.approx(1 - 1.75 / 3)
    assert sys.path == before


def test_labels_are_scored_by_themselves(tmp_path, segmenter, write_pair):
    """The segmenter knows label 1 alone."""
    pairs = [write_pair(tmp_path, "a"), write_pair(tmp_path, "b", label=2)]
    result = pair_consistency(segmenter, pairs, work_dir=tmp_path / "work", labels=(1, 2))
    assert {region: rows["generated"]["cases"] for region, rows in result.items()} == {
        "foreground": {"a": 1.0, "b": 1.0},
        "label_1": {"a": 1.0, "b": None},
        "label_2": {"a": None, "b": 0.0},
    }


@pytest.mark.parametrize("change", ["shape", "affine"])
def test_another_geometry_is_refused(tmp_path, write_pair, change):
    entry = write_pair(tmp_path, "a")
    mask = nib.load(entry["label"])
    shape, affine = ((12, 10, 9), mask.affine) if change == "shape" else (mask.shape, np.eye(4))
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), affine), tmp_path / "prediction.nii.gz")
    with pytest.raises(ValueError, match=r"prediction\.nii\.gz has the geometry \(12, 10, .*back to the image's grid"):
        pair_dice(entry, tmp_path / "prediction.nii.gz")


def test_all_masks_empty():
    case = {"case_id": "a", "dice": float("nan"), "mask_empty": True, "prediction_empty": True}
    row = dice_row([case])
    assert row["value"] is row["interval"] is row["sd"] is None
    assert (row["n"], row["empty_masks"], row["found_in_empty"], row["empty_predictions"]) == (0, 1, 0, 0)


def test_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    keys = {"case_id": "a", "mask_empty": False, "prediction_empty": False}
    rows = [dice_row([{**keys, "dice": x} for x in rng.uniform(size=40)], replicates=300) for _ in range(200)]
    covered = np.mean([low <= 0.5 <= high for low, high in (row["interval"] for row in rows)])
    assert 0.88 < covered <= 0.99
