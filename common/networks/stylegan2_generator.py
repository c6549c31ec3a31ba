"""Generator of StyleGAN2 (Karras et al., 2020, doi 10.1109/CVPR42600.2020.00813), in 2D and 3D.

    z ── normalise ── 8 linear layers ── w
    constant ─ conv ─┬─ up, conv ─ conv ─┬─ … ─┬─ up, conv ─ conv ─┐     each conv: style, noise, bias, leaky ReLU
                   toRGB               toRGB                     toRGB
                     └──────── up ───────+── … ── up ──────────────+── crop ── tanh

One linear layer more, "A" of fig. 2, takes w to the scales of each convolution. Skips of the output: sec. 4.1, fig. 7b.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from .image_generator import ImageGenerator
from .modulated_convolution import EqualisedLinear, ModulatedConvolution, leaky_relu, upsample, widths
from .resolutions import crop_centre, first_map, halvings

MIXING_PROBABILITY = 0.9  # StyleGAN (Karras et al., 2019, sec. 3.1), kept by StyleGAN2


class StyleGAN2Generator(ImageGenerator):
    """Latents (B, latent_dim) to images (B, image_channels, *size) in [-1, 1]; 2D or 3D by the number of axes.

    Any size will do: the first map has size / 2^k on each axis, rounded up, where k leaves 4 to 7 on the smallest, and
    the last is cropped at its centre. Widths: see `modulated_convolution.widths`. Layers count as the styles they take:
    two a resolution, where each toRGB shares that of the convolution after it.

    The paper ends without an activation. Here, for data in [-1, 1], it is tanh of the sum over √(number of
    resolutions); without the root 9 to 41 % of the pixels of a new 256² network are beyond ±0.95, with it 0 to 18 %.

    Args:
        size: Axes of the image, each at least 4.
        latent_dim: Of z; thesis table 4.15 has 128 and 256.
        style_dim: Of w; as z unless given (the paper: 512 for both).
        image_channels: Of the image.
        channels: Width at the finest resolution; thesis table 4.15.
        max_channels: Widest, 16·channels unless given.
        mapping_layers: Depth of the mapping network.
        mapping_lr_multiplier: Its learning rate relative to the others' (Karras et al., 2019, app. C).
        noise_buffer_seed: Of the constant noise that is used where no `noise_seed` is given.
    """

    def __init__(
        self,
        size: Sequence[int],
        *,
        latent_dim: int = 256,
        style_dim: int | None = None,
        image_channels: int = 1,
        channels: int = 32,
        max_channels: int | None = None,
        mapping_layers: int = 8,
        mapping_lr_multiplier: float = 0.01,
        noise_buffer_seed: int = 0,
    ) -> None:
        super().__init__(size, image_channels=image_channels, latent_dim=latent_dim)
        self.style_dim = style_dim or latent_dim
        doublings = halvings(self.size)
        self.layers = 2 * doublings + 2
        self.mapping = MappingNetwork(latent_dim, self.style_dim, mapping_layers, mapping_lr_multiplier)
        maps = widths(channels, doublings + 1, max_channels)[::-1]
        shape = first_map(self.size)
        self.start = nn.Parameter(torch.randn(1, maps[0], *shape))
        self.blocks = nn.ModuleList(
            SynthesisBlock(
                *neighbours,
                [axis << level for axis in shape],
                image_channels=image_channels,
                style_dim=self.style_dim,
                first_layer=max(0, 2 * level - 1),
                noise_buffer_seed=noise_buffer_seed,
            )
            for level, neighbours in enumerate(pairwise([maps[0], *maps]))
        )

    def forward(
        self,
        z: Tensor,
        *,
        z_mix: Tensor | None = None,
        mix_layer: Tensor | None = None,
        noise_seed: Tensor | None = None,
        styles: Tensor | None = None,
    ) -> Tensor:
        """Images; arguments as `draw` returns them. ``styles`` (B, layers, style_dim) replace the latents'."""
        styles = self.mixed_styles(z, z_mix, mix_layer) if styles is None else styles
        return self.synthesise(styles, noise_seed)

    def mixed_styles(self, z: Tensor, z_mix: Tensor | None = None, mix_layer: Tensor | None = None) -> Tensor:
        """Styles (B, layers, style_dim): those of ``z``, and of ``z_mix`` from layer ``mix_layer`` (B,) on.

        Raises:
            ValueError: Only one of ``z_mix`` and ``mix_layer`` is given.
        """
        if (z_mix is None) != (mix_layer is None):
            raise ValueError("style mixing takes z_mix and mix_layer together, got one of them: give both or none")
        styles = self.mapping(z)[:, None].expand(-1, self.layers, -1)
        if z_mix is None or mix_layer is None:
            return styles
        mixed = torch.arange(self.layers, device=z.device) >= mix_layer[:, None]  # (B, layers)
        return torch.where(mixed[..., None], self.mapping(z_mix)[:, None], styles)

    def synthesise(self, styles: Tensor, noise_seed: Tensor | None = None) -> Tensor:
        """Images of ``styles`` (B, layers, style_dim).

        Args:
            styles: One a layer.
            noise_seed: Seeds (B,) of at least 0: a sample's noise depends on its seed alone, not on the batch nor on
                the device. Without, all samples share the constant noise.
        """
        seeds = None if noise_seed is None else noise_seed.tolist()
        first, *others = self.blocks
        x, image = first(self.start.expand(len(styles), *self.start.shape[1:]), None, styles, seeds)
        for block in others:
            x, image = block(x, image, styles, seeds)
        return torch.tanh(crop_centre(image, self.size) / sqrt(len(self.blocks)))

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Noise of an update: z, z_mix (count, latent_dim), mix_layer in [1, layers] and noise_seed (count,).

        mix_layer is `layers`, none, for one sample in ten (sec. 3.1 of StyleGAN mixes 90 %).
        """
        z, z_mix = torch.randn(2, count, self.latent_dim, generator=rng)
        mixing = torch.rand(count, generator=rng) < MIXING_PROBABILITY
        layer = torch.randint(1, self.layers, (count,), generator=rng)
        seed = torch.randint(2**62, (count,), generator=rng)
        return {"z": z, "z_mix": z_mix, "mix_layer": layer.where(mixing, self.layers), "noise_seed": seed}


class MappingNetwork(nn.Sequential):
    """Latents z (B, latent_dim), normalised to mean square 1, to styles w (B, style_dim)."""

    def __init__(self, latent_dim: int, style_dim: int, layers: int, lr_multiplier: float) -> None:
        inputs = [latent_dim] + [style_dim] * (layers - 1)
        super().__init__(*(EqualisedLinear(n, style_dim, lr_multiplier=lr_multiplier) for n in inputs))

    def forward(self, z: Tensor) -> Tensor:
        """Map ``z``."""
        w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self:
            w = leaky_relu(layer(w))
        return w


class SynthesisBlock(nn.Module):
    """One resolution: two styled layers, the first of which upsamples (the coarsest: one, which does not), and toRGB.

    Shapes: maps (B, in_channels, *shape/2) to (B, out_channels, *shape), the image likewise.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        shape: Sequence[int],
        *,
        image_channels: int,
        style_dim: int,
        first_layer: int,
        noise_buffer_seed: int,
    ) -> None:
        super().__init__()
        self.first_layer = first_layer
        inputs = [in_channels, out_channels] if first_layer else [in_channels]
        self.convs = nn.ModuleList(
            StyledLayer(
                inputs[i],
                out_channels,
                shape,
                up=first_layer > 0 and i == 0,
                style_dim=style_dim,
                layer=first_layer + i,
                noise_buffer_seed=noise_buffer_seed,
            )
            for i in range(len(inputs))
        )
        self.to_image = ModulatedConvolution(
            out_channels, image_channels, 1, dimensions=len(shape), style_dim=style_dim, demodulate=False
        )
        self.bias = nn.Parameter(torch.zeros(image_channels, *[1] * len(shape)))

    def forward(
        self, x: Tensor, image: Tensor | None, styles: Tensor, seeds: Sequence[int] | None
    ) -> tuple[Tensor, Tensor]:
        """Maps and image of this resolution from those of the one before."""
        for layer, conv in enumerate(self.convs, start=self.first_layer):
            x = conv(x, styles[:, layer], seeds)
        new = self.to_image(x, styles[:, self.first_layer + len(self.convs)]) + self.bias
        return x, new if image is None else upsample(image) + new


