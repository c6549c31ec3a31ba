import numpy as np
import torch

from common.networks.image_generator import ImageGenerator


def test_latents_of_an_update_come_from_the_generator_of_its_numbers_alone():
    g = ImageGenerator((4, 4), image_channels=1, latent_dim=3)
    drawn = g.draw(5, torch.Generator().manual_seed(7))
    assert list(drawn) == ["z"]
    assert torch.equal(drawn["z"], torch.randn(5, 3, generator=torch.Generator().manual_seed(7)))


def test_what_it_says_of_its_images_are_plain_numbers():
    g = ImageGenerator(np.array([8, 4, 2]), image_channels=2, latent_dim=3)
    assert (g.size, g.image_channels, g.latent_dim, g.classes) == ((8, 4, 2), 2, 3, 0)
    assert type(g.size[0]) is int
    assert ImageGenerator((8, 8), image_channels=1, latent_dim=3, classes=4).classes == 4
    assert not list(g.state_dict())
