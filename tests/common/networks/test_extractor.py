"""Loading extractors: weights, identities, and refusals that say what to do."""

import pytest
import torch

from common.files import file_sha256
from common.networks import extractor as module
from common.networks.extractor import load_extractor
from common.networks.medical_resnet import medical_resnet
from common.networks.organ_segmenter import OrganSegmenter

SETTINGS = {"kind": "organs", "depth": 10, "widths": [4, 4, 8, 8], "organs": ["a", "b"]}


@pytest.fixture
def organ_file(tmp_path):
    torch.manual_seed(1)
    network = OrganSegmenter(2, depth=10, widths=SETTINGS["widths"])
    path = tmp_path / "organs.pt"
    torch.save({"model": network.state_dict(), "settings": SETTINGS, "training": {}}, path)
    return path, network.eval()


def test_organs_load_the_encoder_and_carry_its_hash(organ_file):
    path, network = organ_file
    extractor = load_extractor("organs", weights=path)
    x = torch.randn(1, 1, 32, 32, 16)
    torch.testing.assert_close(extractor(x), network.features(x))
    assert extractor.identity.weights == file_sha256(path)
    assert extractor.identity.trained
    assert not any(p.requires_grad for p in extractor.parameters())


@pytest.mark.parametrize("prefix", ["", "module."])
def test_medicalnet_takes_the_authors_files(tmp_path, prefix):
    """Their files hold ``state_dict`` of a DataParallel network, with or without a segmentation head."""
    torch.manual_seed(1)
    network = medical_resnet(10).eval()
    state = {prefix + key: value for key, value in network.state_dict().items()}
    path = tmp_path / "resnet_10_23dataset.pth"
    torch.save({"state_dict": state | {f"{prefix}conv_seg.0.weight": torch.zeros(2)}}, path)
    extractor = load_extractor("medicalnet", weights=path, depth=10)
    x = torch.randn(1, 1, 16, 16, 16)
    torch.testing.assert_close(extractor(x), network(x))


def test_download_goes_through_monais_function(tmp_path, monkeypatch):
    path = tmp_path / "resnet_10_23dataset.pth"
    torch.save({"state_dict": medical_resnet(10).state_dict()}, path)
    asked = []
    monkeypatch.setattr(module, "get_pretrained_resnet_medicalnet", asked.append)
    import huggingface_hub

    cache = {("TencentMedicalNet/MedicalNet-Resnet10", path.name): str(path)}
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *key: cache.get(key))
    extractor = load_extractor("medicalnet", weights="download", depth=10)
    assert asked == [10]
    assert extractor.identity.weights == file_sha256(path)


@pytest.mark.parametrize(("kind", "hint"), [("organs", "run training"), ("medicalnet", "TencentMedicalNet")])
def test_missing_weights_are_refused_with_where_to_get_them(tmp_path, kind, hint):
    with pytest.raises(FileNotFoundError, match=hint) as error:
        load_extractor(kind, weights=tmp_path / "none.pt")
    assert "none.pt" in str(error.value)
    assert "allow_untrained: true" in str(error.value)


def test_untrained_weights_are_marked_and_reproducible():
    first, again, other = (load_extractor("organs", allow_untrained=True, seed=seed) for seed in (0, 0, 1))
    x = torch.randn(1, 1, 16, 16, 16)
    assert not first.identity.trained
    assert torch.equal(first(x), again(x))
    assert not torch.equal(first(x), other(x))


def test_the_global_generator_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    load_extractor("organs", allow_untrained=True)
    assert torch.equal(torch.rand(1), expected)


def test_weights_of_another_network_are_refused(organ_file):
    with pytest.raises(ValueError, match=r"organs\.pt holds the weights of another network than 'medicalnet'"):
        load_extractor("medicalnet", weights=organ_file[0], depth=10)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="extractor is 'inception', expected one of organs, medicalnet, slices"):
        load_extractor("inception")
