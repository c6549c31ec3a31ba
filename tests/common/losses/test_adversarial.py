import math

import pytest
import torch

from common.losses.adversarial import discriminator_losses, generator_loss

REAL = torch.tensor([[0.0], [2.0]])
FAKE = torch.tensor([[0.0], [-1.0]])
LOG2 = math.log(2)
# objective: loss on real, loss on fake, generator's loss on the same fake logits, by hand
BY_HAND = {
    "bce": ((LOG2 + math.log(1 + math.exp(-2))) / 2, (LOG2 + math.log(1 + math.exp(-1))) / 2, None),
    "hinge": (0.5, 0.5, 0.5),
    "wgan": (-1.0, -0.5, 0.5),
    "wgan_gp": (-1.0, -0.5, 0.5),
}


@pytest.mark.parametrize("objective", BY_HAND)
def test_values_worked_out_by_hand(objective):
    real, fake, generator = BY_HAND[objective]
    d_real, d_fake = discriminator_losses(objective, REAL, FAKE)
    assert d_real.item() == pytest.approx(real)
    assert d_fake.item() == pytest.approx(fake)
    if generator is not None:
        assert generator_loss(objective, FAKE).item() == pytest.approx(generator)


def test_bce_is_that_of_torch_with_labels_one_and_zero():
    bce = torch.nn.BCEWithLogitsLoss()
    d_real, d_fake = discriminator_losses("bce", REAL, FAKE)
    torch.testing.assert_close(d_real, bce(REAL, torch.ones_like(REAL)))
    torch.testing.assert_close(d_fake, bce(FAKE, torch.zeros_like(FAKE)))
    torch.testing.assert_close(generator_loss("bce", FAKE), bce(FAKE, torch.ones_like(FAKE)))


def test_unknown_objective_is_refused():
    with pytest.raises(ValueError, match="objective is 'mse', expected one of bce, hinge, wgan, wgan_gp"):
        discriminator_losses("mse", REAL, FAKE)
