import pytest
import torch

from common.engines.adam import AdamOfGradients, adam


def networks(count=2):
    rng = torch.Generator().manual_seed(0)
    weights = [torch.randn(3, 700, 130, generator=rng), torch.randn(5, generator=rng)]  # the first in two chunks
    return [[torch.nn.Parameter(w.clone()) for w in weights] for _ in range(count)]


def learn(parameters, optimizer, steps, seed=1):
    rng = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=rng) * 10.0 ** torch.randint(
                -6, 3, (), generator=rng
            )
        optimizer.step()


def test_without_a_first_moment_the_numbers_are_those_of_torch():
    ours, theirs = networks()
    learn(ours, adam(ours, lr=0.01, betas=(0.0, 0.99)), 20)
    learn(theirs, torch.optim.Adam(theirs, lr=0.01, betas=(0.0, 0.99)), 20)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_the_first_step_worked_out_by_hand():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    weight.grad = torch.tensor([4.0, 0.0])
    optimizer = AdamOfGradients([weight], lr=0.5, beta2=0.75, eps=4.0)
    optimizer.step()
    # v = 0.25·16 = 4, corrected by 1 - 0.75: 16; 1 - 0.5·4 / (4 + 4)
    assert weight.tolist() == [0.75, -2.0]
    assert optimizer.state[weight]["exp_avg_sq"].tolist() == [4.0, 0.0]


def test_one_number_is_kept_for_each_weight():
    (parameters,) = networks(1)
    optimizer = adam(parameters, lr=0.1, betas=[0.0, 0.999])
    learn(parameters, optimizer, 1)
    kept = [value.numel() for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    assert sum(kept) == sum(p.numel() for p in parameters)


def test_it_goes_on_from_its_state_to_the_bit():
    whole, parts = networks()
    uninterrupted = adam(whole, lr=0.1, betas=(0.0, 0.9))
    learn(whole, uninterrupted, 3)
    learn(whole, uninterrupted, 2, seed=2)
    first, again = (adam(parts, lr=0.1, betas=(0.0, 0.9)) for _ in range(2))
    learn(parts, first, 3)
    again.load_state_dict(first.state_dict())
    learn(parts, again, 2, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_weights_without_gradients_stay():
    (parameters,) = networks(1)
    before = parameters[0].detach().clone()
    AdamOfGradients(parameters, lr=0.1).step()
    assert torch.equal(parameters[0], before)


@pytest.mark.parametrize("betas", [(0.5, 0.99), (0.9, 0.999)])
def test_with_a_first_moment_it_is_torchs_own(betas):
    (parameters,) = networks(1)
    optimizer = adam(parameters, lr=0.1, betas=list(betas))
    assert isinstance(optimizer, torch.optim.Adam) and optimizer.defaults["betas"] == betas


def test_a_closure_makes_the_gradients_anew_and_its_value_is_returned():
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = AdamOfGradients([weight], lr=0.5, beta2=0.75, eps=0.0)

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9
    assert weight.tolist() == [2.5]  # g / √g² is 1
