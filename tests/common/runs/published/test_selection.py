"""Which candidates are good, on written pairs."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from common.data.case import Case
from common.data.latents import latent_seed
from common.runs.published.selection import Selection

SOURCE = SimpleNamespace(settings={"hu_window": [-1024, 600], "label_names": {"0": "background", "1": "tumour"}})


class NearFilter:
    """Distances of 0.5 and 3 in turn; remembers the first image that it was given."""

    threshold = 1.0

    def distances(self, items, *, window):
        images = [item["image"].numpy() for item in items]
        self.first, self.window = images[0], window
        return np.array([0.5 if number % 2 else 3.0 for number in range(len(images))])


@pytest.fixture
def candidates(tmp_path, pair_of):
    """Function (**changes of image or label) -> numbered files: one good pair, and one with the changes."""

    def write(**changed):
        cases = {}
        for index in (4, 7):
            image, label = pair_of(index)
            pair = {"image": image, "label": label, **(changed if index == 7 else {})}
            cases[index] = Case(f"c{index}", *(tmp_path / f"{key}_{index}.nii.gz" for key in pair))
            for path, volume in zip((cases[index].image, cases[index].label), pair.values(), strict=True):
                nib.save(nib.Nifti1Image(volume, np.diag([6.0, 6.0, 6.0, 1.0])), path)
        return cases

    return write


EMPTY = {"label": np.zeros((32, 32, 16), np.uint8)}
UNIFORM = {"image": np.full((32, 32, 16), 50, np.int16)}
# settings, what is changed: reason and distance of the first pair and of the changed one
JUDGED = {
    "both good": ({}, {}, [(None, None), (None, None)]),
    "empty mask": ({}, EMPTY, [(None, None), ("empty mask", None)]),
    "empty mask that may stay": ({"empty_masks": True}, EMPTY, [(None, None), (None, None)]),
    "no air": ({}, UNIFORM, [(None, None), ("not HU", None)]),
    "no air asked for": ({"air_share": 0}, UNIFORM, [(None, None), (None, None)]),
    "a copy": ({"copy_filter": NearFilter()}, {}, [(None, 3.0), ("near a training case", 0.5)]),
    "bad and a copy": ({"copy_filter": NearFilter()}, EMPTY, [(None, 3.0), ("empty mask", 0.5)]),
}


@pytest.mark.parametrize("case", JUDGED)
def test_reasons_and_distances(candidates, case):
    settings, changed, expected = JUDGED[case]
    verdicts = Selection(**settings).judge(candidates(**changed), SOURCE, hu_step=1)
    assert [verdict.index for verdict in verdicts] == [4, 7]
    assert [(verdict.reason, verdict.distance) for verdict in verdicts] == expected


def test_what_is_compared_is_what_the_set_will_hold(candidates, pair_of):
    near = NearFilter()
    Selection(copy_filter=near).judge(candidates(), SOURCE, hu_step=8)
    assert near.window == (-1024, 600)
    assert not (near.first % 8).any()
    assert np.abs(near.first[0] - pair_of(4)[0].clip(-1024, 600)).max() <= 4


class FindsNothingIn:
    """A mask filter that has found the mask of all but one."""

    def __init__(self, missed):
        self.missed = missed
        self.asked = []

    def reasons(self, entries):
        self.asked = [entry["case_id"] for entry in entries]
        return [(0.1, "mask not found") if case_id == self.missed else (0.8, None) for case_id in self.asked]


def test_masks_are_judged_of_pairs_that_are_good_so_far(candidates):
    masks = FindsNothingIn("c7")
    verdicts = Selection(mask_filter=masks).judge(candidates(), SOURCE, hu_step=1)
    assert [(verdict.reason, verdict.dice) for verdict in verdicts] == [(None, 0.8), ("mask not found", 0.1)]
    verdicts = Selection(mask_filter=masks).judge(candidates(**EMPTY), SOURCE, hu_step=1)
    assert masks.asked == ["c4"]
    assert [(verdict.reason, verdict.dice) for verdict in verdicts] == [(None, 0.8), ("empty mask", None)]


def test_flagged_pairs_are_left_out_by_checkpoint_and_seed(candidates):
    source = SimpleNamespace(**vars(SOURCE), sha256="ab", seed=3)
    flagged = frozenset({("ab", latent_seed(3, 7)), ("cd", latent_seed(3, 4))})  # the second is of another checkpoint
    verdicts = Selection(flagged=flagged).judge(candidates(), source, hu_step=1)
    assert [(verdict.index, verdict.reason) for verdict in verdicts] == [(4, None), (7, "flagged by a viewer")]
