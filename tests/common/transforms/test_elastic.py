"""Elastic deformation: parity with MONAI's, of which it is a lighter form."""

import torch
from monai.transforms import Rand3DElasticd

from common.transforms.elastic import RandElasticd

OPTIONS = {
    "keys": ["image", "label"],
    "sigma_range": (2, 3),
    "magnitude_range": (50, 60),
    "translate_range": (4, 4, 2),
    "rotate_range": (0.1, 0.1, 3),
    "scale_range": (0.15, 0.15, 0.15),
    "mode": ("bilinear", "nearest"),
    "padding_mode": "zeros",
}


def pair():
    image = torch.rand(1, 32, 28, 24, generator=torch.Generator().manual_seed(0))
    return {"image": image, "label": (image > 0.5).float(), "case_id": "a"}


def test_the_same_seed_deforms_as_monais_transform_does():
    ours, monais = (kind(prob=1, **OPTIONS).set_random_state(3) for kind in (RandElasticd, Rand3DElasticd))
    for _ in range(2):  # the second draw goes on from the first
        found, expected = ours(pair()), monais(pair())
        torch.testing.assert_close(found["image"], expected["image"], atol=1e-4, rtol=0)
        assert (found["label"] != expected["label"]).float().mean() < 1e-3  # on the edge between two voxels
        assert not torch.allclose(found["image"], pair()["image"], atol=0.1)
        assert found["case_id"] == "a"


def test_without_a_draw_nothing_changes():
    out = RandElasticd(prob=0, **OPTIONS)(pair())
    assert all(torch.equal(out[key], pair()[key]) for key in ("image", "label"))
