"""Pairs on disk for tests of a training's cases: a real list in three folds, and a generated set."""

import itertools
import json
import zlib
from dataclasses import fields

import nibabel as nib
import numpy as np
import pytest

from common.data.choose_generated import GeneratedOptions
from common.data.choose_real import RealOptions
from common.data.segmenter_fit import SegmenterInput
from common.data.training_mix import training_mix

SHAPE = (8, 8, 16)
PROVENANCE = {
    "bundle": {},
    "checkpoint": {},
    "seed": 0,
    "cases": [],
    "training": {"case_ids": ["a3", "a4", "b2"]},
    "hu_window": [-1024, 600],
    "spacing": [2, 2, 2],
    "postprocessing": {},
}
# case ids by fold; centre is the first letter
FOLDS = {0: ["a0", "a1", "b0"], 1: ["a2", "a3", "b1"], 2: ["a4", "a5", "b2"]}
TESTING = ["t0", "t1"]


def save_pair(folder, case_id, *, image=None, label=None, affine=None):
    """Half air, half soft tissue with two voxels of the case's own, and a lesion of one voxel."""
    affine = np.diag([2.0, 2, 2, 1]) if affine is None else affine
    if image is None:
        image = np.full(SHAPE, -1000, np.int16)
        image[4:] = 40
        image[7, 7, :2] = np.divmod(zlib.crc32(case_id.encode()) % 10000, 100)
    if label is None:
        label = np.zeros(SHAPE, np.uint8)
        label[5, 4, 8] = 1
    for name, array in (("images", image), ("labels", label)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, affine), folder / name / f"{case_id}.nii.gz")


def entry(case_id, **more):
    return {
        "case_id": case_id,
        "image": f"images/{case_id}.nii.gz",
        "label": f"labels/{case_id}.nii.gz",
        "centre": case_id[0],
        "patient": case_id,
        **more,
    }


def write(path, content):
    path.write_text(json.dumps(content))


@pytest.fixture
def datalist(tmp_path):
    """Nine cases of two centres in three folds, two for testing."""
    folder = tmp_path / "real"
    for case_id in [*itertools.chain(*FOLDS.values()), *TESTING]:
        save_pair(folder, case_id)
    training = [entry(case_id, fold=fold) for fold, ids in FOLDS.items() for case_id in ids]
    write(folder / "datalist.json", {"training": training, "testing": [entry(case_id) for case_id in TESTING]})
    return folder / "datalist.json"


@pytest.fixture
def generated_dir(tmp_path):
    """Eight pairs of a generator that was trained on folds 1 and 2."""
    folder = tmp_path / "hagan"
    entries = [entry(f"generated_{number}", centre="generated", fold=0) for number in range(8)]
    for case in entries:
        save_pair(folder, case["case_id"])
    write(folder / "dataset.json", {"training": entries, "testing": []})
    write(folder / "provenance.json", PROVENANCE)
    return folder


def ids(entries, source=None):
    return {case["case_id"] for case in entries if source in (None, case["source"])}


def mix_of(datalist, **options):
    """The mix of options that are named as the config's flat keys."""
    of_real = {"use_real": "use", "real_fraction": "fraction", "real_count": "count", "real_folds": "folds"}
    of_generated = {"generated_dir": "directory", "generated_count": "count"}
    of_generated |= {"generated_share": "share", "generated_share_end": "share_end"}

    def build(form, names, **more):
        names = {**{field.name: field.name for field in fields(form)}, **names}
        return form(**more, **{names[key]: options.pop(key) for key in list(options) if key in names})

    parts = [build(RealOptions, of_real, datalist=datalist), build(GeneratedOptions, of_generated)]
    return training_mix(*parts, build(SegmenterInput, {}), **options)
