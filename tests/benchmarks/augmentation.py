"""CPU milliseconds of augmenting a patch for the segmenter: here, by MONAI and by nnU-Net's batchgeneratorsv2.

    python tests/benchmarks/augmentation.py
    python tests/benchmarks/augmentation.py --volume 160 160 120 --patch 128 128 64 --patches 60

Each crops a patch of a phantom-like volume in memory, turns and scales it, mirrors it, and changes resolution, blur,
contrast, brightness and noise, with the probabilities and ranges of train.yaml. batchgeneratorsv2 has no crop around a
class and is handed the patch that ours has cropped; it draws each scaling and each turn on its own with probability
0.29, so that half of the patches are resampled, as elsewhere. It is installed, with what it imports, into a temporary
folder. The three take turns, patch by patch, in one process and thread. Prints a Markdown table of means.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ["batchgeneratorsv2==0.3.6", "batchgenerators==0.25.5", "fft-conv-pytorch==1.2.0", "acvl-utils==0.2.6"]
PACKAGES += ["pandas==2.3.3", "pytz==2025.2", "tzdata==2025.2"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volume", type=int, nargs=3, default=[72, 64, 56])
    parser.add_argument("--patch", type=int, nargs=3, default=[48, 48, 48])
    parser.add_argument("--patches", type=int, default=300)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as installed:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", installed]
        subprocess.run([*pip, *PACKAGES], check=True)
        sys.path.append(installed)
        ways = {
            "MONAI's transforms, as before": monais(options.patch),
            "batchgeneratorsv2": batchgenerators(options.patch),
            "train.yaml": ours(options.patch),
        }
        seconds = compare(ways, volume(options.volume), options.patches)
    theirs = seconds["batchgeneratorsv2"]
    print("| augmentation | CPU ms / patch | patches / s and core | speed, batchgeneratorsv2 = 1 |\n|---|---|---|---|")
    for name, mean in seconds.items():
        print(f"| {name} | {1000 * mean:.1f} | {1 / mean:.0f} | {theirs / mean:.2f} |")


def compare(ways: dict[str, Callable[[dict, int], Any]], item: dict, patches: int) -> dict[str, float]:
    """Mean CPU seconds of a patch; the first tenth is not timed."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(patches + patches // 10):
        for name, augment in ways.items():
            start = time.process_time()
            augment(dict(item), seed)
            spent[name].append(time.process_time() - start)
    return {name: sum(times[patches // 10 :]) / patches for name, times in spent.items()}


def volume(size: Sequence[int]) -> dict[str, Any]:
    """Smooth noise in [-1, 1], and a mask with a lesion."""
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 1, *[n // 4 for n in size], generator=generator) * 2 - 1
    image = F.interpolate(coarse, size=list(size), mode="trilinear")[0]
    label = torch.zeros(1, *size, dtype=torch.uint8)
    label[:, size[0] // 2 - 5 : size[0] // 2 + 5, size[1] // 3 : size[1] // 3 + 8, size[2] // 2 : size[2] // 2 + 6] = 1
    return {"image": image, "label": label}


def ours(patch: Sequence[int]) -> Callable[[dict, int], Any]:
    """The random transforms of the bundle's config."""
    from monai.bundle import ConfigParser
    from monai.transforms import Compose

    parser = ConfigParser()
    parser.read_config(str(ROOT / "bundles" / "segresnet_auto3dseg" / "configs" / "train.yaml"))
    parser.update({"roi_size": list(patch), "label_names": {"0": "background", "1": "tumour"}})
    transform = Compose(parser.get_parsed_content("train::random_transforms")[2:])  # padding is cached
    return lambda item, seed: transform.set_random_state(seed)(item)


def monais(patch: Sequence[int]) -> Callable[[dict, int], Any]:
    """The same of MONAI."""
    import torch
    from monai import transforms as t

    both = ["image", "label"]
    transform = t.Compose(
        [
            t.RandCropByLabelClassesd(both, label_key="label", num_classes=2, spatial_size=patch, warn=False),
            t.RandAffined(
                both,
                prob=0.5,
                rotate_range=[0.26] * 3,
                scale_range=[0.2] * 3,
                mode=["bilinear", "nearest"],
                padding_mode="border",
            ),
            t.RandFlipd(both, prob=0.5, spatial_axis=0),
            t.RandSimulateLowResolutiond("image", prob=0.25, zoom_range=(0.5, 1.0)),
            t.RandGaussianSmoothd("image", prob=0.2, sigma_x=(0.5, 1.0), sigma_y=(0.5, 1.0), sigma_z=(0.5, 1.0)),
            t.RandScaleIntensityd("image", prob=0.5, factors=0.3),
            t.RandShiftIntensityd("image", prob=0.5, offsets=0.1),
            t.RandGaussianNoised("image", prob=0.2, std=0.1),
            t.EnsureTyped(both, dtype=torch.float32, track_meta=False),
        ]
    )
    return lambda item, seed: transform.set_random_state(seed)(item)


def batchgenerators(patch: Sequence[int]) -> Callable[[dict, int], Any]:
    """The same kinds of batchgeneratorsv2, on patches that ours crops; its crop's time is no part of the others'."""
    import numpy as np
    import torch
    from batchgeneratorsv2.transforms.intensity.brightness import (
        BrightnessAdditiveTransform,
        MultiplicativeBrightnessTransform,
    )
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    from common.transforms import RandClassPatchd

    crop = RandClassPatchd(["image", "label"], label_key="label", num_classes=2, spatial_size=patch)
    spatial = SpatialTransform(
        tuple(patch),
        patch_center_dist_from_border=0,
        random_crop=False,
        p_rotation=0.29,
        rotation=(-0.26, 0.26),
        p_scaling=0.29,
        scaling=(0.8, 1.2),
        mode_seg="nearest",
        padding_mode_image="border",
        border_mode_seg="border",
    )
    transform = ComposeTransforms(
        [
            spatial,
            RandomTransform(MirrorTransform((0,)), 1.0),
            RandomTransform(SimulateLowResolutionTransform((0.5, 1.0), True, True, ignore_axes=None), 0.25),
            RandomTransform(GaussianBlurTransform((0.5, 1.0)), 0.2),
            RandomTransform(MultiplicativeBrightnessTransform((0.7, 1.3), True), 0.5),
            RandomTransform(BrightnessAdditiveTransform(0, 0.06), 0.5),
            RandomTransform(GaussianNoiseTransform((0, 0.1)), 0.2),
        ]
    )

    def augment(item: dict, seed: int) -> Any:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 the one that it draws from
        torch.manual_seed(seed)
        cropped = crop.set_random_state(seed)(item)
        return transform(image=cropped["image"], segmentation=cropped["label"].short())

    return augment


if __name__ == "__main__":
    main()
