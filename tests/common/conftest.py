"""A small HA-GAN training, shared by the tests of this folder."""

from operator import itemgetter

import pytest
import torch
from monai.data import DataLoader, Dataset

from common.engines.adversarial_trainer import AdversarialTrainer
from common.engines.hagan_step import HAGANStep
from common.engines.step_sampler import StepBatchSampler
from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator
from common.networks.hagan_conditional import ConditionalDiscriminator

CHANNELS, LATENT = 8, 16


def build_networks(slab="official", seed=0, classes=0, **conditioning):
    torch.manual_seed(seed)
    generator = Generator(32, latent_dim=LATENT, channels=CHANNELS, slab=slab, classes=classes)
    kind, options = (ConditionalDiscriminator, {"classes": classes, **conditioning}) if classes else (Discriminator, {})
    return {
        "generator": generator,
        "discriminator": kind(32, channels=CHANNELS, **options),
        "encoder_h": EncoderH(channels=CHANNELS),
        "encoder_g": EncoderG(32, latent_dim=LATENT, channels=CHANNELS),
    }


@pytest.fixture
def networks():
    return build_networks


def build_adam(nets, lr=1e-3):
    """Optimisers by the names of HA-GAN's phases."""
    phases = zip(("g", "d", "e", "e_sub"), nets.values(), strict=True)
    return {name: torch.optim.Adam(net.parameters(), lr=lr, betas=(0.0, 0.999)) for name, net in phases}


@pytest.fixture
def adam():
    return build_adam


@pytest.fixture
def hagan_training():
    """Function (max_steps, handlers, …) -> trainer on 5 smooth random volumes of 32³, of its classes in turn."""

    def build(
        *,
        max_steps=2,
        batch_size=2,
        nets=None,
        optimizers=None,
        handlers=None,
        device="cpu",
        rank=0,
        world_size=1,
        **options,
    ):
        nets = nets or build_networks()
        step_options = {k: options.pop(k) for k in ("objective", "g_iterations", "r1_weight") if k in options}
        classes = nets["generator"].classes
        step = HAGANStep(**nets, class_shares=[1 / classes] * classes if classes else (), **step_options)
        noise = torch.randn(5, 1, 8, 8, 8, generator=torch.Generator().manual_seed(3))
        volumes = torch.tanh(torch.nn.functional.interpolate(noise, scale_factor=4.0, mode="trilinear"))
        dataset = Dataset([{"pair": v, "class": torch.tensor(i % max(classes, 1))} for i, v in enumerate(volumes)])
        sampler = StepBatchSampler(
            num_items=5, batch_size=batch_size, max_steps=max_steps, seed=0, rank=rank, world_size=world_size
        )
        return AdversarialTrainer(
            device=torch.device(device),
            max_steps=max_steps,
            data_loader=DataLoader(dataset, batch_sampler=sampler),
            step=step,
            optimizers=optimizers or build_adam(nets),
            prepare_batch=itemgetter("pair", "class") if classes else itemgetter("pair"),
            handlers=handlers,
            **options,
        )

    return build
