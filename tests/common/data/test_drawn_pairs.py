"""Pairs that are drawn in place of files: which, when, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from common.data.draws import DrawDataset
from common.data.generated_set import GeneratedSet
from common.data.leakage import LeakageError
from common.transforms import LoadCased
from tests.common.data.pair_files import mix_of


class Pairs:
    """Half air, half soft tissue of as many HU as the pair's number; trained on folds 1 and 2."""

    def __init__(self):
        self.drawn = []
        self.labels = {"0": "background", "1": "tumour"}

    def generated_set(self, count, *, renewed):
        notes = {"image": "a pair", "label": "a pair", "centre": "generated", "generator": "its hash"}
        notes |= {"renewed": True} if renewed else {}
        cases = [{**notes, "case_id": f"generated_{number}", "pair": number} for number in range(count)]
        form = {"image_size": [4] * 3, "spacing": [2.0] * 3, "hu_window": [-1024, 600], "binary_mask": True}
        return GeneratedSet(Path("gan"), cases, **form, training_ids=frozenset({"a3", "b2"}))

    def draw(self, number):
        self.drawn.append(number)
        image = np.full((1, 4, 4, 4), -1000, np.int16)
        image[:, 2:] = number
        affine = torch.diag(torch.tensor([2.0, 2, 2, 1], dtype=torch.float64))
        return {"image": MetaTensor(image, affine=affine), "label": MetaTensor((image >= 0) * 1, affine=affine)}

    def describe(self):
        return {"generator": "gan", "options": {"seed": 0}}


def dataset(mix, **options):
    load = Compose([LoadCased(["image", "label"], crop="none")])
    return DrawDataset(mix.training, load, seed=0, cache="none", **options)


def test_each_draw_is_a_new_pair_which_its_number_decides(datalist):
    """The first generated case stands behind the six real ones; with a count, the case decides, and the cache holds."""
    pairs = Pairs()
    mix = mix_of(datalist, fold=0, pairs=pairs)
    items = dataset(mix, pairs=pairs)
    assert [items[6, draw]["image"].max() for draw in (3, 40, 3)] == [3, 40, 3]
    assert items[6, 41]["image"].dtype == torch.float32 and items[6, 41]["label"].sum() == 32
    assert items[0, 41]["case_id"] in {"a2", "a3", "a4", "a5", "b1", "b2"}
    fixed = mix_of(datalist, fold=0, pairs=pairs, generated_count=2)
    numbers = [case["pair"] for case in fixed.training[6:]]
    pairs.drawn.clear()
    items = DrawDataset(fixed.training, items.transform, seed=0, cache="ram", pairs=pairs)
    assert sorted(numbers) == [0, 1] and pairs.drawn == numbers
    assert [items[7, draw]["image"].max() for draw in (3, 40)] == [numbers[1]] * 2 and pairs.drawn == numbers


def test_what_is_kept_on_record(datalist):
    described = mix_of(datalist, fold=0, pairs=Pairs(), generated_share=0.25).describe()
    assert described["counts"] == {"real": 6, "generated": "a new pair each draw", "validation": 3}
    known = described["generated"]
    assert known["generator"] == Pairs().describe() and known["generator_case_ids"] == ["a3", "b2"]
    assert known["case_ids"] is None
    counted = mix_of(datalist, fold=0, pairs=Pairs(), generated_count=3).describe()
    assert counted["counts"]["generated"] == 3 and len(counted["generated"]["case_ids"]) == 3


def test_the_cache_on_disk_knows_pairs_by_number_and_generator(datalist, tmp_path):
    """And real cases as without a generator."""
    alone = mix_of(datalist, fold=0)
    mixed = mix_of(datalist, fold=0, pairs=Pairs(), generated_count=2)
    load = Compose([LoadCased(["image", "label"], crop="none")])
    for mix, files in ((alone, 6), (mixed, 8), (mixed, 8)):
        items = DrawDataset(mix.training, load, seed=0, cache="disk", cache_dir=tmp_path / "cache", pairs=Pairs())
        assert len([items[number] for number in range(len(items))]) == len(mix.training)
        assert len(list((tmp_path / "cache").glob("*.pt"))) == files
        assert files == 6 or items[6]["image"].max() == mix.training[6]["pair"]


REFUSED = {
    "a set beside it": ({"generated_dir": "set"}, "generated_dir is set and generator gan, expected one of the two"),
    "a leak": ({"fold": 1}, "the generator of gan was trained on 1 of the 5 held-out cases"),
    "the site": ({"other_site": True}, "other_site is true, but the generator of gan was trained on 2"),
    "another grid": ({"spacing": [20, 20, 20]}, r"a pair has voxels of \[2.0, 2.0, 2.0\] mm, more than 6 times"),
    "another window": ({"hu_window": [700, 2000]}, "gan was generated in the HU window"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_of_a_set_is_refused_of_a_generator(datalist, name):
    options, message = REFUSED[name]
    with pytest.raises((ValueError, LeakageError), match=message):
        mix_of(datalist, **{"fold": 0, "pairs": Pairs(), **options})


def test_a_generator_of_labels_that_the_list_does_not_have_is_refused(datalist):
    pairs = Pairs()
    pairs.labels = {"0": "background", "7": "node"}
    with pytest.raises(ValueError, match=r"of which the real list has no \[7\], only \[0, 1, 2\]"):
        mix_of(datalist, fold=0, pairs=pairs)
