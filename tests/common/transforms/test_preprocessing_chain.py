"""The transforms together, as a bundle's config puts them: on files, with MONAI's caches, and back."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose, EnsureTyped, LoadImaged, Orientationd, Resized, SelectItemsd, Spacingd

from common.transforms import (
    AntialiasedResized,
    BodyMask,
    CentreBoundsCropd,
    HUWindowd,
    MaskCleanupd,
    MaskRanged,
    Paird,
)

KEYS = ["image", "label"]

# each changes one parameter of the chain
CHANGES = [
    {"low": -1000},
    {"size": (16, 16, 16)},
    {"threshold": -200},
    {"bounds": {"A": [[0, 1], [0, 1], [0, 0.5]]}},
    {"bounds": {"A": [[0, 1], [0, 1], [0, 0.6]]}},
    {"margin": 1},
    {"binary": True},
    {"mode": "interleave"},
]


def chain(
    *, size=(16, 16, 8), spacing=4.0, low=-1024, threshold=-300, bounds=None, margin=4, binary=False, mode="z_concat"
):
    return Compose(
        [
            LoadImaged(KEYS, ensure_channel_first=True),
            Orientationd(KEYS, axcodes="RAS", labels=None),
            CentreBoundsCropd(KEYS, bounds, select_fn=BodyMask(threshold), margin=margin),
            Spacingd(KEYS, pixdim=(spacing,) * 3, mode=("bilinear", "nearest")),
            HUWindowd("image", low),
            AntialiasedResized("image", size),
            Resized("label", size, mode="nearest-exact"),
            MaskRanged("label", binary=binary),
            Paird(mode=mode),
            SelectItemsd(["pair", "case_id"]),
            EnsureTyped("pair", track_meta=False),  # MetaTensor when computed but tensor when cached cannot be batched
        ]
    )


@pytest.fixture
def cases(tmp_path):
    """Two patients, stored left to right, of 60×50×40 voxels of 2×2×3 mm."""
    rng = np.random.default_rng(0)
    found = []
    for name in ("a", "b"):
        image, mask = np.full((60, 50, 40), -1000, np.int16), np.zeros((60, 50, 40), np.uint8)
        image[10:50, 10:40, 5:35] = rng.integers(-100, 200, (40, 30, 30))
        mask[20:30, 20:30, 10:20], mask[32:40, 20:30, 20:30] = 1, 2
        entry = {"case_id": name}
        for key, array in (("image", image), ("label", mask)):
            entry[key] = str(tmp_path / f"{name}_{key}.nii.gz")
            nib.save(nib.Nifti1Image(array, np.diag([-2, 2, 3, 1])), entry[key])
        found.append(entry)
    return found


def back(pair, *, mode="z_concat", binary=False):
    data = {"pair": pair}
    for transform in (Paird(mode=mode), MaskRanged("label", binary=binary), HUWindowd("image")):
        data = transform.inverse(data)
    return MaskCleanupd("label")(data)


@pytest.mark.parametrize(("mode", "shape"), [("z_concat", (1, 16, 16, 16)), ("channels", (2, 16, 16, 8))])
def test_files_to_pair_and_back(cases, mode, shape):
    pair = chain(mode=mode)(cases[0])["pair"]
    assert pair.shape == shape
    assert pair.dtype == torch.float32
    assert pair.min() == -1
    assert pair.max() == 1
    out = back(pair, mode=mode)
    assert out["label"].unique().tolist() == [0, 1, 2]
    inside = torch.as_tensor(out["image"])[torch.as_tensor(out["label"]) > 0]
    assert inside.mean() == pytest.approx(50, abs=15)


@pytest.mark.parametrize("change", CHANGES)
def test_cache_key_holds_every_parameter(change):
    def key(**options):
        return pickle_hashing(list(chain(**options).transforms))

    assert key() == key()
    assert key() != key(**change)


def test_disk_cache_gives_the_same_and_batches_new_with_cached(cases, tmp_path):
    def dataset():
        return PersistentDataset(cases, chain(), tmp_path / "cache", hash_transform=pickle_hashing)

    first = dataset()[1]
    assert len(list((tmp_path / "cache").iterdir())) == 1
    batch = next(iter(DataLoader(dataset(), batch_size=2)))
    assert batch["pair"].shape == (2, 1, 16, 16, 16)
    assert torch.equal(batch["pair"][1], first["pair"])
    assert batch["case_id"] == ["a", "b"]
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_memory_cache_gives_the_same(cases):
    cached = CacheDataset(cases, chain(), progress=False)
    assert torch.equal(cached[0]["pair"], chain()(cases[0])["pair"])


@pytest.mark.openkbp
@pytest.mark.parametrize("index", [0, 120])
def test_real_case_keeps_its_labels(openkbp_dir, index):
    entry = json.loads((openkbp_dir / "cases.json").read_text())[index]
    case = {key: str(openkbp_dir / entry[key]) for key in KEYS} | {"case_id": entry["case_id"]}
    out = back(chain(size=(64, 64, 32), spacing=3.0)(case)["pair"])
    stored = nib.load(case["label"])
    before = np.bincount(np.asarray(stored.dataobj).ravel(), minlength=3)[1:]
    after = torch.bincount(out["label"].flatten().long(), minlength=3)[1:]
    # volume in mm³ needs the spacing, which the pair has lost: the labels' proportion stays
    assert after.sum() > 1000
    assert (after[0] / after.sum()).item() == pytest.approx(before[0] / before.sum(), abs=0.03)


@pytest.mark.openkbp
def test_body_box_holds_every_label_of_real_cases(openkbp_dir):
    crop = Compose([LoadImaged(KEYS, ensure_channel_first=True), CentreBoundsCropd(KEYS, margin=2)])
    for entry in json.loads((openkbp_dir / "cases.json").read_text())[::40]:
        case = {key: str(openkbp_dir / entry[key]) for key in KEYS}
        out = crop(case)
        assert out["label"].gt(0).sum() == np.count_nonzero(nib.load(case["label"]).dataobj), entry["case_id"]
        assert out["image"].numel() < 0.8 * 128**3
