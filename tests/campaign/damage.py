"""What does the damage: to data lists, NIfTI pairs, generated sets and models in a copy of the world."""

import gzip
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

Spoil = Callable[[Path], Any]
BUNDLES = Path(__file__).parents[2] / "bundles"
FIRST = 0  # of the entries that train


def listed(change: Callable[[dict[str, Any]], Any], where: str = "data/datalist.json") -> Spoil:
    def spoil(here: Path) -> None:
        path = here / where
        content = json.loads(path.read_text())
        changed = change(content)
        path.write_text(json.dumps(content if changed is None else changed))

    return spoil


def written(where: str, content: bytes) -> Spoil:
    return lambda here: (here / where).write_bytes(content)


def _removed(where: str) -> Spoil:
    return lambda here: (here / where).unlink()


def _first(here: Path, part: str, folder: str = "data") -> Path:
    listed = json.loads((here / folder / ("datalist.json" if folder == "data" else "dataset.json")).read_text())
    return here / folder / (listed["training"] or listed["testing"])[FIRST][part]


def _everywhere(change: Callable[[Path, Path], None], folder: str = "data") -> Spoil:
    """The damage is done to the first case of training and of testing, whichever a command reads."""

    def spoil(here: Path) -> None:
        listed = json.loads((here / folder / ("datalist.json" if folder == "data" else "dataset.json")).read_text())
        for part in ("training", "testing"):
            for entry in listed[part][:1]:
                change(here / folder / entry["image"], here / folder / entry["label"])

    return spoil


def _voxels(change: Callable[[np.ndarray], np.ndarray], of: str = "image", affine=None) -> Callable[[Path, Path], None]:
    def rewrite(image: Path, label: Path) -> None:
        path = image if of == "image" else label
        loaded = nib.load(path)
        volume = change(np.asarray(loaded.dataobj))
        matrix = loaded.affine if affine is None else affine(loaded.affine.copy())
        nib.save(nib.Nifti1Image(volume, matrix), path)

    return rewrite


def _entry(**values: Any) -> Callable[[dict[str, Any]], None]:
    """Keys of the first entries of both parts set, or removed where None is given as `...`."""

    def change(content: dict[str, Any]) -> None:
        for part in ("training", "testing"):
            for entry in content[part][:1]:
                for key, value in values.items():
                    entry.pop(key, None) if value is ... else entry.update({key: value})

    return change


def _both(content: dict[str, Any]) -> None:
    content["testing"].append(dict(content["training"][0]) | {"fold": None})


def _twice(content: dict[str, Any]) -> None:
    content["training"].append(dict(content["training"][0]))


def _again(content: dict[str, Any]) -> None:
    for part in ("training", "testing"):
        content[part].append(dict(content[part][0]) | {"case_id": f"again_{part}"})


def _moved(by: float):
    def change(affine: np.ndarray) -> np.ndarray:
        affine[0, 3] += by
        return affine

    return change


def _scaled(by: float):
    def change(affine: np.ndarray) -> np.ndarray:
        affine[:3, :3] *= by
        return affine

    return change


def _gzip_cut(image: Path, label: Path) -> None:
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])


def _planes(value: float) -> Callable[[Path, Path], None]:
    """A value in one plane of the image."""
    return _voxels(lambda v: np.where(np.indices(v.shape)[0] == 3, value, v).astype(np.float32))


def _both_scaled(by: float) -> Callable[[Path, Path], None]:
    def rewrite(image: Path, label: Path) -> None:
        for part in ("image", "label"):
            _voxels(lambda v: v, part, _scaled(by))(image, label)

    return rewrite


