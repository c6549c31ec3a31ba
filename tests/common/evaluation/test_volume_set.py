"""Volume sets: keys of content, parts, changes."""

import pytest
import torch

from common.evaluation.volume_set import VolumeSet
from common.files import content_sha256


@pytest.fixture
def volumes(tmp_path):
    cases = []
    for name in "abc":
        (tmp_path / name).write_text(name)
        (tmp_path / f"{name}_label").write_text(f"{name} label")
        cases.append({"case_id": name, "image": str(tmp_path / name), "label": str(tmp_path / f"{name}_label")})
    items = [{"image": torch.full((1, 2, 2, 2), i), "spacing": torch.ones(3)} for i in range(3)]
    return VolumeSet("real", cases, items, {"size": [2, 2, 2]})


def test_keys_follow_the_content_and_the_recipe_not_the_place(volumes, tmp_path):
    (tmp_path / "elsewhere").write_text("a")
    moved = VolumeSet("x", [{**volumes.cases[0], "image": str(tmp_path / "elsewhere")}], [], {"size": (2, 2, 2)})
    assert moved.keys == volumes.keys[:1]
    assert len(set(volumes.keys)) == 3
    assert VolumeSet("x", volumes.cases, [], {"size": [4, 2, 2]}).keys[0] != volumes.keys[0]
    for fact in ({"centre": "A"}, {"cropped": True}, {"label_values": [0, 5]}):  # the case is prepared otherwise
        assert VolumeSet("x", [{**volumes.cases[0], **fact}], [], volumes.recipe).keys[0] != volumes.keys[0]
    (tmp_path / "a").write_text("other")
    assert VolumeSet("x", volumes.cases, [], volumes.recipe).keys[0] != volumes.keys[0]


def test_a_selection_keeps_order_and_keys(volumes):
    part = volumes.select([2, 0], name="part")
    assert part.ids == ["c", "a"]
    assert [int(item["image"].max()) for item in part.volumes] == [2, 0]
    assert part.keys == [volumes.keys[2], volumes.keys[0]]
    assert len(part) == 2


def test_a_change_applies_to_items_and_tells_in_the_keys(volumes):
    changed = volumes.changed(lambda item: {**item, "image": item["image"] + 10}, name="brighter")
    assert int(changed.volumes[1]["image"].max()) == 11
    assert not set(changed.keys) & set(volumes.keys)
    more = volumes.changed(lambda item: item, name="brighter", settings={"by": 20})
    assert not set(more.keys) & set(changed.keys)
    assert changed.recipe == {"size": [2, 2, 2], "changed": ["brighter", {}]}


def test_labels_are_all_or_none(volumes):
    assert volumes.has_labels
    without = [{key: value for key, value in case.items() if key != "label"} for case in volumes.cases[:1]]
    assert not VolumeSet("x", [*without, *volumes.cases], []).has_labels


def test_the_hash_knows_no_order_of_keys():
    assert content_sha256({"a": 1, "b": [2]}) == content_sha256({"b": (2,), "a": 1})
    assert content_sha256({"a": 1}) != content_sha256({"a": 2})
