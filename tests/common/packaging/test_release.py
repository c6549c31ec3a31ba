"""Bundles that meet in one process."""

import json
import shutil

import pytest

from common.release import release, require_release

TWO = """
import json, sys
from pathlib import Path
from monai.bundle import ConfigWorkflow
first, second, out = sys.argv[1:]
sys.path.insert(1, second)
for root, name in ((first, "analyse"), (second, "inference")):
    files = [f"{root}/configs/{part}.yaml" for part in (name, "smoke")]
    kind = "infer" if name == "inference" else None
    work = ConfigWorkflow(files, workflow_type=kind, logging_file=False, output_dir=f"{out}/{name}")
    work.initialize()
    work.parser["run"] = work.parser.config[work.parser["run"][1:]][:1]  # the comparison alone
    work.run()
    network = work.network_def if name == "inference" else None
print(type(network).__module__, sys.modules["common"].__file__)
"""


@pytest.fixture
def other(dist, tmp_path):
    """hagan_128 as exported from another release."""
    folder = shutil.copytree(dist / "hagan_128", tmp_path / "hagan_128")
    sha256 = json.loads((folder / "common/_release.json").read_text())["sha256"]
    for path in folder.rglob("*"):
        if path.suffix in (".yaml", ".json"):
            path.write_text(path.read_text().replace(sha256, "f" * 64))
    return folder


def test_two_bundles_of_one_release_share_one_common(dist, isolated, tmp_path):
    done = isolated(TWO, dist / "evaluation", dist / "evaluation", dist / "hagan_128", tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"common.networks.hagan {dist / 'evaluation' / 'common'}" in done.stdout


def test_bundles_of_two_releases_do_not_mix(dist, other, isolated, tmp_path):
    done = isolated(TWO, dist / "evaluation", dist / "evaluation", other, tmp_path)
    assert done.returncode != 0
    assert (
        "this bundle was exported with `common` 0.1.0 (ffffffffffff), but this process has imported 0.1.0"
        in done.stderr
    )
    assert "Run them in processes of their own" in done.stderr


def test_a_checkout_takes_bundles_of_its_version_alone(tmp_path):
    assert release() == {"version": "0.1.0", "sha256": None}
    require_release("0.1.0", "0" * 64)
    with pytest.raises(RuntimeError, match=r"exported with `common` 0.2.0 \(000000000000\).*0.1.0 \(a checkout\)"):
        require_release("0.2.0", "0" * 64)
