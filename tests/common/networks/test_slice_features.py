"""2.5D features, and the real ImageNet network behind them."""

import numpy as np
import pytest
import skimage.data
import torch
from skimage.transform import resize
from torch import nn

from common.networks.extractor import load_extractor
from common.networks.slice_features import SliceFeatures


class MeanBrightness(nn.Module):
    """Backbone with two features: mean of the picture, and 1."""

    def forward(self, x):
        return torch.stack([x.mean((1, 2, 3)), torch.ones(len(x))], dim=1)


def test_each_plane_sees_its_own_slices_at_equal_steps():
    volume = torch.arange(8.0).view(1, 1, 8, 1, 1).expand(1, 1, 8, 8, 8)  # bright from left to right
    features = SliceFeatures(MeanBrightness(), slices=2, size=8)(volume)
    assert features.shape == (1, 6)
    # sagittal slices 2 and 6; the other planes see all columns
    np.testing.assert_allclose(features[0], [4, 1, 3.5, 1, 3.5, 1], atol=1e-5)


def test_fewer_slices_than_asked_for_are_all_taken():
    volume = torch.arange(3.0).view(1, 1, 1, 1, 3).expand(2, 1, 8, 8, 3)
    features = SliceFeatures(MeanBrightness(), slices=16, size=8)(volume)
    np.testing.assert_allclose(features[:, 4], [1, 1], atol=1e-5)


def test_the_backbone_knows_a_cat():
    """The weights are ImageNet's and take pictures in [-1, 1]: scikit-image's cat is one of its cats, 281 to 285."""
    network = load_extractor("slices").network.backbone.network
    picture = resize(skimage.data.chelsea()[:, 75:375], (224, 224), anti_aliasing=True)
    x = torch.tensor(picture * 2 - 1).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        best = network(x).softmax(-1).topk(1)
    assert int(best.indices) in (281, 282, 285)
    assert float(best.values) > 0.3


def test_features_of_volumes_are_finite_and_differ():
    extractor = load_extractor("slices")
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 1, 16, 16, 8, generator=generator) * 2 - 1
    features = extractor(x)
    assert features.shape == (2, 3 * 1280)
    assert features.isfinite().all()
    assert (features[0] - features[1]).abs().max() > 1e-3
    assert extractor.identity.trained


@pytest.mark.parametrize("size", [(8, 16, 4)])
def test_other_proportions_are_taken(size):
    assert SliceFeatures(MeanBrightness(), slices=4, size=8)(torch.zeros(1, 1, *size)).shape == (1, 6)


def test_equal_slices_are_computed_once():
    """The slices of an empty mask, and those that two views of a volume share."""
    seen = []

    class Seen(MeanBrightness):
        def forward(self, x):
            seen.append(len(x))
            return super().forward(x)

    network = SliceFeatures(Seen(), slices=4, size=8)
    empty = torch.full((1, 1, 8, 8, 8), -1.0)
    image = torch.rand(1, 1, 8, 8, 8)
    marked = image.clone()
    marked[..., 1] = 1.0  # one of the axial slices that are taken, and a line in each of all others
    alone = [network(x) for x in (empty, image, marked)]
    assert sum(seen) == 1 + 12 + 12
    seen.clear()
    torch.testing.assert_close(network(torch.cat([empty, image, image])), torch.cat([*alone[:2], alone[1]]))
    assert sum(seen) == 1 + 12
