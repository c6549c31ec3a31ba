"""Nearest ×2 upsampling followed by a 3³ convolution, exactly, with an eighth of its products."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from .row_product import row_product

# One axis: with nearest ×2 and w = (w0, w1, w2), the even output is w0·x[i-1] + (w1+w2)·x[i] = s·x[i] - w0·∇x[i] and
# the odd one (w0+w1)·x[i] + w2·x[i+1] = s·x[i] + w2·Δx[i], with s = w0+w1+w2, ∇x[i] = x[i] - x[i-1] and
# Δx[i] = x[i+1] - x[i]. Three products for two outputs, where the convolution has six: (3/6)³ = 1/8 in a volume.
_AXIS = ((1.0, 1.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0))  # of s, ∇ and Δ
_ROWS = 1024  # measured: 256 to 2,048 are alike, all voxels of a large map at once take twice as long
Transformed = tuple[Tensor, Tensor, Tensor]


class UpProducts(Function):
    """Up-convolution of channels-last volumes: (B, D, H, W, I), weight (O, I, 3, 3, 3) to (B, 2D, 2H, 2W, O).

    Zero padding, no bias, first derivatives alone. Nothing but input and weight is kept for them. Some slices of one
    sample, or some small samples, are worked on at a time, so that what is made of them stays in the cache.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor) -> Tensor:
        """Products of transformed input and transformed weight, and their sums."""
        ctx.save_for_backward(x, weight)
        kernels = _kernels(weight)
        out = x.new_empty(x.shape[0], *(2 * n for n in x.shape[1:4]), weight.shape[0])
        count = _samples(x)
        for samples, halves in zip(x.split(count), out.unflatten(1, (-1, 2)).split(count), strict=True):
            inputs = _transform(samples, 1)
            for depth in _depths(x):
                parts = [_up(part[:, depth], kernel, 2) for part, kernel in zip(inputs, kernels, strict=True)]
                torch.add(parts[0], parts[1], out=halves[:, depth, 0])
                torch.add(parts[0], parts[2], out=halves[:, depth, 1])
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """The same products, transposed."""
        x, weight = ctx.saved_tensors
        kernels = _kernels(weight).transpose(-1, -2).contiguous() if ctx.needs_input_grad[0] else None
        grad_x = None if kernels is None else torch.empty_like(x)
        grad_kernels = weight.new_zeros(3, 3, 3, *weight.shape[:2]) if ctx.needs_input_grad[1] else None
        count = _samples(x)
        for number, halves in enumerate(grad.unflatten(1, (-1, 2)).split(count)):
            samples = slice(number * count, (number + 1) * count)
            parts = _backward_samples(halves, x[samples], kernels, grad_kernels)
            if grad_x is not None:
                grad_x[samples] = _transpose(*parts, 1)
        if grad_kernels is None:
            return grad_x, None
        return grad_x, row_product(grad_kernels.reshape(27, -1).T, _matrix(weight).T).view(weight.shape)


def _backward_samples(halves: Tensor, x: Tensor, kernels: Tensor | None, grad_kernels: Tensor | None) -> list[Tensor]:
    """Gradients of the three transforms of some samples along their first axis; those of the kernels are added up.

    Args:
        halves: Gradient (B, D, 2, 2H, 2W, O) of even and odd slices.
        x: The samples (B, D, H, W, I).
        kernels: Transformed weight (3, 3, 3, I, O); None where the gradients of `x` are not asked for, and empty then.
        grad_kernels: Gets the kernels' gradients; None where they are not asked for.
    """
    inputs = (None,) * 3 if grad_kernels is None else _transform(x, 1)
    parts = [] if kernels is None else [torch.empty_like(x) for _ in range(3)]
    for depth in _depths(x):
        even, odd = halves[:, depth].unbind(2)
        for k, grad in enumerate((even + odd, even, odd)):
            slices = None if inputs[k] is None else inputs[k][:, depth]
            of_slices, of_kernel = _down(grad, slices, None if kernels is None else kernels[k], 2)
            if of_kernel is not None:
                grad_kernels[k] += of_kernel
            if of_slices is not None:
                parts[k][:, depth] = of_slices
    return parts


