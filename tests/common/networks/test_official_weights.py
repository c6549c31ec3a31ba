"""The converter, on state dicts with the names and shapes of the authors' code, built here from its layer list."""

import pytest
import torch
from torch.nn import functional as F

from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator
from common.networks.hagan_conditional import ConditionalDiscriminator
from common.networks.official_weights import convert_official_weights

# layer name: weight shape (a norm has one axis); 128³, latent 1024, as in the authors' Model_HA_GAN_128
GENERATOR = {
    "fc1": (32768, 1024),
    "tp_conv1": (512, 512, 3, 3, 3),
    "bn1": (512,),
    "tp_conv2": (512, 512, 3, 3, 3),
    "bn2": (512,),
    "tp_conv3": (256, 512, 3, 3, 3),
    "bn3": (256,),
    "tp_conv4": (128, 256, 3, 3, 3),
    "bn4": (128,),
    "tp_conv5": (64, 128, 3, 3, 3),
    "bn5": (64,),
    "tp_conv6": (32, 64, 3, 3, 3),
    "bn6": (32,),
    "tp_conv7": (1, 32, 3, 3, 3),
    "sub_G.tp_conv1": (32, 64, 3, 3, 3),
    "sub_G.bn1": (32,),
    "sub_G.tp_conv2": (16, 32, 3, 3, 3),
    "sub_G.bn2": (16,),
    "sub_G.tp_conv3": (1, 16, 3, 3, 3),
}
DISCRIMINATOR = {
    "conv2": (32, 1, 4, 4, 4),
    "conv3": (64, 32, 4, 4, 4),
    "conv4": (128, 64, 2, 4, 4),
    "conv5": (256, 128, 2, 4, 4),
    "conv6": (512, 256, 1, 4, 4),
    "conv7": (128, 512, 1, 4, 4),
    "fc1": (64, 129),
    "fc2": (1, 64),
    "sub_D.conv2": (64, 1, 4, 4, 4),
    "sub_D.conv3": (128, 64, 4, 4, 4),
    "sub_D.conv4": (256, 128, 4, 4, 4),
    "sub_D.conv5": (1, 256, 4, 4, 4),
}
CLASSES = {"fc2_class": (3, 64), "sub_D.conv5": (4, 256, 4, 4, 4)}  # what --num-class 3 adds and changes
ENCODER_H = {
    "conv1": (32, 1, 4, 4, 4),
    "bn1": (32,),
    "conv2": (32, 32, 3, 3, 3),
    "bn2": (32,),
    "conv3": (64, 32, 4, 4, 4),
    "bn3": (64,),
}
ENCODER_G = {
    "conv2": (64, 64, 4, 4, 4),
    "bn2": (64,),
    "conv3": (128, 64, 4, 4, 4),
    "bn3": (128,),
    "conv4": (256, 128, 4, 4, 4),
    "bn4": (256,),
    "conv5": (1024, 256, 4, 4, 4),
}
ENCODER_G_256 = {"conv1": (32, 64, 4, 4, 4), "bn1": (32,), **ENCODER_G, "conv2": (64, 32, 4, 4, 4)}


def state_dict(layers, *, spectral=False, prefix="module."):
    rng = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in layers.items():
        state[f"{prefix}{name}.weight"] = 0.05 * torch.randn(shape, generator=rng)
        state[f"{prefix}{name}.bias"] = 0.05 * torch.randn(shape[0], generator=rng)
        if spectral:
            state[f"{prefix}{name}.u0"] = torch.randn(1, shape[0], generator=rng)
            state[f"{prefix}{name}.sv0"] = torch.ones(1)
    return state


def test_every_network_takes_its_converted_weights():
    for network, layers, name in (
        (Generator(128), GENERATOR, "generator"),
        (Generator(128, classes=3), {**GENERATOR, "fc1": (32768, 1027)}, "generator"),
        (EncoderH(), ENCODER_H, "encoder_h"),
        (EncoderG(128), ENCODER_G, "encoder_g"),
        (EncoderG(256), ENCODER_G_256, "encoder_g"),
    ):
        official = state_dict(layers)
        converted = convert_official_weights(official, name)
        network.load_state_dict(converted, strict=True)
        assert sum(v.numel() for v in official.values()) == sum(p.numel() for p in network.parameters())


def test_converted_encoder_computes_what_the_official_layers_compute():
    official = state_dict(ENCODER_H, prefix="")
    ours = EncoderH()
    ours.load_state_dict(convert_official_weights(official, "encoder_h"))
    x = torch.randn(2, 1, 8, 16, 16)
    h = x
    for k, (stride, padding) in enumerate([(2, 1), (1, 1), (2, 1)], start=1):
        h = F.conv3d(h, official[f"conv{k}.weight"], official[f"conv{k}.bias"], stride, padding)
        h = F.relu(F.group_norm(h, 8, official[f"bn{k}.weight"], official[f"bn{k}.bias"]))
    torch.testing.assert_close(ours(x), h)


@pytest.mark.parametrize("classes", [0, 3])
def test_converted_discriminator_equals_the_official_formula_in_evaluation_mode(classes):
    official = state_dict({**DISCRIMINATOR, **(CLASSES if classes else {})}, spectral=True, prefix="")
    ours = ConditionalDiscriminator(128, classes=classes) if classes else Discriminator(128)
    ours.load_state_dict(convert_official_weights(official, "discriminator"), strict=True)
    ours.eval()
    x_slab, x_low, r = torch.randn(2, 1, 16, 128, 128), torch.randn(2, 1, 32, 32, 32), 24

    def weight(name):
        """W / σ with one power iteration from u, as the authors' spectral norm does when it is evaluated."""
        w = official[f"{name}.weight"]
        matrix, u = w.flatten(1), official[f"{name}.u0"]
        v = F.normalize(u @ matrix)
        u = F.normalize(v @ matrix.t())
        return w / (v @ matrix.t() @ u.t()).squeeze()

    def conv(name, h, stride, padding):
        return F.conv3d(h, weight(name), official[f"{name}.bias"], stride, padding)

    h = x_slab
    steps = [(2, 1), (2, 1), (2, (0, 1, 1)), (2, (0, 1, 1)), ((1, 2, 2), (0, 1, 1)), (1, 0)]
    for name, (stride, padding) in zip([f"conv{k}" for k in range(2, 8)], steps, strict=True):
        h = F.leaky_relu(conv(name, h, stride, padding), 0.2)
    h = torch.cat([h.flatten(1), torch.full((2, 1), r / 112)], 1)
    h = F.leaky_relu(F.linear(h, weight("fc1"), official["fc1.bias"]), 0.2)
    high = F.linear(h, weight("fc2"), official["fc2.bias"])
    low = x_low
    for name in ("sub_D.conv2", "sub_D.conv3", "sub_D.conv4"):
        low = F.leaky_relu(conv(name, low, 2, 1), 0.2)
    low = conv("sub_D.conv5", low, 1, 0).flatten(1)
    torch.testing.assert_close(ours(x_slab, x_low, r), (high + low[:, :1]) / 2, rtol=1e-4, atol=1e-6)
    if classes:
        high_class = F.linear(h, weight("fc2_class"), official["fc2_class.bias"])
        torch.testing.assert_close(ours.judge(x_slab, x_low, r)[1], (high_class + low[:, 1:]) / 2, rtol=1e-4, atol=1e-6)


def test_weights_of_another_network_are_refused_by_name():
    with pytest.raises(ValueError, match="is not of the official generator"):
        convert_official_weights(state_dict(ENCODER_H), "generator")
