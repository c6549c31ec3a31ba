import torch

from common.data.latents import LatentDataset


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
