"""What a program, not a reader, could tell real and generated volumes by, and may not.

Both sides show the same phantoms here. One half of them is what real pairs become: cut at the ends of the HU window.
The other is what generators write: a tanh that comes near the ends and never reaches them, rounded to steps.
"""

import zlib

import nibabel as nib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, cross_val_score

from common.reader_study.blinding import blinded_pair, without_traces
from common.web.neutral_nifti import neutral_nifti

WINDOW = (-1024, 600)
SIZE = (24, 24, 12)


@pytest.fixture(scope="module")
def phantoms(phantom_dir):
    """Four parts of each of ten phantoms, (image, mask, number of the phantom)."""
    rng = np.random.default_rng(1)
    cases = []
    for number, path in enumerate(sorted((phantom_dir / "images").iterdir())):
        volumes = [np.asarray(nib.load(phantom_dir / part / path.name).dataobj) for part in ("images", "labels")]
        for _ in range(4):
            starts = [rng.integers(whole - part + 1) for whole, part in zip(volumes[0].shape, SIZE, strict=True)]
            place = tuple(slice(start, start + part) for start, part in zip(starts, SIZE, strict=True))
            cases.append((*(volume[place] for volume in volumes), number))
    return cases


def as_real(image):
    return np.clip(image, *WINDOW).astype(float)


def as_generated(image, step, rng):
    x = (np.clip(image, *WINDOW) - WINDOW[0]) / (WINDOW[1] - WINDOW[0]) * 2 - 1 + rng.normal(0, 0.004, image.shape)
    near = 0.9 + 0.1 * np.tanh((np.abs(x) - 0.9) / 0.1)
    x = np.where(np.abs(x) > 0.9, np.sign(x) * near, x)
    return np.round(((x + 1) / 2 * (WINDOW[1] - WINDOW[0]) + WINDOW[0]) / step) * step


def facts(image_file, mask_file):
    """Of the served bytes: ends, piles, distinct values, combs, sizes as sent and compressed."""
    image = np.asarray(nib.Nifti1Image.from_bytes(image_file).dataobj).astype(int)
    lowest, highest = image.min(), image.max()
    counts = np.bincount((image - lowest).ravel())
    combs = [abs(np.exp(2j * np.pi * image / step).mean()) for step in range(2, 11)]
    return [
        *(float((image == end).mean()) for end in (*WINDOW, lowest, highest)),
        *(lowest, highest, np.count_nonzero(counts), np.sort(counts)[-3:].sum() / image.size, *combs),
        *(len(image_file), len(mask_file), len(zlib.compress(image_file)), len(zlib.compress(mask_file))),
    ]


def accuracy(phantoms, step, blind):
    """Of a forest on the facts, for phantoms that it was not fitted on; 0.5 is chance."""
    rng = np.random.default_rng(3)
    files = [
        blind(shown, mask, rng)
        for image, mask, _ in phantoms
        for shown in (as_real(image), as_generated(image, step, rng))
    ]
    assert len({image[:352] + mask[:352] for image, mask in files}) == 1  # one header
    sides, groups = np.tile([0, 1], len(phantoms)), np.repeat([number for *_, number in phantoms], 2)
    forest = RandomForestClassifier(30, random_state=0)
    return cross_val_score(
        forest, np.array([facts(*pair) for pair in files]), sides, groups=groups, cv=GroupKFold(5)
    ).mean()


def blinded(image, mask, rng):
    pair = {"image": image[None], "label": mask[None].astype(float)}
    return blinded_pair(pair, spacing=(1, 1, 1), hu_window=WINDOW, layout="scroll", rng=rng)


def rounded(image, mask, rng):
    """Whole HU, and nothing else: what a blinding that looks at headers alone would serve."""
    return tuple(neutral_nifti(np.rint(volume).astype(np.int16), spacing=(1, 1, 1)) for volume in (image, mask))


@pytest.mark.parametrize("step", [1, 4, 8])
def test_a_classifier_of_such_facts_stays_at_chance(phantoms, step):
    """80 volumes: chance has a standard deviation of 0.056."""
    assert accuracy(phantoms, step, rounded) == 1
    assert 0.34 < accuracy(phantoms, step, blinded) < 0.66


def test_the_ends_and_the_air_hold_noise_alone():
    """1/16 of 1624 HU at each end, air below -900 HU: 0.25 of the voxels at either end, the rest as they are."""
    image = np.full((40, 40, 40), 100.0)
    image[:10], image[10:20], image[20:30] = -1024, -901, 600
    shown = without_traces(image, hu_window=WINDOW, rng=np.random.default_rng(0)).astype(float)
    for part, level in ((shown[:10], -900), (shown[10:20], -900), (shown[20:30], 498.5), (shown[30:], 100)):
        assert part.mean() == pytest.approx(level, abs=0.2)  # three standard errors of 16,000 voxels
        assert part.std() == pytest.approx(6, abs=0.15)
    assert (shown == -1024).sum() == (shown == 600).sum() == 0


@pytest.mark.parametrize(
    ("window", "floor", "ceiling"), [((-2048, 3071), -900, 2751), ((-160, 240), -135, 215), ((-1024, -800), -900, -814)]
)
def test_the_ends_are_those_of_the_generators_window(window, floor, ceiling):
    image = np.concatenate([np.full((20, 20, 20), -3000.0), np.full((20, 20, 20), 3000.0)])
    shown = without_traces(image, hu_window=window, rng=np.random.default_rng(0))
    assert (shown.min() >= window[0], shown.max() <= window[1]) == (True, True)
    assert shown[:20].mean() == pytest.approx(floor, abs=0.5)
    assert shown[20:].mean() == pytest.approx(ceiling, abs=0.5)
