"""A generated set that a segmenter cannot take."""

import json

import numpy as np
import pytest

from tests.common.data.pair_files import SHAPE, mix_of, save_pair, write


def image(values):
    return np.resize(np.array(values, np.float32), SHAPE)


LPS = np.diag([-2.0, -2, 2, 1])
# what is saved in place of the eight generated pairs, message
MISFITS = [
    ({"affine": LPS}, "orientation LPS, expected RAS"),
    ({"affine": np.diag([2.0, 2, 14, 1])}, r"voxels of \[2.0, 2.0, 14.0\] mm, more than 6 times"),
    ({"image": image([-1, 0, 1])}, r"holds values -1 to 1, .*segmenter's window \[-1024, 600\] HU"),
    ({"image": image([0, 128, 255])}, "holds values 0 to 255, .*expected Hounsfield units"),
    ({"image": image([-1000, 5000, 9000])}, "holds values -1000 to 9000, 33% of them near"),
]


@pytest.mark.parametrize(("pair", "message"), MISFITS)
def test_a_set_that_does_not_fit_the_segmenter_is_refused(datalist, generated_dir, pair, message):
    for number in range(8):
        save_pair(generated_dir, f"generated_{number}", **pair)
    with pytest.raises(ValueError, match=message):
        mix_of(datalist, fold=0, generated_dir=generated_dir)


def test_images_without_masks_are_refused(datalist, generated_dir):
    content = json.loads((generated_dir / "dataset.json").read_text())
    for case in content["training"]:
        del case["label"]
    write(generated_dir / "dataset.json", content)
    with pytest.raises(ValueError, match=r"images without masks.*GAN of pairs"):
        mix_of(datalist, fold=0, generated_dir=generated_dir)


def test_masks_of_one_foreground_do_not_train_a_segmenter_of_two(datalist, generated_dir):
    content = json.loads((generated_dir / "dataset.json").read_text())
    write(generated_dir / "dataset.json", content | {"labels": {"0": "background", "1": "lesion"}})
    with pytest.raises(ValueError, match=r"one foreground, .* labels \[0, 1, 2\]: train with --binary_mask True"):
        mix_of(datalist, fold=0, generated_dir=generated_dir, binary_mask=False)
    assert mix_of(datalist, fold=0, generated_dir=generated_dir).counts["generated"] == 6
