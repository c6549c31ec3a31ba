"""The exported segmenter in the `monaibundle` app of a MONAI Label server that is started for real.

Everything of MONAI Label runs in an environment of its own, whose Python is LABEL_PYTHON: `make test-label`.
"""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from common.data.cli import prepare
from common.data.datalist import read_datalist
from common.data.studies import write_studies
from common.files import file_sha256
from common.networks.model_file import read_model_file
from common.packaging.export import export_bundle

pytestmark = pytest.mark.label
NAME = "segresnet_auto3dseg"
MODEL = f"model/{NAME}/models/model.pt"
LABELS = {"tumour or lymph node": 1}
FINAL = "labels/final"
AIR = -300  # HU, above it is body
IN_PROCESS = """
import json, shutil, sys
from monailabel.tasks.infer.bundle import BundleInferTask
bundle, image, output = sys.argv[1:]
task = BundleInferTask(bundle, {"preload": "false"})
assert task.is_valid()
file, result = task({"model": "any", "image": image, "device": "cpu", "result_extension": ".nii.gz"})
shutil.move(file, output)
print(json.dumps(result["label_names"]))
"""


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
def studies(bodies, tmp_path_factory):
    """Folder of studies of these cases, eight of them labelled."""
    folder = tmp_path_factory.mktemp("studies")
    write_studies(bodies, folder)
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
def server(python, app, studies):
    """Address of a server that is stopped afterwards; it listens on this machine alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-P", "-B", "-m", "monailabel.main", "start_server", "--app", app, "--studies", studies]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    for key, value in {"models": NAME, "zoo_source": "local", "sam2": "false"}.items():
        command += ["--conf", key, value]
    log = app.parent / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=app, env=environment(), stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/info/", process, log), seconds=600)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


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


def environment():
    hidden = ("PYTHONPATH", "LABEL_PYTHON", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    return {**kept, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1", "PYTHONPATH": ""}


def request(address, *, data=None, content_type="application/json", **query):
    url = f"{address}?{urllib.parse.urlencode(query)}" if query else address
    body = urllib.request.Request(url, data=data, headers={"Content-Type": content_type})
    with urllib.request.urlopen(body, timeout=300) as answer:
        return answer.read()


def answers(address, process, log):
    assert process.poll() is None, f"the server ended:\n{log.read_text()[-4000:]}"
    try:
        return bool(request(address))
    except OSError:
        return False


def wait_for(condition, *, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"nothing after {seconds} s"
        time.sleep(1)


def served_mask(server, case_id, folder):
    """The mask of one study, as 3D Slicer asks for it, but as NIfTI."""
    form = urllib.parse.urlencode({"params": json.dumps({"result_extension": ".nii.gz", "result_dtype": "uint8"})})
    address = f"{server}/infer/{NAME}"
    mask = request(
        address, data=form.encode(), content_type="application/x-www-form-urlencoded", image=case_id, output="image"
    )
    path = folder / "served.nii.gz"
    path.write_bytes(mask)
    return nib.load(path)


def dice(first, second):
    a, b = (np.asarray(image.dataobj) > 0 for image in (first, second))
    return 2 * np.sum(a & b) / (a.sum() + b.sum())


def assert_same_mask(found, expected):
    assert np.asarray(expected.dataobj).any(), "an empty mask shows nothing"
    assert dice(found, expected) == 1
    assert np.array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    assert np.allclose(found.affine, expected.affine, atol=1e-4)


def training_state(server):
    return json.loads(request(f"{server}/train/"))


def test_info_lists_the_model_with_its_labels(server, studies):
    info = json.loads(request(f"{server}/info/"))
    assert list(info["models"]) == list(info["trainers"]) == [NAME]
    model = info["models"][NAME]
    assert (model["type"], model["dimension"], model["labels"]) == ("segmentation", 3, LABELS)
    assert info["labels"] == list(LABELS)
    status = info["datastore"]
    assert (status["total"], status["completed"]) == (10, len(list((studies / FINAL).iterdir()))) == (10, 8)


def test_infer_gives_the_mask_of_the_bundle_itself(server, own_mask, case, tmp_path):
    assert_same_mask(served_mask(server, case[0], tmp_path), own_mask())


def test_the_infer_task_in_process_gives_that_mask_too(in_label, app, own_mask, case, tmp_path):
    output = tmp_path / "mask.nii.gz"
    printed = in_label(tmp_path, "-c", IN_PROCESS, app / "model" / NAME, case[1], output)
    assert json.loads(printed.splitlines()[-1]) == LABELS
    assert_same_mask(nib.load(output), own_mask())


def test_train_finishes_and_its_model_is_served(server, app, studies, own_mask, case, tmp_path):
    before = read_model_file(app / MODEL)
    config = json.loads(request(f"{server}/info/"))["trainers"][NAME]["config"]
    chosen = {key: value[0] if isinstance(value, list) else value for key, value in config.items()}  # 3D Slicer's way
    params = {**chosen, "max_epochs": 3, "val_split": 0.25}
    request(f"{server}/train/{NAME}", data=json.dumps(params).encode())
    wait_for(lambda: training_state(server)["status"] not in ("SUBMITTED", "RUNNING"), seconds=900)
    state = training_state(server)
    assert state["status"] == "DONE", "\n".join(state["details"])
    after = read_model_file(app / MODEL)
    assert after["settings"] == before["settings"]
    assert set(after["training"]["case_ids"]) <= {
        path.name.removesuffix(".nii.gz") for path in (studies / FINAL).iterdir()
    }
    assert after["training"]["counts"] == {"real": 6, "generated": 0, "validation": 2}
    assert after["training"]["init_from"]["training"]["case_ids"] == before["training"]["case_ids"]
    assert_same_mask(served_mask(server, case[0], tmp_path), own_mask())
