import pytest
import torch

from common.transforms.axis_product import product_along


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_each_axis(axis):
    volume, weights = torch.rand(2, 4, 5, 6), torch.rand(3, (4, 5, 6)[axis])
    letters = "hwd"
    expected = torch.einsum(f"chwd,n{letters[axis]}->c{letters.replace(letters[axis], 'n')}", volume, weights)
    out = product_along(volume, weights, axis)
    assert out.is_contiguous()
    torch.testing.assert_close(out, expected)
