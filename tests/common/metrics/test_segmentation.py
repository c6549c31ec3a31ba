import math

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric, HausdorffDistanceMetric, SurfaceDiceMetric
from scipy.ndimage import binary_erosion, distance_transform_edt, shift

from common.metrics.segmentation import case_interval, mean_row, segmentation_scores, summary

SHAPE = (12, 10, 8)
NAN = float("nan")

# truth and prediction as boxes ((x, x), (y, y), (z, z)), spacing, Dice and HD95 in mm worked out by hand
CUBE = ((2, 6), (2, 6), (2, 6))
BOXES = {
    "equal": (CUBE, CUBE, (1, 1, 1), 1.0, 0.0),
    "half of it": (CUBE, ((2, 4), (2, 6), (2, 6)), (1, 1, 1), 2 * 32 / (64 + 32), 2.0),
    "shifted by one": (CUBE, ((3, 7), (2, 6), (2, 6)), (1, 1, 1), 2 * 48 / 128, 1.0),
    "shifted by one thick slice": (CUBE, ((2, 6), (2, 6), (3, 7)), (1, 1, 5), 2 * 48 / 128, 5.0),
    "apart": (((0, 1), (0, 1), (0, 1)), ((4, 5), (3, 4), (0, 1)), (2, 1, 1), 0.0, math.hypot(8, 3)),
    "at the border": (((0, 3), (0, 3), (0, 3)), ((1, 4), (0, 3), (0, 3)), (2, 1, 1), 2 * 18 / 54, 2.0),
    "nothing predicted": (CUBE, None, (1, 1, 1), 0.0, NAN),
    "nothing to find": (None, CUBE, (1, 1, 1), NAN, NAN),
    "nothing at all": (None, None, (1, 1, 1), NAN, NAN),
}

# prediction, message
BAD_INPUT = [
    (np.zeros((12, 10)), r"prediction: expected one volume \(H, W, D\), got shape \(12, 10\)"),
    (np.zeros((12, 10, 7)), r"prediction \(12, 10, 7\) and ground truth \(12, 10, 8\) differ in shape"),
    (np.full(SHAPE, 0.3), r"prediction: expected label values 0, 1, 2, …, found \[0.3\]: threshold"),
    (np.full(SHAPE, -1), r"found \[-1\]"),
    (np.full(SHAPE, NAN), r"found \[nan\]"),
]


def box(limits, value=1):
    mask = np.zeros(SHAPE, np.uint8)
    if limits:
        mask[tuple(slice(*pair) for pair in limits)] = value
    return mask


def blobs(seed, shape=SHAPE, labels=2):
    """Smooth random labels, so that surfaces are more than noise."""
    noise = np.random.default_rng(seed).normal(size=(labels, *shape))
    for axis in (1, 2, 3):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
    return np.where(noise.max(0) > 4, noise.argmax(0) + 1, 0)


@pytest.mark.parametrize("name", BOXES)
def test_worked_boxes(name):
    truth, prediction, spacing, dice, hd95 = BOXES[name]
    scores = segmentation_scores(box(prediction), box(truth), spacing=spacing)
    assert scores["foreground/dice"] == pytest.approx(dice, nan_ok=True)
    assert scores["foreground/hd95_mm"] == pytest.approx(hd95, nan_ok=True)
    assert (scores["foreground/truth_empty"], scores["foreground/prediction_empty"]) == (not truth, not prediction)


def test_volumes_and_regions():
    """A tumour found as a lymph node is right as foreground and wrong as either label."""
    scores = segmentation_scores(box(CUBE, 2), box(CUBE, 1), spacing=(1, 2, 5), labels=(1, 2))
    assert scores["foreground/dice"] == 1 and scores["label_1/dice"] == 0 and math.isnan(scores["label_2/dice"])
    assert scores["foreground/truth_voxels"] == scores["foreground/intersection_voxels"] == 64
    assert (scores["label_1/prediction_voxels"], scores["label_1/truth_ml"]) == (0, 0.64)
    assert (scores["label_2/truth_empty"], scores["label_2/prediction_ml"]) == (1, 0.64)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.float32])
def test_any_type_of_mask(dtype):
    scores = segmentation_scores(box(CUBE).astype(dtype), box(CUBE).astype(dtype), spacing=(1, 1, 1))
    assert scores["foreground/dice"] == 1


def test_equals_monai_on_random_labels():
    """MONAI on the whole volume, one-hot, with the spacing: the box changes nothing."""
    prediction, truth, spacing = blobs(0), blobs(0) * (blobs(1) > 0), (1.0, 2.5, 4.0)
    scores = segmentation_scores(prediction, truth, spacing=spacing, labels=(1, 2))
    y_pred, y = (torch.stack([torch.as_tensor(m == v) for v in (1, 2)])[None] for m in (prediction, truth))
    dice = DiceMetric(reduction="none")(y_pred=y_pred, y=y)[0]
    hd95 = HausdorffDistanceMetric(include_background=True, percentile=95)(y_pred=y_pred, y=y, spacing=spacing)[0]
    for value in (1, 2):
        assert 0 < scores[f"label_{value}/dice"] < 1
        assert scores[f"label_{value}/dice"] == pytest.approx(float(dice[value - 1]))
        assert scores[f"label_{value}/hd95_mm"] == pytest.approx(float(hd95[value - 1]), rel=1e-6)


