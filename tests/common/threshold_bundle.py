"""A tiny bundle that segments by a threshold, and pairs for it."""

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])
SHAPE = (12, 10, 8)
BOX = (slice(3, 7), slice(2, 6), slice(2, 5))  # 4 × 4 × 3 bright voxels
# The shape of the model zoo's inference configs; a 1 × 1 × 1 convolution as the segmenter: logit = HU - 500.
CONFIG = {
    "imports": ["$import glob"],
    "bundle_root": ".",
    "dataset_dir": "/nowhere",
    "datalist": "$sorted(glob.glob(@dataset_dir + '/imagesTs/*.nii.gz'))",
    "output_dir": "$@bundle_root + '/eval'",
    "postfix": "trans",
    "separate_folder": True,
    "device": "$torch.device('cpu')",
    "network_def": {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 1, "kernel_size": 1},
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Orientationd", "keys": "image", "axcodes": "LPS", "labels": None},
            {"_target_": "EnsureTyped", "keys": "image", "dtype": "$torch.float32"},
        ],
    },
    "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
    "inferer": {"_target_": "SimpleInferer"},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.0},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"},
            {
                "_target_": "SaveImaged",
                "keys": "pred",
                "output_dir": "@output_dir",
                "output_postfix": "@postfix",
                "separate_folder": "@separate_folder",
                "print_log": False,
            },
        ],
    },
    "handlers": [
        {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network_def"},
        }
    ],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network_def",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    },
    "run": ["$@evaluator.run()"],
}


@pytest.fixture
def segmenter(tmp_path):
    """Folder of a bundle that segments what is brighter than 500 HU."""
    root = tmp_path / "threshold_bundle"
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    torch.save({"weight": torch.ones(1, 1, 1, 1, 1), "bias": torch.tensor([-500.0])}, root / "models" / "model.pt")
    (root / "configs" / "inference.yaml").write_text(yaml.safe_dump(CONFIG))
    (root / "configs" / "metadata.json").write_text('{"version": "0.1.0"}')
    return root


def volume(box, value, dtype=np.int16):
    array = np.zeros(SHAPE, dtype)
    if box is not None:
        array[box] = value
    return array


def build_pair(folder, case_id, *, bright=BOX, mask=BOX, label=1):
    """Pair with equal file names in a folder of its own, so that names alone do not tell the cases apart."""
    folder = folder / case_id
    folder.mkdir(parents=True)
    nib.save(nib.Nifti1Image(volume(bright, 1000), AFFINE), folder / "image.nii.gz")
    nib.save(nib.Nifti1Image(volume(mask, label, np.uint8), AFFINE), folder / "label.nii.gz")
    return {"case_id": case_id, "image": str(folder / "image.nii.gz"), "label": str(folder / "label.nii.gz")}


@pytest.fixture
def write_pair():
    return build_pair
