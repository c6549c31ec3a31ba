from math import exp, lgamma, sqrt

import pytest
import torch

from common.losses.path_length import PathLength, path_lengths
from common.networks import stylegan2_generator

SHAPES = [(1, 3, 9), (1, 3, 3, 3), (3, 3, 3)]  # channels and axes, 27 numbers each


def styles(batch, layers, dim):
    return torch.randn(batch, layers, dim, requires_grad=True)


def linear(matrix, w, shape):
    """Images A·Σ_l w_l, whose Jacobian in each layer is A."""
    return (w.sum(1) @ matrix.T).view(len(w), *shape)


def orthogonal(n, scale):
    return scale * torch.linalg.qr(torch.randn(n, n)).Q


def test_value_and_gradient_worked_out_by_hand():
    matrix = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    y = torch.tensor([3.0, 2.0, 7.0, -1.0]).view(1, 1, 2, 2)
    w = styles(1, 1, 2)
    loss_function = PathLength()
    loss = loss_function(w, linear(matrix, w, (1, 2, 2)), y)  # Aᵀy = (3, 4): 5, over √4 pixels: 2.5
    assert loss_function.mean.item() == pytest.approx(0.025)
    assert loss.item() == pytest.approx((2.5 - 0.025) ** 2)
    loss.backward()  # 2·2.475·y_i·(Aᵀy)_j / (5·√4)
    expected = 2 * 2.475 * y.view(4, 1) * torch.tensor([[3.0, 4.0]]) / 10
    torch.testing.assert_close(matrix.grad, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_orthogonal_map_has_the_length_of_its_noise(shape):
    torch.manual_seed(0)
    w, y = styles(6, 1, 27), torch.randn(6, *shape)
    pixels = 27 / shape[0]
    lengths = path_lengths(w, linear(orthogonal(27, 3.0), w, shape), y)
    torch.testing.assert_close(lengths, 3 * y.flatten(1).norm(dim=1) / sqrt(pixels))


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_the_running_mean_converges_to_the_mean_length(shape):
    torch.manual_seed(0)
    loss_function, matrix = PathLength(decay=0.1), orthogonal(27, 3.0)
    for _ in range(60):
        w = styles(64, 1, 27)
        loss = loss_function(w, linear(matrix, w, shape), torch.randn(64, *shape))
    mean_norm = sqrt(2) * exp(lgamma(14) - lgamma(13.5))  # of 27 normal numbers
    assert loss_function.mean.item() == pytest.approx(3 * mean_norm / sqrt(27), rel=0.02)
    assert loss.item() < 1  # all lengths are nearly equal: 9 · Var‖y‖ / 27 is about 1/6


def test_squared_lengths_are_averaged_over_the_layers():
    torch.manual_seed(0)
    matrix, y, w = torch.randn(4, 3), torch.randn(2, 1, 2, 2), styles(2, 4, 3)
    one = (y.flatten(1) @ matrix).norm(dim=1) / 2
    torch.testing.assert_close(path_lengths(w, linear(matrix, w, (1, 2, 2)), y), one)
    torch.testing.assert_close(path_lengths(w, linear(matrix, w[:, :1], (1, 2, 2)), y), one / 2)


def test_the_mean_stands_still_in_evaluation_and_is_part_of_the_state():
    loss_function = PathLength().eval()
    loss_function.mean.fill_(2)
    w = styles(1, 1, 4)
    loss = loss_function(w, linear(torch.eye(4), w, (1, 2, 2)), torch.full((1, 1, 2, 2), 3.0))
    assert loss.item() == pytest.approx((3 - 2) ** 2)
    assert loss_function.state_dict() == {"mean": torch.tensor(2.0)}


def test_a_map_of_length_zero_has_a_finite_gradient():
    matrix, w = torch.zeros(4, 3, requires_grad=True), styles(2, 1, 3)
    PathLength()(w, linear(matrix, w, (1, 2, 2)), torch.randn(2, 1, 2, 2)).backward()
    assert matrix.grad.isfinite().all()


@pytest.mark.parametrize("size", [(9, 16), (8, 9, 8)])
@pytest.mark.parametrize("amp", [False, True])
def test_the_generator_is_differentiable_twice(size, amp):
    torch.manual_seed(0)
    network = stylegan2_generator.StyleGAN2Generator(size, latent_dim=8, channels=2, mapping_layers=2)
    noise = network.draw(2, torch.Generator().manual_seed(0))
    loss_function = PathLength()
    with torch.autocast("cpu", torch.bfloat16, enabled=amp):
        w = network.mixed_styles(noise["z"], noise["z_mix"], noise["mix_layer"])
        images = network.synthesise(w, noise["noise_seed"])
        loss = loss_function(w, images, torch.randn_like(images))
    loss.backward()
    assert loss.item() > 0
    silent = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set()
    assert all(p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("size", [(8, 8), (8, 8, 8)])
def test_the_gradient_of_a_smooth_generator_is_that_of_finite_differences(size, monkeypatch):
    monkeypatch.setattr(stylegan2_generator, "leaky_relu", torch.tanh)  # a kink changes the Jacobian at once
    torch.manual_seed(0)
    network = stylegan2_generator.StyleGAN2Generator(size, latent_dim=8, channels=2, mapping_layers=2)
    loss_function, z, y = PathLength().eval(), torch.randn(4, 8), torch.randn(4, 1, *size)
    weight = network.blocks[0].convs[0].conv.weight

    def loss():
        w = network.mixed_styles(z)
        return loss_function(w, network.synthesise(w), y)

    (gradient,) = torch.autograd.grad(loss(), weight)
    step = 0.1 * gradient / gradient.norm()
    with torch.no_grad():
        weight += step
    higher = loss().item()
    with torch.no_grad():
        weight -= 2 * step
    assert higher - loss().item() == pytest.approx(0.2 * gradient.norm().item(), rel=0.02)
