import numpy as np
import pytest
import torch

from common.networks.block_code import BlockCode


def images(count=6, size=(16, 8, 12), seed=0):
    """Smooth images in [-0.9, 0.9], (1, *size) each."""
    noise = torch.randn(count, 1, *size, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.avg_pool3d(noise, 3, stride=1, padding=1)
    return list(smooth / smooth.abs().max() * 0.9)


def blocks_of(image):
    """Blocks of 4³ of an image (1, H, W, D), a row each, without MONAI."""
    axes = [n for size in image.shape[1:] for n in (size // 4, 4)]
    return image[0].reshape(axes).permute(0, 2, 4, 1, 3, 5).reshape(-1, 64).double().numpy()


def fitted(channels, data=None):
    code = BlockCode(channels)
    code.fit(data or images())
    return code


@pytest.mark.parametrize("channels", [1, 8, 64])
def test_components_are_orthonormal_and_codes_have_a_mean_square_of_one(channels):
    code, batch = fitted(channels), torch.stack(images())
    torch.testing.assert_close(code.basis @ code.basis.T, torch.eye(channels), atol=1e-5, rtol=0)
    codes = code.encode(batch)
    assert codes.shape == (6, channels, 4, 2, 3)
    # of a deviation σ a component keeps σ² / mean(σ) squared, so that the mean over them is one
    assert codes.square().mean(dim=(0, 2, 3, 4)).mean() == pytest.approx(1, rel=0.01)
    energy = codes.square().mean(dim=(0, 2, 3, 4))
    assert (energy.diff() <= 1e-4).all()  # coarse ones stay larger


def test_all_components_are_exact():
    batch = torch.stack(images())
    code = fitted(64)
    torch.testing.assert_close(code.decode(code.encode(batch)), batch, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [3, 20])
def test_what_is_kept_is_what_numpys_singular_vectors_keep(channels):
    data = images()
    rows = np.concatenate([blocks_of(image) for image in data])
    mean = rows.mean(0)
    axes = np.linalg.svd(rows - mean, full_matrices=False)[2][:channels]
    code = fitted(channels, data)
    new = images(count=1, seed=1)[0]
    expected = mean + (blocks_of(new) - mean) @ axes.T @ axes
    found = blocks_of(code.decode(code.encode(new[None]))[0])
    np.testing.assert_allclose(found, expected.clip(-1, 1), atol=1e-5)


def test_at_most_2048_blocks_of_a_case_are_looked_at():
    large = torch.cat([torch.zeros(1, 64, 64, 40), torch.ones(1, 64, 64, 40)], -1)  # 5120 blocks, every third
    torch.testing.assert_close(fitted(2, [large]).mean, torch.full((64,), 0.5), atol=0.02, rtol=0)


def test_an_image_of_air_alone_has_a_code():
    code = fitted(4, [torch.full((1, 8, 8, 8), -1.0)])
    assert code.decode(code.encode(torch.full((1, 1, 8, 8, 8), -1.0))).eq(-1).all()


def test_smoothing_changes_nothing_where_all_components_are_kept():
    batch = torch.stack(images())
    torch.testing.assert_close(fitted(64).smooth(batch), batch, atol=1e-5, rtol=0)


def test_smoothing_is_the_mean_of_what_shifted_grids_keep():
    code, batch = fitted(5), torch.stack(images(count=2, seed=1))
    views = []
    for h, w, d in np.ndindex(2, 2, 2):
        wide = np.pad(batch.numpy(), [(0, 0), (0, 0), *[(2 * n, 2 * n) for n in (h, w, d)]], mode="edge")
        kept = code.decode(code.encode(torch.from_numpy(wide))).numpy()
        views.append(kept[:, :, 2 * h :, 2 * w :, 2 * d :][:, :, :16, :8, :12])
    np.testing.assert_allclose(code.smooth(batch).numpy(), np.mean(views, 0), atol=1e-6)


def test_a_step_between_blocks_becomes_smaller_and_what_is_even_stays():
    code = BlockCode(1)  # one component, the mean of a block, kept of each
    code.basis.fill_(1 / 8)
    step = torch.zeros(1, 1, 16, 8, 8)
    step[:, :, 8:] = 0.8
    line = code.smooth(step)[0, 0, :, 3, 3]
    # half of the grids have the step between blocks and keep it; the others give the block from 6 to 10 its mean
    torch.testing.assert_close(line[[0, 5, 6, 7, 8, 9, 10, 15]], torch.tensor([0, 0, 0.2, 0.2, 0.6, 0.6, 0.8, 0.8]))


@pytest.mark.parametrize("channels", [0, 65])
def test_other_numbers_of_components_are_refused(channels):
    with pytest.raises(ValueError, match=f"latent_channels is {channels}, expected 1 to 64"):
        BlockCode(channels)
