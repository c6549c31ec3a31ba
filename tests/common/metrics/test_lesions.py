import numpy as np
import pytest

from common.metrics.lesions import count_lesions


def line(*parts, length=40):
    """A mask (length, 3, 3) with the given ranges along x filled."""
    mask = np.zeros((length, 3, 3), bool)
    for start, stop in parts:
        mask[start:stop] = True
    return mask


# parts of the prediction, parts of the truth, threshold: found, missed, invented
WORKED = {
    "the same": ([(0, 4)], [(0, 4)], 0.3, (1, 0, 0)),
    "nothing at all": ([], [], 0.3, (0, 0, 0)),
    "nothing predicted": ([], [(0, 4), (6, 9)], 0.3, (0, 2, 0)),
    "nothing to find": ([(0, 4)], [], 0.3, (0, 0, 1)),
    "an overlap of 2/6 is enough for 0.3": ([(2, 6)], [(0, 4)], 0.3, (1, 0, 0)),
    "and not for 0.5": ([(2, 6)], [(0, 4)], 0.5, (0, 1, 1)),
    "one part over two lesions finds one": ([(0, 20)], [(0, 8), (10, 20)], 0.3, (1, 1, 0)),
    "two parts of one lesion: one is right": ([(0, 8), (9, 20)], [(0, 20)], 0.3, (1, 0, 1)),
    "the best pair first, then what is left": ([(0, 6), (7, 20)], [(5, 20)], 0.01, (1, 0, 1)),
}


@pytest.mark.parametrize("name", WORKED)
def test_worked_lines(name):
    predicted, real, iou, expected = WORKED[name]
    assert count_lesions(line(*predicted), line(*real), iou=iou) == expected


def test_parts_that_touch_at_a_corner_are_one():
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert count_lesions(np.zeros_like(mask), mask) == (0, 1, 0)


def blobs(seed, level=3.2):
    noise = np.random.default_rng(seed).normal(size=(24, 20, 16))
    for axis in range(3):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
    return noise > level


# what panoptica 2.1.7 counts, by threshold and seed: ConnectedComponentsInstanceApproximator, NaiveThresholdMatching
PANOPTICA = {
    0.1: [(7, 7, 5), (3, 26, 4), (1, 11, 6), (5, 11, 3), (2, 10, 6), (3, 8, 8), (6, 9, 1), (1, 31, 12)],
    0.3: [(7, 7, 5), (2, 27, 5), (0, 12, 7), (5, 11, 3), (2, 10, 6), (0, 11, 11), (6, 9, 1), (1, 31, 12)],
    0.5: [(7, 7, 5), (0, 29, 7), (0, 12, 7), (5, 11, 3), (0, 12, 8), (0, 11, 11), (6, 9, 1), (0, 32, 13)],
}


@pytest.mark.parametrize("iou", PANOPTICA)
@pytest.mark.parametrize("seed", range(8))
def test_counts_as_panoptica_does(seed, iou):
    truth = blobs(seed)
    prediction = np.roll(truth, seed % 3, 0) & blobs(seed + 50, level=-6) | blobs(seed + 20, level=5)
    assert count_lesions(prediction, truth, iou=iou) == PANOPTICA[iou][seed]
