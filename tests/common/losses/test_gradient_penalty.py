import pytest
import torch

from common.losses.gradient_penalty import gradient_penalty, r1_penalty


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_penalty_of_a_linear_critic_is_its_slope_minus_one_squared(norm):
    """D(x) = w·x has the gradient w everywhere: (‖w‖ − 1)²."""
    w = torch.randn(12)
    w = norm * w / w.norm()
    real, fake = torch.randn(5, 3, 4), torch.randn(5, 3, 4)
    penalty = gradient_penalty(lambda x: x.flatten(1) @ w[:, None], [real], [fake], torch.rand(5))
    assert penalty.item() == pytest.approx((norm - 1) ** 2, abs=1e-6)


def test_norm_is_taken_over_all_inputs_together():
    """D(a, b) = 3a + 4b: ‖(3, 4)‖ = 5, so the penalty is 16 and R1 is 25 / 2."""
    a, b = torch.randn(6, 1), torch.randn(6, 1)
    critic = lambda a, b: 3 * a + 4 * b  # noqa: E731
    assert gradient_penalty(critic, [a, b], [b, a], torch.rand(6)).item() == pytest.approx(16)
    assert r1_penalty(critic, [a, b]).item() == pytest.approx(12.5)


def test_penalty_is_taken_between_real_and_fake_where_epsilon_says():
    """D(x) = x²/2 has the gradient x̂ = ε·real + (1 − ε)·fake."""
    real, fake, epsilon = torch.tensor([[4.0]]), torch.tensor([[0.0]]), torch.tensor([0.75])
    penalty = gradient_penalty(lambda x: x**2 / 2, [real], [fake], epsilon)
    assert penalty.item() == pytest.approx((3 - 1) ** 2)


def test_r1_of_a_quadratic_is_half_the_mean_squared_norm():
    x = torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    assert r1_penalty(lambda x: (x**2).sum(1, keepdim=True) / 2, [x]).item() == pytest.approx((5 + 9) / 2 / 2)


def test_penalties_can_be_minimised():
    layer = torch.nn.Linear(3, 1, bias=False)
    gradient_penalty(layer, [torch.randn(4, 3)], [torch.randn(4, 3)], torch.rand(4)).backward()
    w = layer.weight.detach()
    torch.testing.assert_close(layer.weight.grad, 2 * (w.norm() - 1) * w / w.norm())
