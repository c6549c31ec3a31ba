import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Resize
from skimage.transform import resize

from common.transforms import AntialiasedResize, AntialiasedResized

# from, to: shrink all, shrink some and grow some, grow all, keep
SIZES = [((24, 20, 18), (8, 7, 5)), ((24, 10, 18), (8, 15, 18)), ((6, 6, 6), (9, 10, 11)), ((6, 6, 6), (6, 6, 6))]


def volume(size):
    return np.random.default_rng(0).normal(size=(1, *size)).astype(np.float32)


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_equals_scikit_image(before, after):
    x = volume(before)
    expected = resize(x[0], after, order=1, mode="edge", anti_aliasing=True)
    out = AntialiasedResize(after)(torch.from_numpy(x))
    assert out.dtype == torch.float32
    np.testing.assert_allclose(out[0], expected, atol=1e-5)


def test_a_constant_stays_constant_where_monai_draws_a_frame():
    air = torch.full((1, 48, 48, 48), -1.0)
    torch.testing.assert_close(torch.as_tensor(AntialiasedResize((16, 16, 16))(air)), torch.full((1, 16, 16, 16), -1.0))
    framed = Resize((16, 16, 16), mode="trilinear", anti_aliasing=True)(air)
    assert framed.max() > -0.9  # the reason for this transform; when it fails, MONAI's own will do


def test_stripes_finer_than_the_grid_average_out():
    stripes = torch.zeros(1, 32, 32, 32)
    stripes[:, ::2] = 1
    aliased = Resize((8, 8, 8), mode="trilinear")(torch.roll(stripes, 1, 1))
    smooth = AntialiasedResize((8, 8, 8))(torch.roll(stripes, 1, 1))
    assert (smooth[:, 1:-1] - 0.5).abs().max() < 0.05
    assert aliased.shape == smooth.shape


def test_affine_keeps_the_field_of_view():
    image = MetaTensor(torch.zeros(1, 20, 30, 40), affine=torch.diag(torch.tensor([2.0, 1, 3, 1])))
    out = AntialiasedResize((10, 10, 10))(image)
    assert out.pixdim.tolist() == [4, 3, 12]
    corners = [t.affine @ torch.tensor([-0.5, -0.5, -0.5, 1], dtype=torch.float64) for t in (image, out)]
    torch.testing.assert_close(*corners)


def test_dictionary_resizes_its_keys_alone():
    image = MetaTensor(volume((12, 12, 12)), affine=torch.eye(4))
    out = AntialiasedResized("image", (6, 6, 6))({"image": image, "n": 1})
    assert out["image"].shape == (1, 6, 6, 6)
    assert torch.equal(out["image"], AntialiasedResize((6, 6, 6))(image))
    assert out["n"] == 1


def test_the_inverse_restores_the_size():
    """The organ segmenter's predictions come back to the file's grid by it."""
    image = MetaTensor(volume((12, 12, 12)), affine=torch.eye(4))
    chain = Compose([AntialiasedResized("image", (6, 6, 6))])
    back = chain.inverse(chain({"image": image}))["image"]
    assert back.shape == image.shape
    torch.testing.assert_close(back.affine, image.affine)


@pytest.mark.parametrize(("mode", "shifted"), [("nearest", True), ("nearest-exact", False)])
def test_why_masks_take_nearest_exact(mode, shifted):
    position = torch.arange(96.0).reshape(1, 96, 1, 1).expand(1, 96, 4, 4)
    out = Resize((24, 4, 4), mode=mode)(MetaTensor(position, affine=torch.eye(4)))
    stated = 4 * torch.arange(24) + out.affine[0, 3]
    error = (torch.as_tensor(out[0, :, 0, 0]) - stated).abs().max()
    assert error == (1.5 if shifted else 0.5)


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_its_trace_is_that_of_monais_resize(before, after):
    image = MetaTensor(torch.from_numpy(volume(before)), affine=torch.diag(torch.tensor([2.0, 1, 3, 1])))
    ours, monais = AntialiasedResize(after), Resize(after, mode="trilinear")
    found, expected = ours(image), monais(image)
    traces = [{key: value for key, value in x.applied_operations[-1].items() if key != "id"} for x in (found, expected)]
    assert traces[0] == traces[1] and torch.equal(found.affine, expected.affine)
