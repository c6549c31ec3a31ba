"""The segmenter that pre-trains the extractor."""

import pytest
import torch

from common.networks.organ_segmenter import OrganSegmenter

CASES = [(10, (4, 4, 8, 8), 8), (50, (4, 4, 4, 4), 16)]  # depth, widths, features


@pytest.mark.parametrize(("depth", "widths", "features"), CASES)
def test_logits_have_the_inputs_size_and_features_are_pooled(depth, widths, features):
    network = OrganSegmenter(7, depth=depth, widths=widths).eval()
    x = torch.randn(2, 1, 32, 24, 16)
    assert network(x).shape == (2, 7, 32, 24, 16)
    assert network.features(x).shape == (2, features)


def test_features_are_the_mean_of_the_maps_that_the_head_sees():
    network = OrganSegmenter(2, widths=(4, 4, 8, 8)).eval()
    x = torch.randn(1, 1, 32, 32, 16)
    torch.testing.assert_close(network.features(x), network.maps(x).mean((2, 3, 4)))


def test_a_gradient_reaches_every_parameter():
    network = OrganSegmenter(3, widths=(4, 4, 8, 8))
    network(torch.randn(2, 1, 32, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_the_shipped_size_is_as_documented():
    network = OrganSegmenter(7, widths=(32, 64, 128, 256))
    assert sum(p.numel() for p in network.parameters()) == 3_689_351
