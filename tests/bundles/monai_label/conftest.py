"""MONAI Label's app with a tiny trained segmenter, of small phantoms.

Everything of MONAI Label runs in an environment of its own, whose Python is LABEL_PYTHON: `make test-label`.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from common.data.cli import prepare
from common.data.datalist import read_datalist
from common.files import file_sha256
from common.packaging.export import export_bundle
from tests.bundles.monai_label.served import MODEL, NAME, environment
from tests.common.web.browser import browser  # noqa: F401 a fixture of two rooms

AIR = -300  # HU, above it is body


@pytest.fixture(scope="module")
def python():
    """Python of MONAI Label's environment."""
    path = Path(os.environ.get("LABEL_PYTHON", ""))
    if not path.is_file():
        pytest.skip("no MONAI Label in LABEL_PYTHON: `make test-label` installs it and runs these tests")
    return path.absolute()


@pytest.fixture(scope="module")
def in_label(python):
    """Function (folder, *arguments) -> output of MONAI Label's Python, which sees no checkout."""

    def run(folder, *arguments):
        command = [python, "-P", "-B", *map(str, arguments)]
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    return run


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    """Ten small phantom cases whose masks are the body, which a tiny network learns to find in seconds."""
    folder = tmp_path_factory.mktemp("bodies")
    prepare("phantom", str(folder), count=10, size=(32, 32, 16), folds=2)
    for path in (folder / "images").iterdir():
        image = nib.load(path)
        mask = (np.asarray(image.dataobj) > AIR).astype(np.uint8)
        nib.save(nib.Nifti1Image(mask, image.affine), folder / "labels" / path.name)
    return folder


@pytest.fixture(scope="module")
def app(in_label, run_workflow, bodies, tmp_path_factory):
    """Folder of MONAI Label's app `monaibundle` with the exported bundle and a tiny trained model."""
    folder = tmp_path_factory.mktemp("label")
    options = {"dataset_dir": str(bodies), "output_dir": str(folder / "trained")}
    trained = run_workflow(NAME, ["train", "smoke"], max_epochs=4, epoch_steps=4, val_interval=4, **options)
    in_label(folder, "-m", "monailabel.main", "apps", "--download", "--name", "monaibundle", "--output", ".")
    export_bundle(NAME, folder / "monaibundle" / "model", model=trained / "model.pt")
    return folder / "monaibundle"


@pytest.fixture(scope="module")
def case(bodies):
    """A test case: its id and its image."""
    entry = read_datalist(bodies / "datalist.json")["testing"][0]
    return entry["case_id"], bodies / entry["image"]


@pytest.fixture(scope="module")
def own_mask(in_label, app, case, tmp_path_factory):
    """Function that gives the mask of the bundle's own `run inferring`, with the model that it has at that time."""

    @cache
    def infer(model):
        images, output = (tmp_path_factory.mktemp(name) for name in ("images", "own"))
        shutil.copy(case[1], images)
        options = ["--config_file", "configs/inference.yaml", "--images", images, "--output_dir", output]
        in_label(app / "model" / NAME, "-m", "monai.bundle", "run", "inferring", *options, "--device", "cpu")
        return nib.load(output / "labels" / f"{case[0]}.nii.gz")

    return lambda: infer(file_sha256(app / MODEL))
