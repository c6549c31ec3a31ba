"""An archive that is filled once, runs as long as a command, and says what it lacks."""

import json
import shlex
import signal
import socket
import sys
import urllib.request

import pydicom
import pytest

from common.data import archive as archive_module
from common.data.cli import main
from tests.common.data.orthanc import free_port, needs_orthanc

COUNT = """
import json, sys, urllib.request
print(len(json.load(urllib.request.urlopen(sys.argv[1] + "/instances"))), file=open(sys.argv[2], "w"))
sys.exit(int(sys.argv[3]))
"""


@pytest.fixture
def studies(datalist, tmp_path):
    """DICOM of all cases, and a file that is none."""
    folder = tmp_path / "dicom"
    main(["studies", "--dataset_dir", str(datalist.parent), "--output", str(folder), "--form", "dicom"])
    (folder / "notes.txt").write_text("no DICOM")
    return folder


def command(tmp_path, *, status=0, input=None, port=None):
    """Words of the command line, which counts the archive's instances into ``count``, and its port."""
    port = port or free_port()
    words = [sys.executable, "-c", COUNT, f"http://127.0.0.1:{port}", tmp_path / "count", status]
    run = shlex.join(map(str, words))
    folders = ["--input", str(input or tmp_path / "dicom"), "--output", str(tmp_path / "archive")]
    return ["archive", *folders, "--port", str(port), "--run", run], port


def test_test_cases_come_without_masks(studies, datalist):
    content = json.loads(datalist.read_text())
    kinds = {
        case["case_id"]: {pydicom.dcmread(path).Modality for path in (studies / case["case_id"]).rglob("*.dcm")}
        for side in ("training", "testing")
        for case in content[side]
    }
    assert {kinds[case["case_id"]] == {"CT"} for case in content["testing"]} == {True}
    assert {kinds[case["case_id"]] == {"CT", "SEG", "RTSTRUCT"} for case in content["training"]} == {True}


@needs_orthanc
def test_it_is_filled_once_and_runs_as_long_as_the_command(studies, tmp_path):
    words, port = command(tmp_path)
    main(words)
    there = len(list(studies.rglob("*.dcm")))
    assert int((tmp_path / "count").read_text()) == there
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/system", timeout=5)
    next(studies.rglob("*.dcm")).unlink()
    words, _ = command(tmp_path, status=3)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 3 and signal.getsignal(signal.SIGTERM) is before
    assert int((tmp_path / "count").read_text()) == there


@needs_orthanc
def test_a_folder_without_dicom_and_a_port_in_use_are_refused(tmp_path):
    (tmp_path / "dicom").mkdir()
    with pytest.raises(SystemExit, match="has no files, expected a folder of DICOM"):
        main(command(tmp_path)[0])
    (tmp_path / "dicom" / "notes.txt").write_text("no DICOM")
    with pytest.raises(SystemExit, match=r"none of 1 files, such as .*notes.txt, is DICOM"):
        main(command(tmp_path)[0])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"port {port} is in use, expected a free one"):
            main(command(tmp_path, port=port)[0])


def test_what_to_install_is_said(tmp_path, monkeypatch):
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "0001.dcm").write_text("any")
    monkeypatch.setattr(archive_module, "_FOLDERS", str(tmp_path))
    with pytest.raises(SystemExit, match=r"Orthanc is not installed.*apt-get install orthanc orthanc-dicomweb"):
        main(command(tmp_path)[0])
