"""RadImageNet's network: the weights that its users have, from a local file, and MAISI's preparation of slices."""

from pathlib import Path

import pytest
import torch

from common.files import file_sha256
from common.networks.extractor import load_extractor
from common.networks.radimagenet import EachSlice, RadImageNetResNet50

# names and shapes that Warvito's network has, where it differs from torchvision's
SHAPES = {
    "conv1.bias": (64,),
    "layer1.0.conv1.bias": (64,),
    "layer1.0.downsample.0.weight": (256, 64, 1, 1),
    "layer2.0.conv1.weight": (128, 256, 1, 1),
    "layer4.2.conv3.weight": (2048, 512, 1, 1),
    "layer4.2.bn3.running_var": (2048,),
}


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("hub") / "checkpoints" / "RadImageNet-ResNet50_notop.pth"
    path.parent.mkdir()
    torch.save(RadImageNetResNet50().state_dict(), path)
    return path


def test_the_network_has_kerass_parameters():
    """Keras' ResNet50 without its top: 23,587,712 with the moving statistics, as its documentation says."""
    network = RadImageNetResNet50()
    state = network.state_dict()
    assert {name: tuple(state[name].shape) for name in SHAPES} == SHAPES
    numbers = sum(value.numel() for name, value in state.items() if "num_batches" not in name)
    assert numbers == 23_587_712
    assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 2048, 2, 3)
    assert (network.layer2[0].conv1.stride, network.layer2[0].conv2.stride) == ((2, 2), (1, 1))


def test_a_local_file_is_loaded_by_its_hash(weights_file):
    extractor = load_extractor("radimagenet", weights=weights_file, slices=2)
    assert extractor.identity.weights == file_sha256(weights_file)
    network = RadImageNetResNet50().eval()
    network.load_state_dict(torch.load(weights_file, weights_only=True))
    volume = torch.rand(1, 1, 32, 40, 36) * 2 - 1
    features = extractor(volume).view(3, 2, 2048)
    axial = (volume[0, 0, :, :, 27].expand(1, 3, -1, -1) + 1) / 2  # the second of two: 3/4 of 36
    axial = axial - torch.tensor([0.406, 0.456, 0.485]).view(1, 3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(features[0, 1], network(axial).mean((2, 3))[0], rtol=1e-3, atol=1e-4)


def test_download_goes_through_the_hub_as_maisi_does(weights_file, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.hub, "load", lambda repo, **options: asked.append((repo, options["model"])))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(Path(weights_file).parents[1]))
    extractor = load_extractor("radimagenet", weights="download")
    assert asked == [("Warvito/radimagenet-models", "radimagenet_resnet50")]
    assert extractor.identity.weights == file_sha256(weights_file)


def test_missing_weights_and_too_few_slices_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"RadImageNet-ResNet50_notop\.pth"):
        load_extractor("radimagenet", weights=tmp_path / "none.pth")
    with pytest.raises(ValueError, match="no 20 slices in each plane"):
        EachSlice(slices=20)(torch.zeros(1, 1, 32, 32, 16))
