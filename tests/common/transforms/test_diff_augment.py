import pytest
import torch

from common.transforms.diff_augment import DiffAugment
from common.transforms.pairing import Pair

# tensors of each pairing of images 8 × 10 × 6
PAIRED = ["z_concat", "interleave", "channels"]
SIZES = [(12, 16), (8, 10, 6)]
POLICIES = [("translation",), ("cutout",), ("intensity",), ("intensity", "translation", "cutout")]


def parameters(count=2, **columns):
    """Parameters at 0.5 (no shift, no intensity change, box in the middle), but for what is named."""
    u = torch.full((count, 9), 0.5)
    for name, column in {"gate": 0, "brightness": 1, "contrast": 2, "shift": slice(3, 6), "hole": slice(6, 9)}.items():
        if name in columns:
            u[:, column] = torch.as_tensor(columns[name], dtype=u.dtype)
    return {"augment": u}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def images(size, count=2, channels=1):
    return torch.rand(count, channels, *size, generator=rng(1)) * 2 - 1


def u_of_shift(shift, reach):
    """The number in [0, 1) whose translation is `shift` voxels of at most `reach`."""
    return (shift + reach + 0.5) / (2 * reach + 1)


@pytest.mark.parametrize(("size", "shift"), [((12, 16), (2, -3)), ((8, 10, 6), (-1, 2, 1)), ((8, 8, 8), (0, -2, 0))])
def test_translation_is_a_roll_with_background(size, shift):
    augment = DiffAugment(("translation",), translation=0.25)
    u = [u_of_shift(s, round(0.25 * n)) for s, n in zip(shift, size, strict=True)]
    x = images(size)
    expected = x.roll(shift, dims=list(range(2, x.ndim)))
    for axis, s in enumerate(shift, start=2):
        edge = expected.narrow(axis, 0 if s >= 0 else expected.shape[axis] + s, abs(s))
        edge.fill_(-1)
    assert torch.equal(augment(x, parameters(shift=u + [0.5] * (3 - len(u)))), expected)


def test_translation_worked_by_hand():
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).view(1, 1, 1, 4)
    augment = DiffAugment(("translation",), translation=0.5)  # at most 2 voxels; 0.5 of one voxel rounds to 0
    for u, expected in [(0.0, [3, 4, -1, -1]), (0.3, [2, 3, 4, -1]), (0.99999994, [-1, -1, 1, 2])]:
        y = augment(x, parameters(1, shift=[0.5, u, 0.5]))
        assert y.flatten().tolist() == expected


def test_shifts_are_uniform():
    augment = DiffAugment(("translation",), translation=0.25)
    x = torch.full((4000, 1, 1, 8), -1.0)
    x[..., 4] = 1
    counts = augment(x, augment.draw(4000, rng())).argmax(-1).flatten().bincount(minlength=8)
    assert counts[[0, 1, 7]].sum() == 0
    assert ((counts[2:7] - 800).abs() < 4 * (4000 * 0.2 * 0.8) ** 0.5).all()


