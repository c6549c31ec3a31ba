import pytest

from common.evaluation.masks import MaskRealism

QUICK = {"replicates": 20, "splits": 4}


def test_masks_of_one_size_have_no_distance_in_volume(build_sets, tmp_path):
    metrics = MaskRealism(**QUICK)(build_sets(), tmp_path).metrics
    assert metrics["mask/label_1/volume"]["value"] == 0
    assert metrics["mask/label_1/volume"]["real_mean"] == pytest.approx(64 * 8 / 1000)  # ml of 4³ voxels of 2 mm
    assert metrics["mask/label_2/present"]["generated_mean"] == 1
    brighter = MaskRealism(**QUICK)(build_sets(brightness=100), tmp_path).metrics
    assert brighter["mask/foreground/hu_mean"]["value"] == pytest.approx(100, abs=6)
