import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from common.transforms import Pair, Paird, pair_shape

# mode, shape of the pair of two (1, 3, 4, 5)
SHAPES = [
    ("z_concat", (1, 3, 4, 10)),
    ("interleave", (1, 3, 4, 10)),
    ("channels", (2, 3, 4, 5)),
    ("image_only", (1, 3, 4, 5)),
]
MODES = [mode for mode, _ in SHAPES]


def volumes(*batch):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(*batch, 1, 3, 4, 5, generator=generator) for _ in range(2)]


@pytest.mark.parametrize(("mode", "shape"), SHAPES)
def test_shape(mode, shape):
    assert Pair(mode)(*volumes()).shape == shape
    assert pair_shape((3, 4, 5), mode) == shape


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("mode", MODES)
def test_unpair_is_the_identity(mode, batch):
    image, mask = volumes(*batch)
    back_image, back_mask = Pair(mode).unpair(Pair(mode)(image, mask))
    assert torch.equal(back_image, image)
    assert back_mask is None if mode == "image_only" else torch.equal(back_mask, mask)


def test_order_of_slices():
    image, mask = torch.arange(3.0).expand(1, 1, 1, 3), torch.arange(10.0, 13).expand(1, 1, 1, 3)
    assert Pair("z_concat")(image, mask).flatten().tolist() == [0, 1, 2, 10, 11, 12]
    assert Pair("interleave")(image, mask).flatten().tolist() == [0, 10, 1, 11, 2, 12]
    assert Pair("channels")(image, mask).flatten().tolist() == [0, 1, 2, 10, 11, 12]


@pytest.mark.parametrize("mode", ["z_concat", "interleave", "channels"])
def test_every_slab_along_the_first_axis_holds_both(mode):
    image, mask = volumes()
    slab = Pair(mode)(image, mask)[:, 1:2]
    back_image, back_mask = Pair(mode).unpair(slab)
    assert torch.equal(back_image, image[:, 1:2])
    assert torch.equal(back_mask, mask[:, 1:2])


@pytest.mark.parametrize("mode", ["z_concat", "interleave", "channels"])
def test_gradients_reach_image_and_mask(mode):
    pair = torch.rand(2, *pair_shape((2, 2, 2), mode), requires_grad=True)
    image, mask = Pair(mode).unpair(pair)
    (image.sum() + 2 * mask.sum()).backward()
    assert sorted(pair.grad.unique().tolist()) == [1, 2]
    assert (pair.grad == 1).sum() == (pair.grad == 2).sum()


def test_shape_mismatch_names_both():
    with pytest.raises(ValueError, match=r"\(1, 3, 4, 5\) and \(1, 3, 4, 6\)"):
        Pair()(torch.zeros(1, 3, 4, 5), torch.zeros(1, 3, 4, 6))
    with pytest.raises(ValueError, match=r"\(1, 3, 4, 5\) and none"):
        Pair()(torch.zeros(1, 3, 4, 5))


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("z_concat", (1, 4, 4, 5)),
        ("interleave", (1, 4, 4, 5)),
        ("channels", (1, 4, 4, 4)),
        ("image_only", (2, 4, 4, 4)),
    ],
)
def test_pairs_of_another_mode_are_refused(mode, shape):
    with pytest.raises(ValueError, match=f"un-pairing {mode}"):
        Pair(mode).unpair(torch.zeros(shape))


def test_unknown_mode():
    with pytest.raises(ValueError, match=r"unknown mode 'z'.*z_concat, interleave"):
        Pair("z")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("drop", [True, False])
def test_dictionary_round_trip_keeps_geometry(mode, drop):
    image, mask = (MetaTensor(x, affine=torch.diag(torch.tensor([3.0, 3, 5, 1]))) for x in volumes())
    chain = Compose([Paird(mode=mode, drop=drop)])
    out = chain({"image": image, "label": mask, "case_id": "a"})
    assert ("image" in out, "label" in out, "pair" in out) == (not drop, not drop, True)
    assert torch.equal(out["pair"].affine, image.affine)
    back = chain.inverse({"pair": out["pair"], "case_id": "a"})
    assert ("pair" in back) == (not drop)
    assert torch.equal(back["image"], image)
    assert torch.equal(back["image"].affine, image.affine)
    assert ("label" in back) == (mode != "image_only")
    if mode != "image_only":
        assert torch.equal(back["label"], mask)


def test_image_only_needs_no_label():
    assert Paird(mode="image_only")({"image": torch.zeros(1, 2, 2, 2)})["pair"].shape == (1, 2, 2, 2)
