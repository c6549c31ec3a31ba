"""What must agree between the configs of the segmentation bundle, and with Auto3DSeg."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from monai.bundle import ConfigParser

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"


def test_the_network_is_that_of_auto3dseg(monkeypatch):
    """Parameters of SegResNetDS(init_filters=32, blocks_down=(1, 2, 2, 4, 4), dsdepth=4, 2 classes), counted."""
    monkeypatch.chdir(ROOT)
    parser = ConfigParser()
    parser.read_config(CONFIGS / "inference.yaml")
    parser["checkpoint"] = "none.pt"  # not the weights that are shipped
    network = parser.get_parsed_content("network_def")
    assert sum(p.numel() for p in network.parameters()) == 87_164_200
    network.train()
    with torch.no_grad():
        outputs = network(torch.zeros(1, 1, 32, 32, 32))
    assert [tuple(output.shape[2:]) for output in outputs] == [(32,) * 3, (16,) * 3, (8,) * 3, (4,) * 3]


def test_preprocessing_is_the_same_in_training_inference_and_evaluation():
    def steps(name, path):
        parser = ConfigParser()
        parser.read_config(CONFIGS / f"{name}.yaml")
        return [step["_target_"] for step in parser[path]]

    training = steps("train", "train::deterministic_transforms")
    of_masks = ("AsDiscreted", "common.transforms.NameEmptyMaskd", "SelectItemsd")
    of_image = [name for name in training if name not in of_masks]
    assert steps("inference", "preprocessing::transforms") == of_image
    assert steps("evaluate", "preprocessing::transforms") == of_image


@pytest.mark.parametrize("name", ["experiment", "learning_curve", "few_real", "demo"])
def test_arms_have_names_of_their_own_and_stand_behind_what_they_need(name):
    """What `Experiment` checks of the arms that are run, of all that a config has."""
    arms = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())["arms"]
    names = [arm["name"] for arm in arms]
    assert len(set(names)) == len(names)
    for place, arm in enumerate(arms):
        assert {arm[key] for key in ("baseline", "start_from") if key in arm} <= set(names[:place])


def test_metadata_names_the_labels_as_the_default_network_has_them():
    metadata = json.loads((CONFIGS / "metadata.json").read_text())
    parser = ConfigParser()
    parser.read_config(CONFIGS / "inference.yaml")
    output = metadata["network_data_format"]["outputs"]["pred"]
    assert output["channel_def"] == parser["trained::label_names"]
    assert output["num_channels"] == len(output["channel_def"])
    assert metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] == parser["trained::roi_size"]