def _samples(x: Tensor) -> int:
    """Number of samples of about `_ROWS` voxels together."""
    return max(1, _ROWS // x[0, ..., 0].numel())


def _depths(x: Tensor) -> list[slice]:
    """Ranges of slices of about `_ROWS` voxels."""
    count = max(1, _ROWS // (x.shape[2] * x.shape[3]))
    return [slice(start, start + count) for start in range(0, x.shape[1], count)]


def _matrix(like: Tensor) -> Tensor:
    """(27, 27): from a flattened 3³ kernel to its transform."""
    axis = like.new_tensor(_AXIS)
    return torch.einsum("ax,by,cz->abcxyz", axis, axis, axis).reshape(27, 27)


def _kernels(weight: Tensor) -> Tensor:
    """Transformed weight (3, 3, 3, O, I)."""
    out_channels, in_channels = weight.shape[:2]
    return row_product(_matrix(weight), weight.reshape(-1, 27)).view(3, 3, 3, out_channels, in_channels)


def _up(x: Tensor, kernels: Tensor, axis: int) -> Tensor:
    """Upsample the axes from `axis` on; `kernels` has a leading axis of three for each of them."""
    if kernels.ndim == 2:
        return row_product(x.flatten(0, 3), kernels).view(*x.shape[:4], -1)
    parts = [_up(part, kernel, axis + 1) for part, kernel in zip(_transform(x, axis), kernels, strict=True)]
    out = parts[0].new_empty(*parts[0].shape[: axis + 1], 2, *parts[0].shape[axis + 1 :])
    even, odd = out.unbind(axis + 1)
    torch.add(parts[0], parts[1], out=even)
    torch.add(parts[0], parts[2], out=odd)
    return out.flatten(axis, axis + 1)


def _down(grad: Tensor, x: Tensor | None, kernels: Tensor | None, axis: int) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of input and kernels; either is left out where its partner is None."""
    if axis == 4:
        rows = grad.flatten(0, 3)
        grad_x = None if kernels is None else row_product(rows, kernels).view(*grad.shape[:4], -1)
        return grad_x, None if x is None else row_product(rows.T, x.flatten(0, 3).T)
    even, odd = grad.unflatten(axis, (-1, 2)).unbind(axis + 1)
    inputs = [None] * 3 if x is None else _transform(x, axis)
    of_parts = [None] * 3 if kernels is None else kernels
    found = [
        _down(part, part_x, kernel, axis + 1)
        for part, part_x, kernel in zip((even + odd, even, odd), inputs, of_parts, strict=True)
    ]
    grad_x = None if kernels is None else _transpose(*(part for part, _ in found), axis)
    return grad_x, None if x is None else torch.stack([part for _, part in found])


def _transform(x: Tensor, axis: int) -> Transformed:
    """x, ∇x and Δx along `axis`, with zeros around."""
    n = x.shape[axis]
    back, ahead = x.clone(), x.neg()
    back.narrow(axis, 1, n - 1).sub_(x.narrow(axis, 0, n - 1))
    ahead.narrow(axis, 0, n - 1).add_(x.narrow(axis, 1, n - 1))
    return x, back, ahead


def _transpose(same: Tensor, back: Tensor, ahead: Tensor, axis: int) -> Tensor:
    """Transpose of `_transform`."""
    n = same.shape[axis]
    total = same.add_(back).sub_(ahead)
    total.narrow(axis, 0, n - 1).sub_(back.narrow(axis, 1, n - 1))
    total.narrow(axis, 1, n - 1).add_(ahead.narrow(axis, 0, n - 1))
    return total
