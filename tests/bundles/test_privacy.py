"""From a clinic's DICOM to a published set and a page: nothing that the DICOM says of patients is in any output."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from common.data.cli import prepare
from tests.common.data.dicom.dicom_files import (
    PATIENT,
    box,
    ct_slices,
    identifiers_of,
    said_in,
    save_rtstruct,
    save_slices,
)

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "hagan_128" / "configs"


@pytest.fixture
def clinic(phantom_dir, tmp_path):
    """Six phantoms as CT series of patients, with contours, in folders of their names."""
    folder = tmp_path / "Saint Elsewhere" / "archive"
    for number, path in enumerate(sorted((phantom_dir / "images").iterdir())[:6]):
        volume = nib.load(path)
        hu = np.asarray(volume.dataobj).transpose(2, 1, 0).astype(np.int16).clip(-1024)
        name = f"DOE^NUMBER{number}"
        patient = {**PATIENT, "PatientID": f"MRN00123{number}", "PatientName": name}
        slices = save_slices(
            ct_slices(hu.shape, volume.header.get_zooms()[::-1], hu=hu, patient=patient), folder / name
        )
        drawn = [(k, box(12.6, 12.6, 18.4, 17.4)) for k in range(6, 11)]
        save_rtstruct(folder / name / "RS", slices, {"GTVp": drawn})
    return folder


def run_step(run_id, configs, options, log=None, **_):
    kind = "infer" if run_id == "inferring" else "train"
    work = ConfigWorkflow([*map(str, configs)], workflow_type=kind, run_id=run_id, logging_file=False, **options)
    work.initialize()
    work.run()
    work.finalize()


def test_nothing_of_a_patient_is_in_data_model_release_or_page(clinic, tmp_path, run_workflow, monkeypatch):
    out = tmp_path / "out"
    prepare("dicom", str(out / "data"), input=str(clinic), rois={"GTVp.*": 1}, folds=2, test_fraction=0.2)
    data = {"dataset_dir": str(out / "data")}
    run_workflow("hagan_128", ["train", "smoke"], **data, output_dir=str(out / "train"), pictures="small")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr("common.runs.published.published_set.run_workflow", run_step)
    young = {"air_share": 0, "empty_masks": True}  # two steps of training draw no patient
    options = {
        "checkpoints": [str(out / "train" / "model.pt")],
        "num_samples": 3,
        "overlays": [str(CONFIGS / "smoke.yaml")],
    }
    run_step("run", [CONFIGS / "dataset.yaml"], {**data, **options, **young, "output_dir": str(out / "release")})
    run_workflow("evaluation", ["analyse"], **data, output_dir=str(out / "page"), pictures="small")
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert {"train/model.pt", "release/provenance.json", "release/README.md", "data/datalist.json"} <= names
    assert any(name.startswith("page/") and name.endswith(".html") for name in names)
    identifiers = identifiers_of(clinic) | {str(clinic), "Saint Elsewhere"}
    assert {"MRN001230", "DOE^NUMBER0", "19510203", "SN424242"} <= identifiers
    assert not said_in(out, identifiers)
