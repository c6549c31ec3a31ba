"""Bundles that meet in one process."""

import json
import shutil

import pytest

from common.same_common import identity, require_same_common

THREE = """
import sys
from monai.bundle import ConfigWorkflow
first, second, other, out = sys.argv[1:]
for root, name, kind in ((first, "analyse", None), (second, "inference", "infer"), (other, "inference", "infer")):
    sys.path.insert(1, root)
    files = [f"{root}/configs/{part}.yaml" for part in (name, "smoke")]
    work = ConfigWorkflow(files, workflow_type=kind, logging_file=False, bundle_root=root, output_dir=f"{out}/{name}")
    work.initialize()
    work.parser["run"] = work.parser.config[work.parser["run"][1:]][:1]  # the comparison alone
    work.run()
    print(name, type(work.network_def).__module__ if kind else "", sys.modules["common"].__file__)
"""


@pytest.fixture(scope="module")
def met(dist, isolated, tmp_path_factory):
    """Process that loads evaluation, hagan_128 of the same release, and then hagan_128 as of another release."""
    folder = tmp_path_factory.mktemp("met")
    other = shutil.copytree(dist / "hagan_128", folder / "hagan_128")
    sha256 = json.loads((other / "common/_common.json").read_text())["sha256"]
    for path in other.rglob("*"):
        if path.suffix in (".yaml", ".json"):
            path.write_text(path.read_text().replace(sha256, "f" * 64))
    return isolated(THREE, dist / "evaluation", dist / "evaluation", dist / "hagan_128", other, folder)


def test_two_bundles_of_one_release_share_one_common(dist, met):
    origin = dist / "evaluation" / "common" / "__init__.py"
    printed = [line for line in met.stdout.splitlines() if line.endswith("__init__.py")]  # beside MONAI's log
    assert printed == [f"analyse  {origin}", f"inference common.networks.hagan {origin}"], met.stderr


def test_bundles_of_two_releases_do_not_mix(met):
    assert met.returncode != 0
    words = "this bundle was exported with `common` 0.1.0 (ffffffffffff), but this process has imported 0.1.0"
    assert words in met.stderr and "Run them in processes of their own" in met.stderr


def test_a_checkout_takes_bundles_of_its_version_alone():
    assert identity() == {"version": "0.1.0", "sha256": None}
    require_same_common("0.1.0", "0" * 64)
    with pytest.raises(RuntimeError, match=r"exported with `common` 0.2.0 \(000000000000\).*0.1.0 \(a checkout\)"):
        require_same_common("0.2.0", "0" * 64)
