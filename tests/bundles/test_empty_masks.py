"""Each training says how many of its masks are empty on its grid, and its model file names them."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch

TRAININGS = {
    "hagan_128": (["train", "smoke"], {"max_steps": 4}),
    "hagan_256": (["train", "smoke"], {"max_steps": 4}),
    "baseline_gans": (["train", "wgan_gp_3d", "smoke"], {"max_steps": 4, "spacing": [6, 6, 6]}),
    "latent_flow": (["train", "smoke"], {"max_steps": 4}),
    "segresnet_auto3dseg": (["train", "smoke"], {}),
}


@pytest.fixture(scope="module")
def with_vanishing(phantom_dir, tmp_path_factory):
    """The phantoms with one case of fold 1 whose mask is a voxel in the corner, its id, and bounds that cut it off."""
    folder = tmp_path_factory.mktemp("vanishing") / "phantom"
    shutil.copytree(phantom_dir, folder)
    case = next(entry for entry in json.loads((folder / "datalist.json").read_text())["training"] if entry["fold"] == 1)
    image = nib.load(folder / case["image"])
    mask = np.zeros(image.shape, np.uint8)
    mask[0, 0, -1] = 1
    (folder / case["label"]).unlink()
    nib.save(nib.Nifti1Image(mask, image.affine), folder / case["label"])
    return folder, case["case_id"], {case["centre"]: [[0.1, 0.9], [0.1, 0.9], [0.0, 0.8]]}


@pytest.mark.parametrize("bundle", TRAININGS)
def test_vanished_masks_are_counted_and_recorded(bundle, with_vanishing, run_workflow, tmp_path, caplog):
    folder, case_id, bounds = with_vanishing
    configs, options = TRAININGS[bundle]
    options = {"dataset_dir": str(folder), "output_dir": str(tmp_path), "centre_bounds": bounds, **options}
    out = run_workflow(bundle, configs, **options)
    names = torch.load(out / "model.pt", weights_only=True)["training"]["empty_masks"]
    assert case_id in names  # others may have vanished on this coarse grid
    warnings = [entry.getMessage() for entry in caplog.records if entry.name == "common.handlers.empty_masks"]
    assert len(warnings) == 1 and warnings[0].startswith(f"{len(names)} of ") and case_id in warnings[0]
