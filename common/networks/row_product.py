"""The product of two matrices by oneDNN rather than by BLAS."""

import torch
from torch import Tensor

_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def row_product(a: Tensor, b: Tensor) -> Tensor:
    """a·bᵀ of matrices on a CPU: (M, K) and (N, K) to (M, N), without gradients.

    `torch.mm` takes the BLAS that torch was built with: MKL, which leaves half of an AMD core's vector unit unused.
    oneDNN, which torch computes its convolutions with, does not; torch has it for matrices as the operator that its
    compiler uses, of float32 alone.
    """
    if _HAS_ONEDNN and a.dtype == torch.float32:
        return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
    return torch.mm(a, b.T)
