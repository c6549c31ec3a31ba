"""Trainings of segresnet_auto3dseg with pasted and drawn lesions, at a tiny size."""

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from common.data.datalist import read_datalist

ROOT = Path(__file__).parents[2]
# phantoms of 9 mm voxels: their lesions are a few voxels
SMALL = {"lesion_prob": 1.0, "lesion_fit": 0.3, "lesion_reach": 60}


@pytest.fixture
def train(run_workflow, phantom_dir, tmp_path):
    """Function (overlay, **overrides) -> output folder of a tiny training."""

    def run(overlay, **overrides):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / overlay), **SMALL, **overrides}
        return run_workflow("segresnet_auto3dseg", ["train", overlay, "smoke"], **options)

    return run


@pytest.mark.parametrize(("overlay", "transform"), [("copy_paste", "PasteLesiond"), ("drawn_lesions", "DrawLesiond")])
def test_lesions_of_training_cases_alone_are_added_and_recorded(train, phantom_dir, overlay, transform):
    training = torch.load(train(overlay) / "model.pt", weights_only=True)["training"]
    added = training["added_lesions"]
    listed = read_datalist(phantom_dir / "datalist.json")
    assert added["transform"] == transform
    assert added["donors"] == training["case_ids"] == sorted(e["case_id"] for e in listed["training"] if e["fold"] != 0)
    assert not set(added["donors"]) & set(training["held_out"])
    assert added["added"] > 0 and added["added"] + added["no_place"] == added["draws"]


def test_a_resumed_run_draws_what_an_uninterrupted_one_does(train, newest_state, assert_same, tmp_path):
    options = {"max_epochs": 2, "epoch_steps": 2}
    whole = train("copy_paste", output_dir=str(tmp_path / "whole"), **options)
    parts = tmp_path / "parts"
    train("copy_paste", output_dir=str(parts), **options)
    newest = max((parts / "checkpoint").iterdir())
    newest.unlink()
    resumed = train("copy_paste", output_dir=str(parts), **options)
    assert newest.is_file()
    assert_same(newest_state(whole)["objects"], newest_state(resumed)["objects"])


def test_a_run_does_not_go_on_with_other_lesions(train, causes, tmp_path):
    folder = str(tmp_path / "run")
    train("copy_paste", output_dir=folder)
    for overlay, changed in (("copy_paste", {"lesion_reach": 10}), ("drawn_lesions", {})):
        with pytest.raises((ValueError, RuntimeError)) as error:
            train(overlay, output_dir=folder, **changed)
        assert "lesions" in causes(error)


def test_what_stands_before_the_lesions_is_the_padding_so_that_all_arms_share_their_cache():
    parser = ConfigParser()
    parser.read_config(ROOT / "bundles" / "segresnet_auto3dseg" / "configs" / "train.yaml")
    names = [transform["_target_"] for transform in parser["train::random_transforms"]]
    assert names[:3] == ["SpatialPadd", "SpatialPadd", "common.transforms.RandClassPatchd"]