def surface_distances(one, other, spacing):
    surface = other & ~binary_erosion(other)
    return distance_transform_edt(~surface, sampling=spacing)[one & ~binary_erosion(one)]


def test_hd95_equals_its_definition():
    prediction, truth, spacing = blobs(2) > 0, blobs(3) > 0, (0.5, 1.0, 3.0)
    both = [surface_distances(*masks, spacing) for masks in ((prediction, truth), (truth, prediction))]
    expected = max(np.percentile(distances, 95) for distances in both)
    scores = segmentation_scores(prediction, truth, spacing=spacing)
    assert scores["foreground/hd95_mm"] == pytest.approx(expected, rel=1e-6)


def test_scores_are_symmetric_and_scale_with_the_spacing():
    one, other = blobs(4) > 0, blobs(5) > 0
    first = segmentation_scores(one, other, spacing=(1, 1, 2))
    second = segmentation_scores(other, one, spacing=np.float32([3, 3, 6]))
    assert second["foreground/dice"] == first["foreground/dice"]
    assert second["foreground/hd95_mm"] == pytest.approx(3 * first["foreground/hd95_mm"])


@pytest.mark.parametrize(("prediction", "message"), BAD_INPUT)
def test_bad_predictions_are_refused(prediction, message):
    with pytest.raises(ValueError, match=message):
        segmentation_scores(prediction, box(CUBE), spacing=(1, 1, 1))


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 0)])
def test_impossible_spacing_is_refused(spacing):
    with pytest.raises(ValueError, match="three lengths in mm"):
        segmentation_scores(box(CUBE), box(CUBE), spacing=spacing)


def rows_of(*pairs):
    boxes = [segmentation_scores(box(p), box(t), spacing=(1, 1, 1)) for t, p in pairs]
    return [{"case_id": f"case_{i}", **row} for i, row in enumerate(boxes)]


HALF = ((2, 4), (2, 6), (2, 6))


def test_worked_summary():
    """Dice 1, 2/3, 0 and two without; 2·(64 + 32 + 0 + 0) / (128 + 96 + 64 + 64) over all voxels."""
    rows = rows_of((CUBE, CUBE), (CUBE, HALF), (CUBE, None), (None, CUBE), (None, None))
    result = summary(rows)["foreground"]
    assert result["dice"]["value"] == pytest.approx(5 / 9)
    assert result["dice"]["median"] == pytest.approx(2 / 3)
    assert result["dice"]["sd"] == pytest.approx(np.std([1, 2 / 3, 0], ddof=1))
    assert result["aggregated_dice"]["value"] == pytest.approx(2 * 96 / (128 + 96 + 64 + 64))
    assert result["hd95_mm"]["value"] == pytest.approx(1.0)
    assert (result["cases"], result["dice"]["n"], result["hd95_mm"]["n"]) == (5, 3, 2)
    assert (result["empty_truths"], result["found_in_empty"], result["empty_predictions"]) == (2, 1, 1)


def test_intervals_hold_their_values_and_follow_the_seed():
    rows = rows_of(*[(CUBE, ((2, 2 + i % 4 + 1), (2, 6), (2, 6))) for i in range(12)])
    results = [summary(rows, replicates=300, seed=seed)["foreground"] for seed in (0, 0, 1)]
    for score in ("dice", "aggregated_dice", "hd95_mm"):
        low, high = results[0][score]["interval"]
        assert low < results[0][score]["value"] < high
    assert results[0] == results[1] != results[2]


def test_aggregated_dice_draws_cases_not_masks():
    """All cases have Dice 2/3, whatever their size: so has every draw of whole cases."""
    rows = rows_of(*[(((0, 2 * i), (0, i), (0, i)), ((0, i), (0, i), (0, i))) for i in (1, 2, 3, 5)])
    assert summary(rows)["foreground"]["aggregated_dice"]["interval"] == pytest.approx([2 / 3, 2 / 3])


def test_perfect_cases_and_empty_ones_have_intervals_too():
    """No draw divides by nothing, although most hold only empty cases."""
    result = summary(rows_of((CUBE, CUBE), (CUBE, CUBE), *[(None, None)] * 30))["foreground"]
    assert result["aggregated_dice"] == {"value": 1.0, "interval": [1.0, 1.0]}
    assert result["dice"]["interval"] == [1.0, 1.0]


def test_nothing_to_average_is_none():
    result = summary(rows_of((None, None), (None, CUBE)))["foreground"]
    assert result["dice"] == {"value": None, "interval": None, "sd": None, "median": None, "n": 0}
    assert result["aggregated_dice"] == {"value": 0.0, "interval": None}
    assert summary(rows_of((None, None)))["foreground"]["aggregated_dice"]["value"] is None


