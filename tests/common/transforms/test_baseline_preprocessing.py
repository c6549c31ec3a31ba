"""Preprocessing of the baseline GANs as their configs put it together (thesis 3.4.1, 3.4.2), on a file, and back."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import Compose, LoadImaged, Orientationd, Resized, ResizeWithPadOrCropd, SelectItemsd, Zoomd

from common.data.largest_size import largest_size
from common.transforms import AntialiasedResized, HUWindowd, KeepSpacingd, MaskRanged, Paird, Tiled, pair_shape

KEYS = ["image", "label"]
SHAPE, SPACING = (200, 180, 50), (1.0, 1.0, 3.0)
TUMOUR = (slice(80, 120), slice(60, 100), slice(20, 32))


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Air around soft tissue, in which a bright box is the tumour."""
    image, label = np.full(SHAPE, -1000, np.int16), np.zeros(SHAPE, np.uint8)
    image[20:180, 20:160] = -100
    image[TUMOUR], label[TUMOUR] = 500, 2
    folder, case = tmp_path_factory.mktemp("case"), {}
    for key, array in zip(KEYS, (image, label), strict=True):
        case[key] = folder / f"{key}.nii"
        nib.save(nib.Nifti1Image(array, np.diag([*SPACING, 1.0])), case[key])
    return case


def zoomed(zoom, size):
    return [
        Zoomd(KEYS, zoom=zoom, mode=["area", "nearest-exact"], keep_size=False),
        MaskRanged("label"),
        ResizeWithPadOrCropd(KEYS, spatial_size=size, value=-1),
    ]


def resized(size):
    return [AntialiasedResized("image", size), Resized("label", size, mode="nearest-exact"), MaskRanged("label")]


def chain(steps, *after):
    return Compose(
        [
            LoadImaged(KEYS, ensure_channel_first=True),
            Orientationd(KEYS, axcodes="RAS", labels=None),
            HUWindowd("image"),
            *steps,
            Paird(),
            KeepSpacingd(),
            *after,
            SelectItemsd(["pair", "spacing"]),
        ]
    )


# name: steps, size of the image, spacing
ROUTES = {
    "zoom 50 %, padded": (zoomed(0.5, (104, 100, 37)), (104, 100, 37), (2, 2, 6)),
    "zoom 97 %, own size": (zoomed(0.97, (-1, -1, -1)), (194, 174, 48), (200 / 194, 180 / 174, 150 / 48)),
    "27 centre slices": (zoomed(0.8, (154, 154, 27)), (154, 154, 27), (1.25, 1.25, 3.75)),
    "all in 154×154×27": (resized((154, 154, 27)), (154, 154, 27), (200 / 154, 180 / 154, 150 / 27)),
    "38³": (resized((38, 38, 19)), (38, 38, 19), (200 / 38, 180 / 38, 150 / 19)),
    "16³": (resized((16, 16, 8)), (16, 16, 8), (12.5, 11.25, 18.75)),
}


@pytest.mark.parametrize("name", ROUTES)
def test_image_and_mask_stay_one_pair(name, case):
    steps, size, spacing = ROUTES[name]
    out = chain(steps)(case)
    assert out["pair"].shape == pair_shape(size) == (1, *size[:2], 2 * size[2])
    torch.testing.assert_close(out["spacing"], torch.tensor(spacing), check_dtype=False)
    image, mask = Paird().pair.unpair(out["pair"])
    assert image.min() >= -1
    assert image.max() <= 1
    assert mask.unique().tolist() == [-1, 1]
    bright, tumour = image > 0.4, mask > 0  # between -100 and 500 HU
    assert 2 * (bright & tumour).sum() / (bright.sum() + tumour.sum()) > 0.9


def test_padding_is_air_and_background(case):
    steps, *_ = ROUTES["zoom 50 %, padded"]
    pair = chain(steps)(case)["pair"]
    inner = torch.zeros(pair.shape, dtype=torch.bool)
    inner[:, 2:102, 5:95, 6:31] = inner[:, 2:102, 5:95, 43:68] = True
    assert (pair[~inner] == -1).all()
    assert (pair[:, 2:102, 5:95, 6:31] > -1).all()  # the air of the scan is -1000 HU, not -1024


def test_largest_size_pads_nothing_of_the_largest(case):
    size = largest_size([case], zoom=0.97)
    own = chain(zoomed(0.97, (-1, -1, -1)))(case)["pair"]
    assert torch.equal(chain(zoomed(0.97, size))(case)["pair"], own)


def test_plane_and_back_to_the_pair(case):
    """The thesis's 1024×3680 at an eighth of its size: 4 rows of 14 tiles of 32×32."""
    steps = resized((32, 32, 28))
    tiled = Tiled("pair", pair_shape((32, 32, 28))[1:], plane_size=(128, 460), parts=2)
    volume, plane = chain(steps)(case)["pair"], chain(steps, tiled)(case)["pair"]
    assert plane.shape == (1, 128, 460)
    assert (plane[:, :, 14 * 32 :] == -1).all()
    untiled = Tiled("pred", (32, 32, 56), plane_size=(128, 460), parts=2).inverse
    pair = Compose([untiled, Paird(output_key="pred").inverse])({"pred": plane})
    assert torch.equal(torch.cat([pair["image"], pair["label"]], -1), volume)
