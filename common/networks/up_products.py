"""Nearest ×2 upsampling followed by a 3³ convolution, exactly, with an eighth of its products."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

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
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
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
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """The same products, transposed."""
        x, weight = ctx.saved_tensors
        of_x, of_weight = ctx.needs_input_grad
        return (
            _input_gradient(grad, x, weight) if of_x else None,
            _weight_gradient(grad, x, weight) if of_weight else None,
        )


def _input_gradient(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """(B, D, H, W, I), of the output's gradient (B, 2D, 2H, 2W, O)."""
    kernels = _kernels(weight).transpose(-1, -2).contiguous()
    out = torch.empty_like(x)
    count = _samples(x)
    for of_x, halves in zip(out.split(count), grad.unflatten(1, (-1, 2)).split(count), strict=True):
        parts = [torch.empty_like(of_x) for _ in range(3)]
        for depth in _depths(x):
            even, odd = halves[:, depth].unbind(2)
            for part, half, kernel in zip(parts, (even + odd, even, odd), kernels, strict=True):
                part[:, depth] = _down(half, kernel, 2)
        of_x.copy_(_transpose(*parts, axis=1))
    return out


def _weight_gradient(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """(O, I, 3, 3, 3), of the output's gradient (B, 2D, 2H, 2W, O)."""
    kernels = weight.new_zeros(3, 3, 3, *weight.shape[:2])
    count = _samples(x)
    for samples, halves in zip(x.split(count), grad.unflatten(1, (-1, 2)).split(count), strict=True):
        inputs = _transform(samples, 1)
        for depth in _depths(x):
            even, odd = halves[:, depth].unbind(2)
            for kernel, half, part in zip(kernels, (even + odd, even, odd), inputs, strict=True):
                kernel += _correlate(half, part[:, depth], 2)
    return torch.mm(kernels.view(27, -1).T, _matrix(weight)).view(weight.shape)


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
    return torch.mm(_matrix(weight), weight.reshape(-1, 27).T).view(3, 3, 3, *weight.shape[:2])


def _up(x: Tensor, kernels: Tensor, axis: int) -> Tensor:
    """Upsample the axes from `axis` on; `kernels` has a leading axis of three for each of them."""
    if kernels.ndim == 2:
        return torch.mm(x.flatten(0, 3), kernels.T).view(*x.shape[:4], -1)
    parts = [_up(part, kernel, axis + 1) for part, kernel in zip(_transform(x, axis), kernels, strict=True)]
    out = parts[0].new_empty(*parts[0].shape[: axis + 1], 2, *parts[0].shape[axis + 1 :])
    even, odd = out.unbind(axis + 1)
    torch.add(parts[0], parts[1], out=even)
    torch.add(parts[0], parts[2], out=odd)
    return out.flatten(axis, axis + 1)


def _down(grad: Tensor, kernels: Tensor, axis: int) -> Tensor:
    """Gradient of the input of `_up`; `kernels` are transposed, (…, I, O)."""
    if kernels.ndim == 2:
        return torch.mm(grad.flatten(0, 3), kernels.T).view(*grad.shape[:4], -1)
    pairs = zip(_output_gradients(grad, axis), kernels, strict=True)
    same, back, ahead = (_down(part, kernel, axis + 1) for part, kernel in pairs)
    return _transpose(same, back, ahead, axis=axis)


def _correlate(grad: Tensor, x: Tensor, axis: int) -> Tensor:
    """Gradient of the kernels of `_up`, with a leading axis of three for each axis from `axis` on."""
    if axis == 4:
        return torch.mm(grad.flatten(0, 3).T, x.flatten(0, 3))
    pairs = zip(_output_gradients(grad, axis), _transform(x, axis), strict=True)
    return torch.stack([_correlate(part, part_x, axis + 1) for part, part_x in pairs])


def _output_gradients(grad: Tensor, axis: int) -> Transformed:
    """Gradients of the products with x, ∇x and Δx along `axis`, of which even and odd outputs are sums."""
    even, odd = grad.unflatten(axis, (-1, 2)).unbind(axis + 1)
    return even + odd, even, odd


def _transform(x: Tensor, axis: int) -> Transformed:
    """x, ∇x and Δx along `axis`, with zeros around."""
    n = x.shape[axis]
    back, ahead = x.clone(), x.neg()
    back.narrow(axis, 1, n - 1).sub_(x.narrow(axis, 0, n - 1))
    ahead.narrow(axis, 0, n - 1).add_(x.narrow(axis, 1, n - 1))
    return x, back, ahead


def _transpose(same: Tensor, back: Tensor, ahead: Tensor, *, axis: int) -> Tensor:
    """Transpose of `_transform`."""
    n = same.shape[axis]
    total = same.add_(back).sub_(ahead)
    total.narrow(axis, 0, n - 1).sub_(back.narrow(axis, 1, n - 1))
    total.narrow(axis, 1, n - 1).add_(ahead.narrow(axis, 0, n - 1))
    return total
