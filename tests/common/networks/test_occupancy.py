import pytest
import torch

from common.networks.occupancy import OccupancyCode


def in_range(classes, labels):
    """Classes (H, W, D) as a mask (1, 1, H, W, D) in [-1, 1]."""
    return (torch.as_tensor(classes)[None, None].float() / (labels - 1)) * 2 - 1


def layers(axis, classes):
    """Mask of 16³ whose layers along an axis, each of as many voxels, are of these classes."""
    line = torch.tensor(classes).repeat_interleave(16 // len(classes))
    return line.view([-1 if i == axis else 1 for i in range(3)]).expand(16, 16, 16)


def test_a_block_has_the_shares_of_its_eight_parts():
    mask = torch.zeros(4, 4, 4)
    mask[:2, :2, :2] = 1  # a whole part
    mask[2, 2, 2] = 1  # an eighth of another
    code = OccupancyCode(2).encode(in_range(mask, 2))
    assert code.shape == (1, 8, 1, 1, 1)
    assert code.flatten().sort().values.tolist() == [-1] * 6 + [-0.75, 1]


def test_each_foreground_class_has_eight_numbers_of_its_own():
    coder = OccupancyCode(4)
    code = coder.encode(in_range(torch.full((4, 8, 4), 2), 4))
    assert coder.channels == 24 and code.shape == (1, 24, 1, 2, 1)
    assert code[0, :8].eq(-1).all() and code[0, 8:16].eq(1).all() and code[0, 16:].eq(-1).all()


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("classes", [[0, 1], [1, 0, 0, 1], [0, 2, 1, 0], [2, 1, 2, 0, 1, 0, 0, 2]], ids=str)
def test_layers_of_whole_parts_come_back(axis, classes):
    labels = max(classes) + 1
    mask, coder = in_range(layers(axis, classes), labels), OccupancyCode(labels)
    assert torch.equal(coder.decode(coder.encode(mask)), mask)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_mask_of_one_class_comes_back(label):
    mask = in_range(torch.full((8, 4, 12), label), 3)
    assert torch.equal(OccupancyCode(3).decode(OccupancyCode(3).encode(mask)), mask)


def test_a_ball_keeps_its_size_and_a_layer_of_one_voxel_goes():
    grid = torch.stack(torch.meshgrid(*[torch.arange(24) - 11.3] * 3, indexing="ij"))
    ball = (grid.square().sum(0) < 7**2).long()
    back = OccupancyCode(2).decode(OccupancyCode(2).encode(in_range(ball, 2))) > 0
    common = (back[0, 0] & ball.bool()).sum()
    assert 2 * common / (back.sum() + ball.sum()) > 0.95
    thin = torch.zeros(8, 8, 8)
    thin[3] = 1
    assert OccupancyCode(2).decode(OccupancyCode(2).encode(in_range(thin, 2))).eq(-1).all()


def test_one_label_is_refused():
    with pytest.raises(ValueError, match="labels is 1, expected 2 or more"):
        OccupancyCode(1)
