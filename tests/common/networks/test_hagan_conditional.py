import pytest
import torch

from common.networks.hagan import Discriminator, Generator
from common.networks.hagan_conditional import ConditionalDiscriminator

NEW_LAYERS = {"auxiliary": ["d_h.fc2_class", "d_l.2"], "projection": ["h_embedding", "l_embedding"]}
CONDITIONINGS = list(NEW_LAYERS)


def build(conditioning, size=32, **options):
    torch.manual_seed(0)
    return ConditionalDiscriminator(size, classes=3, conditioning=conditioning, channels=8, **options)


def inputs(batch=4):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(batch, 1, 4, 32, 32, generator=rng), torch.randn(batch, 1, 8, 8, 8, generator=rng)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("spectral_norm", [True, False])
def test_a_gradient_reaches_every_parameter(conditioning, spectral_norm):
    d = build(conditioning, spectral_norm=spectral_norm)
    logits, classes = d.judge(*inputs(), 8, torch.tensor([0, 1, 2, 1]))
    assert logits.shape == (4, 1)
    assert (classes is None) == (conditioning == "projection")
    (logits.sum() + (0 if classes is None else classes.square().sum())).backward()
    for name, p in d.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name


def test_what_classes_add_to_the_parameters():
    """Authors' code: 3 more outputs of fc2 and of the last convolution of D^L; projection: two embeddings."""
    counts = [sum(p.numel() for p in d.parameters()) for d in map(build, CONDITIONINGS)]
    plain = sum(p.numel() for p in Discriminator(32, channels=8).parameters())
    assert [count - plain for count in counts] == [3 * (16 + 1) + 3 * (64 * 4**3 + 1), 3 * 16 + 3 * 64]
    g = [sum(p.numel() for p in Generator(32, latent_dim=16, channels=8, classes=n).parameters()) for n in (0, 3)]
    assert g[1] - g[0] == 3 * 128 * 4**3


def test_projection_adds_the_inner_product_of_class_and_features():
    d = build("projection").eval()
    x_slab, x_low = inputs()
    y = torch.tensor([2, 0, 1, 2])
    plain = Discriminator(32, channels=8).eval()
    plain.load_state_dict({k: v for k, v in d.state_dict().items() if "embedding" not in k})
    h = d.d_h.features(x_slab, 8 / 28)
    h_low = x_low
    for layer in list(d.d_l)[:-2]:
        h_low = layer(h_low)
    assert h.shape == (4, 16) and h_low.shape == (4, 64, 4, 4, 4)
    high = torch.einsum("bi,bi->b", d.h_embedding.weight[y], h)
    low = torch.einsum("bi,bidhw->b", d.l_embedding.weight[y], h_low) / 8  # √64 voxels
    torch.testing.assert_close(d(x_slab, x_low, 8, y)[:, 0], plain(x_slab, x_low, 8)[:, 0] + (high + low) / 2)


def test_the_logit_sees_the_class_by_projection_alone():
    a, b = torch.zeros(4, dtype=torch.int64), torch.full((4,), 2)
    for conditioning in CONDITIONINGS:
        d = build(conditioning).eval()
        same = torch.equal(d(*inputs(), 8, a), d(*inputs(), 8, b))
        assert same == (conditioning == "auxiliary")


@pytest.mark.parametrize("conditioning", NEW_LAYERS)
def test_spectral_norm_bounds_the_new_layers(conditioning):
    d = build(conditioning)
    for _ in range(20):
        d(*inputs(1), 0, torch.tensor([1]))
    for name in NEW_LAYERS[conditioning]:
        weight = d.get_submodule(name).weight.detach().flatten(1)
        assert torch.linalg.matrix_norm(weight, 2) == pytest.approx(1, abs=0.05), name


def test_each_class_reaches_the_output_and_the_generator_stays_scriptable():
    torch.manual_seed(0)
    g = Generator(32, latent_dim=16, channels=8, slab="seamless", classes=3).eval()
    z = torch.cat([torch.randn(1, 16).expand(3, 16), torch.eye(3)], 1)
    with torch.no_grad():
        x = g(z)
    assert all((x[i] - x[j]).abs().mean() > 1e-3 for i, j in ((0, 1), (0, 2), (1, 2)))
    torch.testing.assert_close(torch.jit.script(g)(z), x)


@pytest.mark.parametrize(
    ("options", "found"),
    [({"classes": 1}, "1 classes with"), ({"classes": 3, "conditioning": "film"}, "conditioning 'film'")],
)
def test_other_conditionings_are_refused(options, found):
    with pytest.raises(ValueError, match=f"{found}.*expected two or more and one of auxiliary, projection"):
        ConditionalDiscriminator(32, channels=8, **options)
