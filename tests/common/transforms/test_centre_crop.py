import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flip

from common.transforms import CentreBoundsCrop, CentreBoundsCropd

BOUNDS = {"CHUM": [[0.25, 0.75], [0, 1], [0.5, 1]]}
BODY = (slice(20, 60), slice(24, 56), slice(6, 34))

# what is wrong with the bounds
MALFORMED = [
    [[0, 1], [0, 1]],
    [[0, 1], [0, 1], [0.5, 0.5]],
    [[0, 1], [0, 1], [0, 1.2]],
    [[-0.1, 1], [0, 1], [0, 1]],
    [[0, 1], [0, 1], "top"],
    None,
]


def case():
    """Body of soft tissue on a wide couch, and a mask in it; 2, 2, 3 mm with an offset."""
    affine = torch.diag(torch.tensor([2.0, 2, 3, 1], dtype=torch.float64))
    affine[:3, 3] = torch.tensor([-80.0, -70, -60])
    image, mask = torch.full((1, 80, 80, 40), -1000.0), torch.zeros(1, 80, 80, 40)
    image[(0, *BODY)] = 40
    image[0, :, 22:24] = 200
    mask[0, 30:34, 30:34, 10:12] = 1
    return {"image": MetaTensor(image, affine=affine), "label": MetaTensor(mask, affine=affine)}


def world(tensor, index):
    return (tensor.affine.numpy() @ [*index, 1])[:3]


def test_bounds_are_fractions_of_each_axis():
    data = case()
    out = CentreBoundsCropd(["image", "label"], BOUNDS)({**data, "centre": "CHUM"})
    assert out["image"].shape == out["label"].shape == (1, 40, 80, 20)
    assert torch.equal(out["image"], data["image"][:, 20:60, :, 20:40])
    assert torch.equal(out["label"], data["label"][:, 20:60, :, 20:40])


@pytest.mark.parametrize("centre", ["CHUM", "other", None])
def test_voxels_keep_their_place_in_the_world(centre):
    data = case()
    data["image"][0, 31, 31, 25] = 777
    data["label"][0, 31, 31, 25] = 2
    out = CentreBoundsCropd(["image", "label"], BOUNDS)({**data, "centre": centre})
    for key, value in (("image", 777), ("label", 2)):
        (index,) = np.argwhere(np.asarray(out[key][0]) == value)
        np.testing.assert_allclose(world(out[key], index), world(data[key], [31, 31, 25]))


@pytest.mark.parametrize("margin", [0, 4])
def test_body_box_without_the_couch(margin):
    out = CentreBoundsCropd(["image", "label"], BOUNDS, margin=margin)(case())
    np.testing.assert_allclose(out["image"].shape[1:], [40 + 2 * margin, 32 + 2 * margin, 28 + 2 * margin], atol=2)
    assert out["label"].sum() == case()["label"].sum()


def test_margin_ends_at_the_image():
    out = CentreBoundsCrop(margin=1000)(case()["image"])
    assert out.shape == (1, 80, 80, 40)


def test_top_mm_keeps_the_head_end():
    out = CentreBoundsCrop(margin=0, top_mm=30, min_size=1)(case()["image"])
    assert out.shape[-1] == 10
    assert world(out, [0, 0, 10])[2] == pytest.approx(world(case()["image"], [0, 0, 34])[2], abs=3)


@pytest.mark.parametrize(
    ("bounds", "min_size", "expected"),
    [
        ([[0.5, 0.51], [0, 1], [0, 1]], 16, [(33, 49), (0, 80), (0, 40)]),
        ([[0, 0.01], [0, 1], [0.99, 1]], 16, [(0, 16), (0, 80), (24, 40)]),
        ([[0, 1], [0.2, 0.4], [0, 1]], (1, 64, 1), [(0, 80), (0, 64), (0, 40)]),
        ([[0, 1], [0, 1], [0.5, 1]], 64, [(0, 80), (0, 80), (0, 40)]),
    ],
)
def test_min_size_remains_inside_the_image(bounds, min_size, expected):
    start, end = CentreBoundsCrop({"A": bounds}, min_size=min_size).box(case()["image"], "A")
    assert list(zip(start.tolist(), end.tolist(), strict=True)) == expected


def test_default_none_keeps_all():
    assert CentreBoundsCrop(default="none")(case()["image"]).shape == (1, 80, 80, 40)


@pytest.mark.parametrize("centre", ["CHUM", "other"])
def test_inverse_restores_size_and_affine(centre):
    chain = Compose([CentreBoundsCropd(["image", "label"], BOUNDS)])
    data = case()
    back = chain.inverse(chain({**data, "centre": centre}))
    assert back["image"].shape == data["image"].shape
    torch.testing.assert_close(back["image"].affine, data["image"].affine)


def test_unknown_centre_can_be_an_error():
    with pytest.raises(ValueError, match=r"no bounds for centre 'MDA', the table has \['CHUM'\]; add it"):
        CentreBoundsCrop(BOUNDS, default="error")(case()["image"], "MDA")


@pytest.mark.parametrize("bounds", MALFORMED)
def test_malformed_bounds_are_refused(bounds):
    with pytest.raises(ValueError, match="crop bounds of centre 'A': expected"):
        CentreBoundsCrop({"A": bounds})


def test_unknown_default_is_refused():
    with pytest.raises(ValueError, match="unknown default 'skip'"):
        CentreBoundsCrop(default="skip")


def test_no_body_names_file_and_intensities():
    image = MetaTensor(torch.full((1, 8, 8, 8), -1000.0), meta={"filename_or_obj": "a/CHUM-001__CT.nii.gz"})
    with pytest.raises(ValueError, match=r"CHUM-001__CT.nii.gz: no body found in intensities -1000 to -1000"):
        CentreBoundsCrop()(image)


@pytest.mark.parametrize(
    ("image", "found"), [(Flip(0)(case()["image"]), "LAS"), (case()["image"].as_tensor(), "unknown")]
)
def test_bounds_need_ras(image, found):
    with pytest.raises(ValueError, match=f"orientation is {found}, expected RAS; put Orientationd"):
        CentreBoundsCrop(BOUNDS)(image, "CHUM")


def test_shape_mismatch_names_both():
    data = case()
    data["label"] = data["label"][..., :-1]
    with pytest.raises(ValueError, match=r"label \(1, 80, 80, 39\) and image \(1, 80, 80, 40\)"):
        CentreBoundsCropd(["image", "label"])(data)
