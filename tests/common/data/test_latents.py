import pytest
import torch

from common.data.latents import LatentDataset

CENTRES = {"by": "centre", "names": ["A", "B", "C"], "shares": [0.5, 0.25, 0.25]}


def test_a_case_does_not_depend_on_the_size_of_the_set():
    small, large = LatentDataset(2, 8, seed=4), LatentDataset(50, 8, seed=4)
    assert torch.equal(small[1]["image"], large[1]["image"])
    assert small[1]["seed"] == large[1]["seed"]


def test_cases_and_sets_differ():
    a, b = LatentDataset(3, 8, seed=0), LatentDataset(3, 8, seed=1)
    vectors = [item["image"] for dataset in (a, b) for item in (dataset[i] for i in range(3))]
    assert len({tuple(v.tolist()) for v in vectors}) == 6
    assert [a[i]["case_id"] for i in range(3)] == ["generated_00000", "generated_00001", "generated_00002"]


def test_latents_are_standard_normal():
    z = torch.stack([item["image"] for item in (LatentDataset(100, 256)[i] for i in range(100))])
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02


def test_a_seed_of_the_provenance_makes_the_case_again():
    item = LatentDataset(5, 8, seed=2)[3]
    assert torch.equal(item["image"], torch.randn(8, generator=torch.Generator().manual_seed(item["seed"])))


def test_chosen_numbers_are_the_cases_of_the_whole_set():
    whole, part = LatentDataset(9, 8, seed=2), LatentDataset(9, 8, seed=2, indices=[7, 3])
    assert len(part) == 2
    for item, index in zip((part[0], part[1]), (7, 3), strict=True):
        assert item["case_id"] == f"generated_{index:05d}"
        assert torch.equal(item["image"], whole[index]["image"])


def test_classes_follow_the_latents_as_often_as_in_the_training():
    conditional, plain = LatentDataset(400, 8, conditions=CENTRES), LatentDataset(400, 8)
    items = [conditional[i] for i in range(400)]
    assert all(torch.equal(item["image"][:8], plain[i]["image"]) for i, item in enumerate(items[:20]))
    one_hot = torch.stack([item["image"][8:] for item in items])
    assert one_hot.shape == (400, 3) and (one_hot.sum(1) == 1).all()
    assert [item["condition"] for item in items] == [CENTRES["names"][y] for y in one_hot.argmax(1)]
    torch.testing.assert_close(one_hot.mean(0), torch.tensor([0.5, 0.25, 0.25]), atol=0.07, rtol=0)  # 3 standard errors
    assert "condition" not in plain[0]


def test_the_class_of_a_case_depends_on_its_seed_alone():
    small, large = LatentDataset(5, 8, seed=4, conditions=CENTRES), LatentDataset(50, 8, seed=4, conditions=CENTRES)
    assert [small[i]["condition"] for i in range(5)] == [large[i]["condition"] for i in range(5)]


def test_one_class_alone():
    dataset = LatentDataset(20, 8, conditions=CENTRES, condition="B")
    items = [dataset[i] for i in range(20)]
    assert {item["condition"] for item in items} == {"B"}
    assert all(item["image"][8:].tolist() == [0, 1, 0] for item in items)
    assert torch.equal(items[3]["image"][:8], LatentDataset(20, 8)[3]["image"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conditions": CENTRES, "condition": "D"}, "condition is 'D', expected a centre .*: 'A', 'B', 'C'"),
        ({"condition": "A"}, "trained without classes: leave --condition out"),
    ],
)
def test_conditions_that_the_model_does_not_know_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LatentDataset(1, 8, **options)
