"""Small real and generated sets whose features are known."""

from functools import cache

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

from common.evaluation.features import FeatureReader
from common.evaluation.sets import EvaluationSets
from common.evaluation.volume_set import VolumeSet
from common.networks.extractor import Extractor, ExtractorId
from tests.quick_pictures import draw_quickly

SHAPE = (16, 16, 16)
NAMES = {"0": "background", "1": "tumour", "2": "lymph node"}


class Octants(nn.Module):
    """Means of the eight octants of a volume: (B, 1, H, W, D) → (B, 8)."""

    def forward(self, x):
        return nn.functional.adaptive_avg_pool3d(x, 2).flatten(1)


def views(item):
    image, label = item["image"].float() / 1000, item["label"].float() - 1
    return {"pair": torch.cat([image, label], -1), "image": image, "mask": label}


def build_volumes(folder, name, count, *, seed, brightness=0, first=0):
    """`count` noisy bodies with a box of label 1 (and a small one of label 2) inside, as files and as items."""
    rng = np.random.default_rng(seed)
    cases, items = [], []
    for i in range(first, first + count):
        image = np.full(SHAPE, -1000, np.int16)
        image[2:-2, 2:-2] = rng.normal(40 + brightness, 20, (12, 12, 16))
        label = np.zeros(SHAPE, np.uint8)
        start = rng.integers(4, 8, 3)
        label[tuple(slice(s, s + 4) for s in start)] = 1
        label[12, 12, 8:10] = 2
        case = {"case_id": f"{name}_{i}", "centre": "A" if i % 2 else "B"}
        for key, volume in (("image", image), ("label", label)):
            path = folder / f"{name}_{i}_{key}.nii.gz"
            nib.save(nib.Nifti1Image(volume, np.diag([2.0, 2.0, 2.0, 1.0])), path)
            case[key] = str(path)
        cases.append(case)
        tensors = {"image": torch.tensor(image)[None], "label": torch.tensor(label)[None]}
        items.append({**tensors, "spacing": torch.full((3,), 2.0)})
    return VolumeSet(name, cases, items, {"size": list(SHAPE)})


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """What is on a picture is tested with the reports."""
    draw_quickly(monkeypatch)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Function as `build_volumes`, without the folder: equal sets are written once."""
    return cache(lambda *args, **options: build_volumes(tmp_path_factory.mktemp("volumes"), *args, **options))


@pytest.fixture
def build_sets(drawn):
    """Function(brightness, …) → sets of 24 real and 16 generated volumes; the last 8 real ones were trained on."""

    def build(*, brightness=0, weights="sha", training=True, generated=None, **options):
        real = drawn("real", 24, seed=0)
        generated = generated or drawn("generated", 16, seed=1, brightness=brightness)
        extractor = Extractor(Octants(), ExtractorId("octants", "means of octants", weights))
        return EvaluationSets(
            real=real,
            generated=generated,
            training=real.select(range(16, 24), name="training cases") if training else None,
            reader=FeatureReader({"octants": extractor}, views=views, view_recipe={}),
            window=(-1024, 600),
            label_names=NAMES,
            **options,
        )

    return build
