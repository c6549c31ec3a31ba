import pytest
import torch

from common.networks import row_product as module
from common.networks.row_product import row_product


@pytest.mark.parametrize("has_onednn", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_product_worked_out_by_hand(monkeypatch, has_onednn, dtype):
    monkeypatch.setattr(module, "_HAS_ONEDNN", has_onednn and module._HAS_ONEDNN)
    a = torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=dtype)
    b = torch.tensor([[1, 0, 2], [0, 1, 10]], dtype=dtype)
    assert row_product(a, b).tolist() == [[7, 32], [16, 65]]


def test_transposed_operands_need_no_copy():
    rng = torch.Generator().manual_seed(0)
    a, b = torch.randn(8, 5, generator=rng), torch.randn(8, 7, generator=rng)
    torch.testing.assert_close(row_product(a.T, b.T), torch.einsum("km,kn->mn", a, b))
