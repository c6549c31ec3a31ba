"""What each convolution of a HA-GAN training step costs: its FLOPs, CPU seconds, and the share of the machine's peak.

    python tests/benchmarks/layers.py --size 128 --batch 2

A step is run without numbers (device `meta`) to see how often each layer is called, at which size, and which gradients
it owes; each such call is then timed alone, in CPU time of one thread, which a busy machine changes little. FLOPs are
those that are done: 2 a product of the form that is used, for the forward pass, the input's and the weight's gradient
alike. The peak is that of a product of two 2048² matrices. Prints two Markdown tables: the layers, and what those that
a lever concerns take in a step with and without it, timed in turns.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from common.engines.hagan_step import HAGANStep  # noqa: E402
from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator  # noqa: E402
from common.networks.up_convolution import UpConvolution  # noqa: E402
from common.networks.whole_convolution import WholeConvolution  # noqa: E402
from tests.up_forms import take_form  # noqa: E402


class Call(NamedTuple):
    """A call of a layer in a step: which, on what, and what its backward pass owes."""

    layer: str
    shape: tuple[int, ...]
    of_input: bool
    of_weight: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5, help="timings of each call; the median counts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    peak = matrix_peak()
    calls, layers = calls_of_a_step(options)
    print(f"peak: {peak / 1e9:.0f} GFLOP/s a core\n")
    titles = ["layer", "kernel", "input, batch first", "forward / of input / of weight"]
    titles += ["GFLOP", "s", "GFLOP/s", "of the peak"]
    print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|")
    sums = [0.0, 0.0]
    for name, layer in layers.items():
        rows = {call: count for call, count in calls.items() if call.layer == name}
        for shape in dict.fromkeys(call.shape for call in rows):
            of_shape = {call: count for call, count in rows.items() if call.shape == shape}
            found = row(name, layer, of_shape, peak=peak, repeats=options.repeats)
            sums = [a + b for a, b in zip(sums, found, strict=True)]
    flops, seconds = sums
    print(f"| all | | | | {cells(flops, seconds, peak)} |")
    print_levers(calls, layers, repeats=options.repeats)


def row(name: str, layer: nn.Conv3d, calls: dict[Call, int], *, peak: float, repeats: int) -> tuple[float, float]:
    """Print a layer's row; its FLOPs and seconds in a step."""
    real = layer_like(layer)
    shape = next(iter(calls)).shape
    parts = [sum(n * wanted(call) for call, n in calls.items()) for wanted in (lambda c: 1, *OWED)]
    flops = sum(parts) * forward_flops(real, shape)
    seconds = sum(count * timed([real], call, repeats)[0] for call, count in calls.items())
    kernel = "×".join(str(k) for k in real.kernel_size)
    what = f"{name} {real.in_channels}→{real.out_channels} | {'↑ ' * isinstance(real, UpConvolution)}{kernel}"
    size = "×".join(str(n) for n in (shape[0], *shape[2:]))
    print(f"| {what} | {size} | {' / '.join(map(str, parts))} | {cells(flops, seconds, peak)} |", flush=True)
    return flops, seconds


OWED: tuple[Callable[[Call], bool], ...] = (lambda call: call.of_input, lambda call: call.of_weight)


def cells(flops: float, seconds: float, peak: float) -> str:
    return f"{flops / 1e9:.1f} | {seconds:.3f} | {flops / seconds / 1e9:.0f} | {flops / seconds / peak:.0%}"


def print_levers(calls: Counter[Call], layers: dict[str, nn.Conv3d], *, repeats: int) -> None:
    """Table of what the layers that a lever concerns take in a step with and without it."""
    without: dict[str, tuple[Callable[[str, nn.Conv3d], bool], Callable[[nn.Conv3d], nn.Module]]] = {
        "products": (
            lambda _, layer: isinstance(layer, UpConvolution) and min(layer.in_channels, layer.out_channels) >= 128,
            lambda layer: take_form(layer_like(layer), "composed"),
        ),
        "whole-map convolutions as linear layers": (
            lambda _, layer: isinstance(layer, WholeConvolution),
            convolution_like,
        ),
        "maps in the order of their axes": (
            lambda name, layer: not name.startswith("G") and not isinstance(layer, WholeConvolution),
            ChannelsLast,
        ),
    }
    print("\n| lever | layers | s with | s without | ratio |\n|---|---|---|---|---|")
    for name, (concerned, other) in without.items():
        both, names = [0.0, 0.0], {name for name, layer in layers.items() if concerned(name, layer)}
        for call in (call for call in calls if call.layer in names):
            seconds = timed([layer_like(layers[call.layer]), other(layers[call.layer])], call, repeats)
            both = [total + calls[call] * s for total, s in zip(both, seconds, strict=True)]
        print(f"| {name} | {len(names)} | {both[0]:.3f} | {both[1]:.3f} | {both[0] / both[1]:.2f} |", flush=True)


