"""`run reader_study`, `run serve` and `run results` as a user types them."""

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from common.data.datalist import read_datalist, select_cases, write_datalist
from common.reader_study.store import Store
from tests.fresh_process import FreshProcess

ROOT = Path(__file__).parents[2]
FORM = ((20, 20, 12), (3.0, 3.0, 4.0))  # unlike the phantoms'


@pytest.fixture(scope="module")
def generated_dir(tmp_path_factory, phantom_dir):
    """Six "generated" pairs: phantoms cut to another size and spacing, with binary masks, as the thesis's."""
    directory = tmp_path_factory.mktemp("generated")
    entries = []
    for number, case in enumerate(
        select_cases(read_datalist(phantom_dir / "datalist.json"), dataset_dir=phantom_dir)[:6]
    ):
        entry = {"case_id": f"generated_{number}", "centre": "generated", "fold": 0}
        for part, folder in (("image", "images"), ("label", "labels")):
            entry[part] = f"{folder}/{number}.nii.gz"
            (directory / folder).mkdir(exist_ok=True)
            volume = np.asarray(nib.as_closest_canonical(nib.load(case[part])).dataobj)[6:26, 6:26, 2:14]
            volume = (volume > 0).astype(np.uint8) if part == "label" else volume.astype(np.int16)
            nib.save(nib.Nifti1Image(volume, np.diag([*FORM[1], 1])), directory / entry[part])
        entries.append(entry)
    write_datalist({"training": entries, "labels": {"0": "background", "1": "lesion"}}, directory / "dataset.json")
    return directory


@pytest.fixture
def options(phantom_dir, generated_dir, tmp_path, monkeypatch):
    """Settings of a small study on the phantoms."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    folders = {
        "dataset_dir": str(phantom_dir),
        "generated_dir": str(generated_dir),
        "output_dir": str(tmp_path / "study"),
    }
    return {**folders, "folds": "all", "n_real": 3, "n_generated": 2, "spacing": [6, 6, 6], "seed": 3}


def workflow(**options):
    config = ROOT / "bundles" / "evaluation" / "configs" / "reader_study.yaml"
    return ConfigWorkflow(config_file=str(config), workflow_type="infer", logging_file=False, **options)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Visitor:
    """A browser without a window: cookies, the Origin header, nothing else."""

    def __init__(self, address):
        self.address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path="/"):
        return self._opener.open(f"{self.address}{path}", timeout=60).read().decode()

    def post(self, path, **form):
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, {"Origin": self.address})
        return self._opener.open(request, timeout=60).read().decode()


def wait_until_served(process, address):
    for _ in range(1800):
        assert process.poll() is None, process.outputs()
        try:
            visitor = Visitor(address)
            assert "Real or generated?" in visitor.get()
            return visitor
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("not served within three minutes")


@contextmanager
def serving(command, stop=signal.SIGINT):
    """Visitor of the study that `command` serves until the block ends."""
    port = free_port()
    process = FreshProcess([*command[1:], "--port", port], folder=ROOT)
    try:
        yield wait_until_served(process, f"http://127.0.0.1:{port}")
    finally:
        os.kill(process.pid, stop)
        finished = process.wait(timeout=120)
    assert finished.returncode == 0, finished
    assert f"reader study at http://127.0.0.1:{port}" in finished.stdout + finished.stderr


def test_a_study_is_served_stopped_served_again_and_evaluated(causes, bundle_command, options, tmp_path):
    with serving(bundle_command("reader_study", ["reader_study"], bundle="evaluation", **options)) as visitor:
        page = visitor.post("/readers", name="A")
        code = re.search("code <code>([^<]+)", page)[1]
        for number in (1, 2):
            visitor.post(f"/volumes/{number}", score=number)
    kept = {"output_dir": options["output_dir"], "dataset_dir": "none", "generated_dir": "none"}  # need not be there
    with serving(bundle_command("serve", ["reader_study"], bundle="evaluation", **kept), signal.SIGTERM) as visitor:
        visitor.post("/resume", name="A", code=code)
        for number in (3, 4, 5):
            visitor.post(f"/volumes/{number}", score=number)

    assert_blinded(tmp_path / "study" / "study.sqlite")
    workflow(**kept, run_id="results").run()
    metrics = json.loads((tmp_path / "study" / "results" / "metrics.json").read_text())
    assert (metrics["pooled"]["n_real"], metrics["pooled"]["n_generated"]) == (3, 2)
    assert metrics["settings"]["seed"] == 3
    assert (tmp_path / "study" / "results" / "results.html").is_file()
    with pytest.raises(RuntimeError) as error:
        workflow(**{**options, "n_real": 2}, run_id="reader_study").run()
    assert "counts: found [3, 2], expected [2, 2]" in causes(error)


def assert_blinded(path):
    """All volumes have the generated form: size, spacing, binary masks, HU inside the window."""
    with Store(path) as store:
        items = store.items()
        files = {item.number: [store.volume(token) for token in (item.image, item.mask)] for item in items}
    assert sorted(item.source for item in items) == ["generated"] * 2 + ["real"] * 3
    assert len({(image[:352], mask[:352], len(image), len(mask)) for image, mask in files.values()}) == 1
    for image, mask in (map(nib.Nifti1Image.from_bytes, pair) for pair in files.values()):
        assert (image.shape, image.header.get_zooms()) == FORM
        assert np.unique(mask.dataobj).tolist() == [0, 1]
        values = np.asarray(image.dataobj)
        assert values.min() >= -1024
        assert values.max() <= 600
        assert np.ptp(values) > 500


def test_generated_volumes_are_shown_as_they_are(options, generated_dir):
    """Bringing both sides to one form changes no voxel of the generated one inside the window."""
    parser = workflow(**options, run_id="results").parser
    entry = parser.get_parsed_content("generated_list")["training"][0]
    paths = {part: str(generated_dir / entry[part]) for part in ("image", "label")}
    pair = parser.get_parsed_content("deterministic_transforms::generated")(dict(paths))
    for part, path in paths.items():
        stored = nib.load(path).get_fdata()
        np.testing.assert_array_equal(np.rint(pair[part][0].numpy()), np.clip(stored, -1024, 600))


@pytest.mark.parametrize(
    ("run_id", "override", "message"),
    [
        ("reader_study", {"generated_dir": "none"}, "make one with `run inferring`"),
        ("run", {"dataset_dir": "none"}, "no data list at none/datalist.json"),
        ("reader_study", {"n_real": 11}, "set n_real to 1 … "),
        ("reader_study", {"layout": "halves"}, "expected scroll or thirds"),
        ("serve", {}, "run reader_study"),
        ("results", {}, "run reader_study"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(causes, options, tmp_path, run_id, override, message):
    with pytest.raises(RuntimeError) as error:
        workflow(**{**options, **override}, run_id=run_id).run()
    assert message in causes(error)
    assert not (tmp_path / "study" / "study.sqlite").exists()