class StyledLayer(nn.Module):
    """Modulated 3² or 3³ convolution, noise of a learned strength (from 0), bias, leaky ReLU (fig. 2c)."""

    noise: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        shape: Sequence[int],
        *,
        up: bool,
        style_dim: int,
        layer: int,
        noise_buffer_seed: int,
    ) -> None:
        super().__init__()
        self.conv = ModulatedConvolution(
            in_channels, out_channels, 3, dimensions=len(shape), style_dim=style_dim, up=up
        )
        self.bias = nn.Parameter(torch.zeros(out_channels, *[1] * len(shape)))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.layer = layer
        self.register_buffer("noise", layer_noise(noise_buffer_seed, layer, shape).to(self.bias.device))

    def forward(self, x: Tensor, w: Tensor, seeds: Sequence[int] | None) -> Tensor:
        """Maps of ``x`` in the styles ``w`` (B, style_dim)."""
        x = self.conv(x, w)
        noise = self.noise
        if seeds is not None:
            drawn = [layer_noise(seed, self.layer, self.noise.shape[1:]) for seed in seeds]
            noise = torch.stack(drawn).to(self.noise.device)
        return leaky_relu(x + (self.noise_strength * noise).to(x.dtype) + self.bias.to(x.dtype))


def layer_noise(seed: int, layer: int, shape: Sequence[int]) -> Tensor:
    """N(0, 1) noise (1, *shape) of one sample in one layer, drawn on the CPU so that every device sees the same."""
    state = np.random.SeedSequence([seed, layer]).generate_state(1, np.uint64)[0]
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(int(state >> 1)), device="cpu")
