"""All bundles, exported once, and a way to use them as someone does who has nothing else."""

import json
import os
import subprocess
from types import SimpleNamespace

import pytest

from common.packaging.export import CHECKOUT, export_bundle
from tests.fresh_process import run_fresh

BUNDLES = sorted(path.parents[1].name for path in (CHECKOUT / "bundles").glob("*/configs/metadata.json"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """Folder of all exported bundles and their archives."""
    directory = tmp_path_factory.mktemp("dist")
    for name in BUNDLES:
        export_bundle(name, directory)
    return directory


@pytest.fixture(scope="session")
def isolated():
    """Function (code, folder, *arguments) -> finished Python whose path has `folder` and the packages, no checkout."""
    quiet = {"TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}

    def run(code, folder, *arguments, python=None):
        if python is None:
            return run_fresh(["-c", code, *arguments], folder=folder, environment=quiet)
        start = "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        command = [python, "-I", "-B", "-c", start + code, str(folder), *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **quiet}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


PROBE = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def forked_probe(monkeypatch):
    """The probe of a bundle in a fork, without the start of Python."""

    def run(command, *, cwd, **_):
        return run_fresh(["-c", PROBE, *command[command.index("-B") + 1 :]], folder=cwd)

    monkeypatch.setattr("common.packaging.check.subprocess", SimpleNamespace(run=run))


GAN = [
    ("train", {"dataset_dir": "{data}", "output_dir": "{out}/train"}),
    ("inference", {"checkpoint": "{out}/train/model.pt", "output_dir": "{out}/inference"}),
]
# what each bundle does in one process with its smoke overlay: (config, settings)
STEPS = {
    "hagan_128": GAN,
    "hagan_256": GAN,
    "baseline_gans": GAN,
    "latent_flow": GAN,
    "evaluation": [GAN[0], ("inference", {**GAN[1][1], "dataset_dir": "{data}"})],
    "segresnet_auto3dseg": [
        ("train", {**GAN[0][1], "max_epochs": 1}),
        ("inference", {**GAN[1][1], "dataset_dir": "{data}"}),
    ],
}
RUN = """
import json, sys
from pathlib import Path
from monai.bundle import run
for name, settings in json.loads(sys.argv[1]):
    run(config_file=[f"configs/{name}.yaml", "configs/smoke.yaml"], logging_file=False, **settings)
import common
print(Path(common.__file__).resolve())
"""


@pytest.fixture(scope="session")
def steps(phantom_dir):
    """Function (bundle, output folder) -> argument of `RUN` for a training and an inference on the phantoms."""

    def fill(name, out):
        places = {"data": phantom_dir, "out": out}
        return json.dumps(
            [
                (config, {k: v.format(**places) if isinstance(v, str) else v for k, v in settings.items()})
                for config, settings in STEPS[name]
            ]
        )

    return fill


@pytest.fixture(scope="session")
def used(dist, steps, isolated, tmp_path_factory):
    """Function (bundle) -> (process, folder) of a training and an inference from its export alone, run once."""
    known = {}

    def use(name):
        if name not in known:
            out = tmp_path_factory.mktemp(name)
            known[name] = isolated(RUN, dist / name, steps(name, out)), out
        return known[name]

    return use


@pytest.fixture(scope="session")
def shipped(used, tmp_path_factory):
    """Function (bundle) -> folder of its export with the tiny model that it trained."""

    def ship(name):
        done, out = used(name)
        assert done.returncode == 0, done.stderr[-3000:]
        folder = tmp_path_factory.mktemp("shipped")
        export_bundle(name, folder, model=out / "train" / "model.pt")
        return folder / name

    return ship
