"""`run viewing` as a user types it."""

import json
import os
import re
import signal
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from monai.bundle import ConfigWorkflow

from common.data.datalist import read_datalist
from tests.fresh_process import FreshProcess

ROOT = Path(__file__).parents[2]


@pytest.fixture
def options(phantom_dir, tmp_path, monkeypatch):
    """A page over the phantoms."""
    monkeypatch.chdir(ROOT)
    return {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / "viewing"), "port": 0}


def address_of(process):
    for _ in range(1800):
        assert process.poll() is None, process.outputs()
        if found := re.search(r"http://127\.0\.0\.1:\d+/enter\?code=\S+", "".join(map(str, process.outputs()))):
            return found[0]
        time.sleep(0.1)
    raise AssertionError("not served within three minutes")


def test_a_data_list_is_shown_to_who_has_the_code(bundle_command, options, phantom_dir):
    command = bundle_command("viewing", ["viewing"], bundle="evaluation", **options)
    process = FreshProcess(command[1:], folder=ROOT)
    try:
        address = address_of(process)
        visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        assert b"flagged.json" in visitor.open(address, timeout=60).read()
        host = address.partition("/enter")[0]
        cases = json.loads(visitor.open(f"{host}/cases.json", timeout=60).read())
        datalist = read_datalist(phantom_dir / "datalist.json")
        assert len(cases) == len(datalist["training"]) + len(datalist["testing"])
        assert visitor.open(f"{host}/volumes/0/image.nii", timeout=60).read()[344:347] == b"n+1"
    finally:
        os.kill(process.pid, signal.SIGINT)
        finished = process.wait(timeout=120)
    assert finished.returncode == 0, finished


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"generated_dir": "none"}, "make one with `run inferring`"),
        ({"evaluation_dir": "none"}, "--evaluation_dir"),
        ({"scores": ["none.csv"]}, "no table at none.csv"),
        ({"port": 99999}, "port"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(causes, options, override, message):
    config = ROOT / "bundles" / "evaluation" / "configs" / "viewing.yaml"
    with pytest.raises((RuntimeError, ValueError)) as error:
        ConfigWorkflow(
            config_file=str(config), workflow_type="infer", logging_file=False, run_id="run", **{**options, **override}
        ).run()
    assert message in causes(error)
