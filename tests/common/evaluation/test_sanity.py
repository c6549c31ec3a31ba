"""The sanity check of the scores, on volumes small enough to know what must come out."""

import csv

import pytest
import torch

from common.evaluation.sanity import Sanity, shuffle_masks
from common.metrics.frechet import frechet_distance


def test_shuffled_masks_belong_to_another_case_and_all_are_there(build_sets):
    real = build_sets().real
    shuffled = shuffle_masks(real, seed=3)
    masks = [case["label"] for case in shuffled.cases]
    assert sorted(masks) == sorted(case["label"] for case in real.cases)
    assert all(mask != case["label"] for mask, case in zip(masks, real.cases, strict=True))
    for i, case in enumerate(shuffled.cases):
        partner = next(j for j, other in enumerate(real.cases) if other["label"] == case["label"])
        assert torch.equal(shuffled.volumes[i]["label"], real.volumes[partner]["label"])
        assert torch.equal(shuffled.volumes[i]["image"], real.volumes[i]["image"])
    assert not set(shuffled.keys) & set(real.keys)


def test_one_case_cannot_be_shuffled(build_sets):
    with pytest.raises(ValueError, match="1 case, shuffling masks takes two or more"):
        shuffle_masks(build_sets().real.select([0]))


def test_changes_score_above_none_and_only_in_the_views_they_touch(build_sets, tmp_path):
    sets = build_sets()
    changes = {"brighter": lambda item: {**item, "image": item["image"] + 200}}
    check = Sanity(
        sets.real,
        reader=sets.reader,
        changes=changes,
        scores={"fid": frechet_distance},
        output_dir=tmp_path,
        replicates=10,
        cases=10,
    )
    rows = {(row["change"], row["view"]): row for row in check.run()}
    assert {change for change, _ in rows} == {"none", "brighter", "masks shuffled"}
    assert rows["brighter", "image"]["value"] > 10 * rows["none", "image"]["value"]
    assert rows["brighter", "mask"]["value"] == pytest.approx(rows["none", "mask"]["value"])
    assert rows["masks shuffled", "image"]["value"] == pytest.approx(rows["none", "image"]["value"])
    assert rows["masks shuffled", "mask"]["value"] == pytest.approx(rows["none", "mask"]["value"])
    assert rows["none", "pair"]["n"] == 10
    written = list(csv.DictReader((tmp_path / "sanity.csv").open()))
    assert len(written) == 9 and float(written[0]["value"]) == rows["none", "pair"]["value"]