def calls_of_a_step(options: argparse.Namespace) -> tuple[Counter[Call], dict[str, nn.Conv3d]]:
    """Calls of all convolutions in a training step, and these by name."""
    c = options.channels
    with torch.device("meta"):
        networks = {
            "G": Generator(options.size, channels=c),
            "D": Discriminator(options.size, channels=c),
            "E^H": EncoderH(channels=c),
            "E^G": EncoderG(options.size, channels=c),
        }
        volumes = torch.empty(options.batch, 1, *[options.size] * 3)
    calls: Counter[Call] = Counter()
    layers = dict(convolutions(networks))
    for name, layer in layers.items():
        layer.register_forward_hook(lambda layer, x, _, name=name: calls.update([seen(name, layer, x[0])]))
    step = HAGANStep(*networks.values())
    for phase in step.phases:
        for other in step.phases:
            other.network.requires_grad_(other is phase)
        noise = step.draw(options.batch, torch.Generator())
        phase(step.prepare(volumes, torch.Generator()) | {key: value.to("meta") for key, value in noise.items()})
    return calls, layers


def convolutions(networks: dict[str, nn.Module]) -> Iterator[tuple[str, nn.Conv3d]]:
    for short, network in networks.items():
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv3d):
                yield f"{short} {name}", module


def seen(name: str, layer: nn.Module, x: torch.Tensor) -> Call:
    grad = torch.is_grad_enabled()
    return Call(name, tuple(x.shape), grad and x.requires_grad, grad and layer.weight.requires_grad)


def layer_like(layer: nn.Conv3d) -> nn.Conv3d:
    """The layer with weights of its own, and without spectral norm."""
    if isinstance(layer, UpConvolution):
        return UpConvolution(layer.in_channels, layer.out_channels)
    if isinstance(layer, WholeConvolution):
        return WholeConvolution(layer.in_channels, layer.out_channels, layer.kernel_size)
    return convolution_like(layer)


def convolution_like(layer: nn.Conv3d) -> nn.Conv3d:
    return nn.Conv3d(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)


class ChannelsLast(nn.Module):
    """The layer on maps whose channels lie beside each other."""

    def __init__(self, layer: nn.Conv3d) -> None:
        super().__init__()
        self.layer = layer_like(layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def forward_flops(layer: nn.Conv3d, shape: tuple[int, ...]) -> float:
    """Of a forward pass of the form that the layer takes."""
    pairs = 2 * layer.in_channels * layer.out_channels * shape[0]
    if not isinstance(layer, UpConvolution):
        sizes = zip(shape[2:], layer.padding, layer.kernel_size, layer.stride, strict=True)
        return pairs * prod((n + 2 * p - k) // s + 1 for n, p, k, s in sizes) * prod(layer.kernel_size)
    if layer._takes_products(torch.empty(shape)):
        return pairs * prod(shape[2:]) * 27
    return pairs * prod(shape[2:]) * (64 if shape[0] * prod(shape[2:]) >= layer.min_voxels else 216)


def timed(layers: list[nn.Module], call: Call, repeats: int) -> list[float]:
    """CPU seconds of the call by each of the layers, which take turns; backward pass included."""
    seconds: list[list[float]] = [[] for _ in layers]
    for _ in range(repeats + 1):
        for layer, found in zip(layers, seconds, strict=True):
            last = isinstance(layer, ChannelsLast)
            x = torch.randn(call.shape).clone(memory_format=torch.channels_last_3d if last else torch.contiguous_format)
            x.requires_grad_(call.of_input)
            layer.requires_grad_(call.of_weight)
            start = time.process_time()
            y = layer(x)
            found.append(time.process_time() - start)
            if y.requires_grad:
                grad = torch.randn_like(y)
                start = time.process_time()
                y.backward(grad)
                found[-1] += time.process_time() - start
            layer.zero_grad()
    return [statistics.median(found[1:]) for found in seconds]


def matrix_peak(edge: int = 2048) -> float:
    """FLOP/s of the best of some matrix products on one thread."""
    a, b, out = (torch.randn(edge, edge) for _ in range(3))
    seconds = []
    for _ in range(8):
        start = time.process_time()
        torch.mm(a, b, out=out)
        seconds.append(time.process_time() - start)
    return 2 * edge**3 / min(seconds)


if __name__ == "__main__":
    main()