def _flip(here: Path) -> None:
    content = bytearray((here / "model.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (here / "model.pt").write_bytes(content)


def _other_model(here: Path) -> None:
    """The segmenter's, or HA-GAN's in place of that."""
    paths = [BUNDLES / name / "models" / "model.pt" for name in ("segresnet_auto3dseg", "hagan_128")]
    own = (here / "model.pt").read_bytes()
    (here / "model.pt").write_bytes(next(path.read_bytes() for path in paths if path.read_bytes() != own))


def _cut(here: Path) -> None:
    content = (here / "model.pt").read_bytes()
    (here / "model.pt").write_bytes(content[: len(content) // 2])


def folder(where: str) -> Spoil:
    def spoil(here: Path) -> None:
        (here / where).unlink()
        (here / where).mkdir()

    return spoil


def _real_id(here: Path) -> None:
    real = json.loads((here / "data" / "datalist.json").read_text())["training"][0]["case_id"]

    def change(content: dict[str, Any]) -> None:
        (content["training"] or content["testing"])[0]["case_id"] = real

    listed(change, SET)(here)


LIST, SET, PROVENANCE = "data/datalist.json", "generated/dataset.json", "generated/provenance.json"
SPOILS: dict[str, dict[str, Spoil]] = {  # title and names of faults.yaml → what does the damage
    "data list": {
        "missing": _removed(LIST),
        "empty": written(LIST, b""),
        "no JSON": written(LIST, b"{training"),
        "UTF-16": written(LIST, '{"training": []}'.encode("utf-16")),
        "a list": listed(lambda content: content["training"]),
        "no training": listed(lambda content: {"labels": content["labels"]}),
        "training is a text": listed(lambda content: {**content, "training": "all", "testing": "all"}),
        "no image": listed(_entry(image=...)),
        "image is a number": listed(_entry(image=5)),
        "null entry": listed(lambda content: {**content, "training": [None, *content["training"]], "testing": [None]}),
        "case id leads out": listed(_entry(case_id="../../x")),
        "case id is absolute": listed(_entry(case_id="/tmp/campaign_x")),
        "a case in training and testing": listed(_both),
        "a case twice": listed(_twice),
        "a pair under two ids": listed(_again),
        "centre is a list": listed(_entry(centre=["a"])),
    },
    "folds of a list": {
        "fold is a text": listed(_entry(fold="one")),
        "fold is negative": listed(_entry(fold=-1)),
        "fold is a fraction": listed(_entry(fold=0.5)),
    },
    "NIfTI pair": {
        "image is missing": _everywhere(lambda image, label: image.unlink()),
        "mask is missing": _everywhere(lambda image, label: label.unlink()),
        "image is cut": _everywhere(_gzip_cut),
        "image is a text": _everywhere(lambda image, label: image.write_text("hello")),
        "image is a packed text": _everywhere(lambda image, label: image.write_bytes(gzip.compress(b"no NIfTI" * 100))),
        "image is empty": _everywhere(lambda image, label: image.write_bytes(b"")),
        "NaN": _everywhere(_planes(np.nan)),
        "infinite": _everywhere(_planes(np.inf)),
        "image in -1 … 1": _everywhere(_voxels(lambda v: (v / 4000).astype(np.float32))),
        "image is four-dimensional": _everywhere(_voxels(lambda v: np.stack([v, v], -1))),
        "image is a plane": _everywhere(_voxels(lambda v: v[..., :1])),
        "mask of another shape": _everywhere(_voxels(lambda v: v[:-4], "label")),
        "mask holds 7": _everywhere(_voxels(lambda v: np.where(v > 0, 7, 0).astype(np.uint8), "label")),
        "mask holds 0.5": _everywhere(_voxels(lambda v: (v * 0.25).astype(np.float32), "label")),
        "mask is empty": _everywhere(_voxels(lambda v: v * 0, "label")),
        "mask lies 50 mm aside": _everywhere(_voxels(lambda v: v, "label", _moved(50))),
        "voxels of 1000 mm": _everywhere(_both_scaled(300)),
        "voxels of 0.001 mm": _everywhere(_both_scaled(0.0001)),
    },
    "generated set": {
        "no folder": lambda here: shutil.rmtree(here / "generated"),
        "no list": _removed(SET),
        "no cases": listed(lambda content: {**content, "training": [], "testing": []}, SET),
        "an image is all NaN": _everywhere(_voxels(lambda v: np.full(v.shape, np.nan, np.float32)), "generated"),
        "an image in -1 … 1": _everywhere(_voxels(lambda v: (v / 1100).astype(np.float32)), "generated"),
        "an image of four dimensions": _everywhere(_voxels(lambda v: np.stack([v, v], -1)), "generated"),
        "a label of another shape": _everywhere(_voxels(lambda v: v[:-4], "label"), "generated"),
        "a label 50 mm aside": _everywhere(_voxels(lambda v: v, "label", _moved(50)), "generated"),
        "an image on another grid": _everywhere(_both_scaled(1.5), "generated"),
        "label values 7": _everywhere(_voxels(lambda v: np.where(v > 0, 7, 0).astype(np.uint8), "label"), "generated"),
        "an image is missing": _everywhere(lambda image, label: image.unlink(), "generated"),
        "an image is cut": _everywhere(_gzip_cut, "generated"),
        "the id of a real case": _real_id,
        "provenance is null": written(PROVENANCE, b"null"),
        "provenance is cut": written(PROVENANCE, b'{"bundle":'),
    },
    "model file": {
        "of another bundle": _other_model,
        "missing": _removed("model.pt"),
        "empty": written("model.pt", b""),
        "a text": written("model.pt", b"hello" * 200),
        "cut": _cut,
        "a changed bit": _flip,
        "a pickle": written("model.pt", pickle.dumps({"a": 1})),
        "a folder": folder("model.pt"),
    },
}