@pytest.mark.parametrize(("size", "share"), [((16, 16), 1 / 4), ((8, 8, 8), 1 / 8)])
def test_central_cut_out_takes_its_share(size, share):
    y = DiffAugment(("cutout",))(torch.ones(2, 1, *size), parameters())
    assert (y == -1).float().mean() == share
    inner = (slice(None), slice(None), *[slice(n // 4, n // 4 + n // 2) for n in size])
    assert (y[inner] == -1).all()


def test_cut_out_worked_by_hand():
    x = torch.ones(1, 1, 1, 6)  # a box of 3 of 6, whose centre is one of 6 voxels
    for u, expected in [(0.0, [-1, -1, 1, 1, 1, 1]), (0.4, [1, -1, -1, -1, 1, 1]), (0.99999994, [1, 1, 1, 1, -1, -1])]:
        y = DiffAugment(("cutout",))(x.expand(1, 1, 6, 6), parameters(1, hole=[0.5, u, 0.5]))
        assert y[0, 0, 3].tolist() == expected
        assert (y[0, 0, [0, 1, 5]] == 1).all()  # the first axis is cut at its middle


def test_cut_out_is_never_larger_than_its_box_and_differs_between_samples():
    augment = DiffAugment(("cutout",), cutout=0.63)
    y = augment(torch.ones(100, 1, 10, 10, 10), augment.draw(100, rng()))
    volumes = (y == -1).flatten(1).sum(1)
    assert volumes.max() <= 6**3
    assert volumes.unique().numel() > 10


def test_intensity_worked_by_hand():
    x = torch.tensor([0.0, 0.2, 0.4, 0.6]).view(1, 1, 2, 2)
    augment = DiffAugment(("intensity",), brightness=0.5, contrast=0.5)
    y = augment(x, parameters(1, brightness=0.7, contrast=0.9))
    brighter = x + 0.2  # 0.5 · (2 · 0.7 - 1)
    expected = brighter.mean() + 1.4 * (brighter - brighter.mean())  # 1 + 0.5 · (2 · 0.9 - 1)
    assert torch.allclose(y, expected, atol=1e-6)


def test_intensity_uses_each_sample_s_own_mean_and_leaves_masks():
    x = torch.cat([images((4, 4), channels=1), images((4, 4), channels=1)], dim=1)
    x[1] += 3
    augment = DiffAugment(("intensity",), image_channels=1)
    y = augment(x, parameters(contrast=0.0))
    assert torch.equal(y[:, 1], x[:, 1])
    for before, after in zip(x[:, 0], y[:, 0], strict=True):
        assert torch.allclose(after, before.mean() + 0.5 * (before - before.mean()), atol=1e-6)


@pytest.mark.parametrize("mode", PAIRED)
@pytest.mark.parametrize("policy", POLICIES)
def test_image_and_mask_are_augmented_alike_and_apart(mode, policy):
    image, pair = images((8, 10, 6)), Pair(mode)
    mask = (image > 0.2).float() * 2 - 1
    together = DiffAugment(policy, pairing=mode)
    drawn = together.draw(2, rng(3))
    y, y_mask = pair.unpair(together(pair(image, mask), drawn))
    assert torch.equal(y, DiffAugment(policy)(image, drawn))
    geometry = tuple(name for name in policy if name != "intensity")
    assert torch.equal(y_mask, DiffAugment(geometry)(mask, drawn))
    if "intensity" not in policy:
        assert torch.equal(y_mask == 1, y > 0.2)


@pytest.mark.parametrize("mode", PAIRED)
def test_nothing_moves_between_image_and_mask(mode):
    pair, augment = Pair(mode), DiffAugment(("translation", "cutout"), translation=0.5, pairing=mode)
    x = pair(torch.full((20, 1, 8, 8, 8), 0.5), torch.full((20, 1, 8, 8, 8), -0.5))
    image, mask = pair.unpair(augment(x, augment.draw(20, rng())))
    assert set(image.unique().tolist()) == {-1.0, 0.5} and set(mask.unique().tolist()) == {-1.0, -0.5}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("policy", POLICIES)
def test_shapes_and_values(size, policy):
    augment = DiffAugment(policy)
    x = images(size, count=16)
    y = augment(x, augment.draw(16, rng()))
    assert y.shape == x.shape and y.dtype == x.dtype and not torch.equal(y, x)
    if "intensity" not in policy:
        assert y.abs().max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("options", "switch"), [({"probability": 0.0}, {}), ({}, {"strength": 0.0}), ({}, {"strength": torch.zeros(16)})]
)
def test_switched_off_it_is_the_identity(size, options, switch):
    augment = DiffAugment(**options)
    x = images(size, count=16)
    assert torch.equal(augment(x, augment.draw(16, rng()), **switch), x)


@pytest.mark.parametrize("mode", PAIRED)
def test_switched_off_pairs_come_back_exactly(mode):
    augment, image = DiffAugment(pairing=mode), images((8, 10, 6))
    x = Pair(mode)(image, -image)
    assert torch.equal(augment(x, augment.draw(2, rng()), strength=0.0), x)


def test_probability_is_the_share_of_augmented_samples():
    augment, always = DiffAugment(("intensity",), probability=0.3), DiffAugment(("intensity",))
    x, drawn = images((4, 4), count=2000), augment.draw(2000, rng())
    full, some = always(x, drawn), augment(x, drawn)
    changed = (some != x).flatten(1).any(1)
    assert abs(changed.float().mean() - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5
    assert torch.equal(some[changed], full[changed]) and torch.equal(some[~changed], x[~changed])


def test_the_pairing_of_one_call_may_be_another():
    augment, plain = DiffAugment(pairing="interleave"), DiffAugment()
    x, drawn = images((4, 4, 6)), augment.draw(2, rng())
    assert torch.equal(augment(x, drawn, pairing="image_only"), plain(x, drawn))
    assert not torch.equal(augment(x, drawn), plain(x, drawn))


def test_strength_scales_the_ranges():
    x = images((16, 16))
    drawn = parameters(brightness=0.9, shift=[0.0, 0.0, 0.5])
    half = DiffAugment(translation=0.125, cutout=0.25, brightness=0.25, contrast=0.25)
    y = DiffAugment(translation=0.25, cutout=0.5)(x, drawn, strength=torch.tensor([0.5, 1.0]))
    assert torch.allclose(y[0], half(x, drawn)[0], atol=1e-6)
    assert not torch.allclose(y[1], half(x, drawn)[1], atol=1e-6)


def test_draws_are_a_function_of_the_generator():
    augment = DiffAugment()
    first, again, other = (augment.draw(5, rng(seed))["augment"] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == (5, 9) and first.min() >= 0 and first.max() < 1
    before = torch.get_rng_state()
    x = images((8, 8), count=5)
    assert torch.equal(augment(x, {"augment": first}), augment(x, {"augment": again}))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("size", "mode"), [((4, 5), "image_only"), ((4, 3, 4), "z_concat"), ((3, 4, 2), "image_only")])
def test_gradients_flow(size, mode):
    augment = DiffAugment(translation=0.25, pairing=mode)
    rarely = DiffAugment(translation=0.25, pairing=mode, probability=0.9)
    drawn = augment.draw(2, rng(2))
    x = images(size).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: rarely(x, drawn), (x,))
    assert torch.autograd.gradgradcheck(lambda x: augment(x, drawn).square(), (x,))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"policy": ["saturation"]}, "saturation"), ({"cutout": 1.5}, "shares"), ({"translation": -0.1}, "shares")],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DiffAugment(**options)


def test_parameters_of_another_batch_are_refused():
    augment = DiffAugment()
    with pytest.raises(ValueError, match=r"\(3, 9\), expected \(2, 9\)"):
        augment(images((8, 8)), augment.draw(3, rng()))
