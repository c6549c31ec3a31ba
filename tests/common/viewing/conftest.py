"""A small data list and a generated set of it."""

import nibabel as nib
import numpy as np
import pytest

from common.data.datalist import read_datalist, select_cases, write_datalist
from common.data.generated_set import read_generated_set
from common.data.provenance import write_provenance
from common.viewing.cases import shown_cases
from tests.common.reader_study.conftest import body

CHECKPOINT = "ab" * 32
LABELS = {"0": "background", "1": "tumour", "2": "lymph node"}


def write_pairs(folder, names):
    """Entries of pairs that are written below `folder`."""
    entries = []
    for number, name in enumerate(names):
        entry = {"case_id": name, "centre": name[0].upper(), "fold": 0}
        for part, volume in zip(("image", "label"), body(number), strict=True):
            entry[part] = f"{part}s/{name}.nii.gz"
            (folder / f"{part}s").mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(volume, np.diag([2, 2, 3, 1])), folder / entry[part])
        entries.append(entry)
    return entries


@pytest.fixture
def real_dir(tmp_path):
    """Three real cases."""
    content = {"training": write_pairs(tmp_path / "real", ["r0", "r1", "r2"]), "testing": [], "labels": LABELS}
    write_datalist(content, tmp_path / "real" / "datalist.json")
    return tmp_path / "real"


@pytest.fixture
def generated_dir(tmp_path):
    """Two pairs, with their provenance."""
    folder = tmp_path / "generated"
    names = ["g0", "g1"]
    write_datalist({"training": write_pairs(folder, names), "labels": LABELS}, folder / "dataset.json")
    provenance = {
        "bundle": {"name": "hagan_128", "version": "0"},
        "checkpoint": {"file": "model.pt", "sha256": CHECKPOINT, "step": 1},
        "seed": 0,
        "cases": [{"case_id": name, "seed": 10 + number} for number, name in enumerate(names)],
        "training": {"case_ids": ["r0", "r1"]},
        "preprocessing": {"spacing": [4, 4, 6], "crop": "none"},
        "hu_window": [-1024, 600],
        "spacing": [2, 2, 3],
        "postprocessing": {},
    }
    write_provenance(folder, provenance)
    return folder


@pytest.fixture
def generated(generated_dir):
    """The set."""
    return read_generated_set(generated_dir, check=False)


@pytest.fixture
def evaluation_dir(tmp_path):
    """What an evaluation says of these pairs: g1 is a copy of r0."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    (folder / "metrics.json").write_text(
        '{"scores": {"memorisation/volumes": {"threshold": 2.0}, "fid/pair/organs": {}}}'
    )
    (folder / "cases.csv").write_text(
        "set,case_id,centre,foreground/volume,distance/volumes,nearest/volumes,copy/volumes\n"
        "generated,g0,G,5,9.5,r1,0\ngenerated,g1,G,7,1.5,r0,1\nreal,r2,R,nan,4,,\n"
    )
    return folder


@pytest.fixture
def cases(real_dir, generated, evaluation_dir):
    """All of it, as the page shows it: g0, g1, r0, r1, r2."""
    datalist = read_datalist(real_dir / "datalist.json")
    real = select_cases(datalist, folds="everything", dataset_dir=real_dir)
    return shown_cases(real, generated, datalist=datalist, evaluation=evaluation_dir)
