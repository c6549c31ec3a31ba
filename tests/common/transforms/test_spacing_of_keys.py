"""Resampling that leaves the other items of a case alone."""

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, Spacingd

from common.transforms import SpacingOfKeysd


def items():
    """As MONAI Label has them when it has read an image."""
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    image = MetaTensor(torch.rand(1, 8, 8, 4), affine=affine, meta={"filename_or_obj": "a.nii.gz"})
    return {"image": image, "image_path": "a.nii.gz", "image_meta_dict": {"affine": affine}, "model": "x"}


def test_the_other_items_stay_and_the_keys_are_resampled_as_by_monai():
    before = items()
    after = SpacingOfKeysd("image", pixdim=(4, 4, 4))({**before})
    assert after["image_path"] == "a.nii.gz" and after["model"] == "x"
    assert after["image_meta_dict"]["affine"].tolist() == np.diag([2.0, 2.0, 4.0, 1.0]).tolist()
    expected = Spacingd("image", pixdim=(4, 4, 4))({"image": before["image"]})["image"]
    assert torch.equal(after["image"], expected) and torch.equal(after["image"].affine, expected.affine)


def test_it_is_inverted_as_monai_s():
    chain = Compose([SpacingOfKeysd("image", pixdim=(4, 4, 4))])
    item = chain(items())
    item["pred"] = torch.ones_like(item["image"])
    assert Invertd("pred", transform=chain, orig_keys="image")(item)["pred"].shape == (1, 8, 8, 4)
