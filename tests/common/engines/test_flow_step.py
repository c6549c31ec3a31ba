import pytest
import torch
from torch import nn

from common.engines.flow_step import FlowStep, with_components
from common.networks.latent_flow import LatentFlow


class Flow(nn.Module):
    """Says the same velocity everywhere, 0 at first; remembers what it was called with."""

    def __init__(self):
        super().__init__()
        self.velocity = nn.Parameter(torch.zeros(()))
        self.seen = []

    def forward(self, code, level, class_labels):
        self.seen.append((code, level, class_labels))
        return self.velocity.expand_as(code)


@pytest.fixture
def generator():
    generator = LatentFlow((8, 8, 8), labels=2, latent_channels=2, channels=[8, 8], sampling_steps=1)
    generator.flow = Flow()
    return generator


def batch(given, *, image=(3.0, 1.0), mask=(3.0, 0.0), level=250.0):
    """Codes and noise (2, 2 + 8, 2, 2, 2) of these constants."""
    count = len(given)
    code, noise = (
        torch.cat([torch.full((count, 2, 2, 2, 2), image[i]), torch.full((count, 8, 2, 2, 2), mask[i])], 1)
        for i in range(2)
    )
    given = torch.tensor(given)
    part = (1.0 - given) * count / (1 - given).sum().clamp_min(1)
    return {"code": code, "noise": noise, "given": given, "mask_part": part, "level": torch.full((count,), level)}


def test_the_loss_of_a_flow_that_stands_still(generator):
    losses = FlowStep(generator, mask_weight=0.3).loss(batch([1, 0]))
    assert losses["of_image"].item() == 4  # (3 - 1)²
    assert losses["of_mask"].item() == 9  # 3², of the one mask that is drawn
    assert losses["flow"].item() == pytest.approx(4 + 0.3 * 9)


def test_the_exact_velocity_has_no_loss(generator):
    generator.flow.velocity.data += 2
    losses = FlowStep(generator).loss(batch([0, 1], mask=(5.0, 3.0)))
    assert {name: value.item() for name, value in losses.items()} == {"flow": 0, "of_image": 0, "of_mask": 0}


def test_given_masks_are_clean_and_have_no_loss(generator):
    losses = FlowStep(generator).loss(batch([1, 1]))
    assert losses["of_mask"].item() == 0 and losses["flow"].item() == 4
    losses["of_mask"].backward()
    assert generator.flow.velocity.grad.item() == 0
    ((code, level, given),) = generator.flow.seen
    assert code[:, 2:].eq(3).all() and given.tolist() == [1, 1] and level.tolist() == [250, 250]


def test_a_quarter_of_the_way_back_a_quarter_is_noise(generator):
    FlowStep(generator).loss(batch([1, 0]))
    ((code, _, _),) = generator.flow.seen
    assert code[:, :2].eq(0.75 * 3 + 0.25 * 1).all()
    assert code[1, 2:].eq(0.75 * 3).all()


def test_the_mean_over_parts_of_a_batch_is_the_loss_of_the_batch(generator):
    step = FlowStep(generator)
    whole = batch([1, 0, 0, 0]) | {"noise": torch.randn(4, 10, 2, 2, 2)}
    parts = [{name: value[first : first + 2] for name, value in whole.items()} for first in (0, 2)]
    for name, loss in step.loss(whole).items():
        torch.testing.assert_close(sum(step.loss(part)[name] for part in parts) / 2, loss)


@pytest.mark.parametrize(("share", "expected"), [(0.0, [0]), (1.0, [1]), (0.6, [0, 1])])
def test_draws(generator, share, expected):
    drawn = FlowStep(generator, given_share=share).draw(500, torch.Generator().manual_seed(0))
    assert drawn["noise"].shape == (500, 10, 2, 2, 2)
    assert drawn["given"].unique().tolist() == expected
    assert drawn["given"].float().mean().item() == pytest.approx(share, abs=0.05)
    assert drawn["level"].min() > 0 and drawn["level"].max() < 1000
    assert drawn["level"].median().item() == pytest.approx(500, abs=30)  # sigmoid of a normal number's median, 0
    assert drawn["mask_part"][drawn["given"].bool()].eq(0).all()
    assert drawn["mask_part"].mean().item() == pytest.approx(float(share < 1), abs=1e-5)


def test_the_same_generator_of_numbers_draws_the_same(generator):
    first, again = (FlowStep(generator).draw(3, torch.Generator().manual_seed(5)) for _ in range(2))
    torch.testing.assert_close(first, again, atol=0, rtol=0)


def test_codes_are_those_of_the_generator(generator):
    pairs = torch.stack([torch.rand(2, 8, 8, 8) * 2 - 1, torch.full((2, 8, 8, 8), -1.0)], 1)
    code = FlowStep(generator).prepare(pairs, torch.Generator())["code"]
    assert torch.equal(code, generator.encode(pairs)) and code[:, 2:].eq(-1).all()


def test_pairs_of_another_size_and_shares_beyond_one_are_refused(generator):
    with pytest.raises(ValueError, match=r"batch of pairs \[2, 8, 8, 4\], expected the generator's \[2, 8, 8, 8\]"):
        FlowStep(generator).prepare(torch.zeros(1, 2, 8, 8, 4), torch.Generator())
    with pytest.raises(ValueError, match=r"given_share is 1\.5, expected 0 to 1"):
        FlowStep(generator, given_share=1.5)


@pytest.mark.parametrize(("count", "most", "taken"), [(3, 256, [0, 1, 2]), (9, 3, [0, 3, 6]), (10, 3, [0, 4, 8])])
def test_components_are_found_in_some_of_the_cases_evenly(generator, count, most, taken):
    asked = []

    def item(number):
        asked.append(number)
        return {"pair": torch.rand(2, 8, 8, 8, generator=torch.Generator().manual_seed(number)) * 2 - 1}

    data = type("Data", (), {"__len__": lambda self: count, "__getitem__": lambda self, number: item(number)})()
    fitted = with_components(generator, data, cases=most)
    assert fitted is generator and asked == taken
    assert fitted.image_code.mean.abs().max() > 0
