"""The exported segmenter in the `monaibundle` app of a MONAI Label server that is started for real.

Everything of MONAI Label runs in an environment of its own, whose Python is LABEL_PYTHON: `make test-label`.
"""

import json
import urllib.parse
from hashlib import sha256

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from common.data.datalist import read_datalist
from common.data.studies import write_studies
from common.networks.model_file import read_model_file
from tests.bundles.monai_label.served import LABELS, MODEL, NAME, assert_same_mask, request, running_server, wait_for

pytestmark = pytest.mark.label
FINAL = "labels/final"
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
# what 3D Slicer's module calls, in its order, with what it sends
AS_SLICER = """
import json, sys
import SimpleITK
from monailabel.client import MONAILabelClient
address, model, case, image, folder = sys.argv[1:]
client = MONAILabelClient(address, folder, "a reader")
labels = client.info()["models"][model]["labels"]
sample = client.next_sample("random", {})
session = client.create_session(image)["session_id"]
assert client.get_session(session)
params = {"result_extension": ".nrrd", "result_dtype": "uint8"}
mask, result = client.infer(model, case, params, session_id=session)
label_info = [{"name": name, "idx": index} for name, index in labels.items()]
SimpleITK.WriteImage(SimpleITK.ReadImage(mask), folder + "/label.nii.gz")  # from the segment editor, in its file format
client.save_label(case, folder + "/label.nii.gz", params={"label_info": label_info})
print(json.dumps({"sample": sample["id"], "mask": mask, "next": client.next_sample("random", {})["id"]}))
"""


@pytest.fixture(scope="module")
def studies(bodies, tmp_path_factory):
    """Folder of studies of these cases, eight of them labelled."""
    folder = tmp_path_factory.mktemp("studies")
    write_studies(bodies, folder)
    return folder


@pytest.fixture(scope="module")
def server(python, app, studies):
    """Address of a server of these studies."""
    with running_server(python, app, studies) as address:
        yield address


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
    names = sorted(path.name.removesuffix(".nii.gz") for path in (studies / FINAL).iterdir())
    held_back = [name for name in names if int(sha256(name.encode()).hexdigest()[:16], 16) / 2**64 < 0.2]
    assert (
        set(names) - set(held_back) <= set(after["training"]["case_ids"]) <= set(names)
    )  # the first model's are among them
    counts = {"real": len(names) - len(held_back), "generated": 0, "validation": len(held_back)}
    assert after["training"]["counts"] == counts
    assert after["training"]["init_from"]["training"]["case_ids"] == before["training"]["case_ids"]
    assert_same_mask(served_mask(server, case[0], tmp_path), own_mask())


def test_the_client_library_of_3d_slicer_labels_a_study(server, bodies, studies, own_mask, case, in_label, tmp_path):
    """Last, as it submits a label."""
    before = {path.name for path in (studies / FINAL).iterdir()}
    said = json.loads(in_label(tmp_path, "-c", AS_SLICER, server, NAME, *case, tmp_path).splitlines()[-1])
    testing = {entry["case_id"] for entry in read_datalist(bodies / "datalist.json")["testing"]}
    assert said["sample"] in testing
    assert {said["next"]} == testing - {case[0]}
    assert {path.name for path in (studies / FINAL).iterdir()} - before == {f"{case[0]}.nii.gz"}
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(said["mask"])).T
    assert np.array_equal(voxels, np.asarray(own_mask().dataobj))
