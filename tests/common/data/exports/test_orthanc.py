"""Orthanc, an archive of real clinics, stores exported DICOM by DICOMweb and gives the same back."""

import json
import urllib.request
from uuid import uuid4

import nibabel as nib
import numpy as np
import pytest

from common.data.archive import running_archive
from common.data.cli import prepare
from common.data.exports.command import export
from tests.common.data.orthanc import free_port, needs_orthanc
from tests.common.data.pair_files import FOLDS

pytestmark = needs_orthanc


@pytest.fixture
def archive(tmp_path):
    """Root of DICOMweb of an empty archive on a port of this machine alone."""
    with running_archive(tmp_path / "archive", port=free_port()) as address:
        yield f"{address}/dicom-web"


def request(url, data=None, **headers):
    call = urllib.request.Request(url, data=data, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(call, timeout=60) as reply:
        return reply.headers, reply.read()


def store(root, files):
    """STOW-RS."""
    mark = uuid4().hex
    start, end = f"--{mark}\r\nContent-Type: application/dicom\r\n\r\n".encode(), f"--{mark}--\r\n".encode()
    body = b"".join(start + path.read_bytes() + b"\r\n" for path in files) + end
    kind = f'multipart/related; type="application/dicom"; boundary={mark}'
    _, reply = request(f"{root}/studies", body, Content_Type=kind, Accept="application/dicom+json")
    return json.loads(reply)


def retrieve(root, study, folder):
    """WADO-RS."""
    headers, body = request(f"{root}/studies/{study}", Accept='multipart/related; type="application/dicom"')
    mark = b"--" + headers.get_param("boundary").encode()
    folder.mkdir(parents=True)
    for number, part in enumerate(body.split(mark)[1:-1]):  # no parser of mails: it mends the ends of lines
        (folder / f"{number}").write_bytes(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))


def test_what_orthanc_gives_back_is_the_same_pair(datalist, archive, tmp_path):
    export("dicom", str(tmp_path / "out"), datalist=str(datalist))
    names = [name for fold in FOLDS.values() for name in fold][:3]
    files = [path for name in names for path in sorted((tmp_path / "out" / name).rglob("*.dcm"))]
    reply = store(archive, files)
    failed = reply.get("00081198", {}).get("Value", [])
    assert not failed, failed[0]
    assert len(reply["00081199"]["Value"]) == len(files)
    studies = json.loads(request(f"{archive}/studies", Accept="application/dicom+json")[1])
    assert len(studies) == 3
    for number, study in enumerate(studies):
        retrieve(archive, study["0020000D"]["Value"][0], tmp_path / "back" / str(number))
    rois = {"tumour": 1, "lymph node": 2}
    prepare("dicom", str(tmp_path / "pairs"), input=str(tmp_path / "back"), rois=rois, folds=1, test_fraction=0)
    entries = json.loads((tmp_path / "pairs" / "datalist.json").read_text())["training"]
    made = {canonical(tmp_path / "pairs" / e["image"]): canonical(tmp_path / "pairs" / e["label"]) for e in entries}
    real = datalist.parent
    assert made == {
        canonical(real / "images" / f"{name}.nii.gz"): canonical(real / "labels" / f"{name}.nii.gz") for name in names
    }


def canonical(path):
    """Voxels in one order, and rounded place."""
    volume = nib.as_closest_canonical(nib.load(path))
    return np.asarray(volume.dataobj).astype(np.int16).tobytes(), (volume.affine.round(3) + 0.0).tobytes()  # no -0