def test_summary_reads_rows_that_a_csv_gave_back():
    rows = rows_of((CUBE, HALF), (None, CUBE))
    texts = [{key: str(value) for key, value in row.items()} for row in rows]
    assert summary(texts) == summary(rows)


@pytest.mark.parametrize("rows", [[], [{"case_id": "a"}], [{"foreground/dice": 1.0}, {"label_1/dice": 1.0}]])
def test_unequal_rows_are_refused(rows):
    with pytest.raises(ValueError, match="expected rows with a Dice of the same regions"):
        summary(rows)


def test_interval_of_a_mean_is_as_wide_as_theory_has_it():
    values = np.random.default_rng(0).normal(size=400)
    low, high = case_interval(values, statistic=np.mean, replicates=3000)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.06)
    assert mean_row([*values, NAN], replicates=3000)["interval"] == [low, high]


@pytest.mark.openkbp
def test_real_masks_moved_by_a_voxel(openkbp_dir):
    """A shift by one voxel along x: HD95 is at most that voxel, Dice as counted by numpy."""
    path = sorted((openkbp_dir / "labels").glob("*.nii.gz"))[0]
    volume = nib.load(path)
    truth, spacing = np.asanyarray(volume.dataobj), volume.header.get_zooms()
    prediction = shift(truth, (1, 0, 0), order=0)
    scores = segmentation_scores(prediction, truth, spacing=spacing, labels=(1, 2))
    both = np.count_nonzero((prediction > 0) & (truth > 0))
    assert scores["foreground/dice"] == 2 * both / (np.count_nonzero(prediction) + np.count_nonzero(truth))
    assert 0 < scores["foreground/hd95_mm"] <= spacing[0] * 1.0001


# prediction of CUBE, spacing, tolerance in mm and NSD worked out by hand
SURFACES = {
    "equal": (CUBE, (1, 1, 1), 0.5, 1.0),
    # 56 of the 64 voxels are surface; one voxel further there is one of the other cube
    "shifted within the tolerance": (((3, 7), (2, 6), (2, 6)), (1, 1, 1), 1.0, 1.0),
    # along x alone 3 of 4 layers overlap; in layers 3 … 5 the ring of 12 is common, and inner voxels (4) are on the
    # surface at one end of each cube: of 2·56, 2·36 lie on the other surface
    "shifted, no tolerance": (((3, 7), (2, 6), (2, 6)), (1, 1, 1), 1e-6, 2 * 36 / 112),
    "nothing predicted": (None, (1, 1, 1), 2.0, 0.0),
    # as before along z, but now the inner voxels (4) have the other's ring at 1 mm; the last layers of 16 are 5 mm off
    "a slice apart": (((2, 6), (2, 6), (3, 7)), (1, 1, 5), 2.0, 2 * 40 / 112),
}


@pytest.mark.parametrize("name", SURFACES)
def test_worked_surfaces(name):
    prediction, spacing, tolerance, expected = SURFACES[name]
    scores = segmentation_scores(box(prediction), box(CUBE), spacing=spacing, tolerance=tolerance)
    assert scores["foreground/nsd"] == pytest.approx(expected)


def test_surface_dice_equals_monai_on_random_labels():
    prediction, truth, spacing = blobs(0), blobs(0) * (blobs(1) > 0), (1.0, 2.5, 4.0)
    scores = segmentation_scores(prediction, truth, spacing=spacing, labels=(1, 2), tolerance=1.5)
    one_hot = [torch.stack([torch.from_numpy(mask == value) for value in (1, 2)])[None] for mask in (prediction, truth)]
    expected = SurfaceDiceMetric([1.5, 1.5], include_background=True)(*one_hot, spacing=spacing)[0]
    for value in (1, 2):
        assert scores[f"label_{value}/nsd"] == pytest.approx(float(expected[value - 1]))


def test_lesions_are_summed_over_cases():
    """Two of three found, one invented, in all: F1 = 4 / (4 + 1 + 1); recall and precision 2/3."""
    apart = ((8, 10), (7, 9), (0, 2))
    rows = [
        segmentation_scores(box(CUBE), box(CUBE) | box(apart), spacing=(1, 1, 1)),
        segmentation_scores(box(CUBE) | box(apart), box(CUBE), spacing=(1, 1, 1)),
        segmentation_scores(box(None), box(None), spacing=(1, 1, 1)),
    ]
    result = summary(rows)["foreground"]
    assert (result["lesions_found"], result["lesions_missed"], result["lesions_invented"]) == (2, 1, 1)
    for name in ("f1", "recall", "precision"):
        low, high = result[f"lesion_{name}"]["interval"]
        assert result[f"lesion_{name}"]["value"] == pytest.approx(2 / 3)
        assert low <= 2 / 3 <= high
    assert summary(rows[2:])["foreground"]["lesion_f1"] == {"value": None, "interval": None}
