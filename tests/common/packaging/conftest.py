"""The five bundles, exported once, and a way to use them as someone does who has nothing else."""

import json
import os
import subprocess
import sys

import pytest
import torch

from common.data.cli import prepare
from common.packaging.archive import write_sums
from common.packaging.export import CHECKOUT, export_bundle

BUNDLES = sorted(path.parents[1].name for path in (CHECKOUT / "bundles").glob("*/configs/metadata.json"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """Folder of the five exported bundles and their archives."""
    directory = tmp_path_factory.mktemp("dist")
    for name in BUNDLES:
        export_bundle(name, directory)
    return directory


@pytest.fixture(scope="session")
def tiny_phantoms(tmp_path_factory):
    """Ten phantom cases of 32×32×16 voxels and their list, of two folds."""
    directory = tmp_path_factory.mktemp("phantoms")
    prepare("phantom", str(directory), count=10, size=(32, 32, 16), folds=2)
    return directory


@pytest.fixture(scope="session")
def isolated():
    """Function (code, folder, *arguments) -> finished Python whose path has `folder` and the packages, no checkout."""

    def run(code, folder, *arguments):
        start = "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        command = [sys.executable, "-I", "-B", "-c", start + code, str(folder), *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


GAN = [
    ("train", {"dataset_dir": "{data}", "output_dir": "{out}/train"}),
    ("inference", {"checkpoint": "{out}/train/model.pt", "output_dir": "{out}/inference"}),
]
# what each bundle does in one process with its smoke overlay: (config, settings)
STEPS = {
    "hagan_128": GAN,
    "hagan_256": GAN,
    "baseline_gans": GAN,
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
def used(dist, tiny_phantoms, isolated, tmp_path_factory):
    """Function (bundle) -> (process, folder) of a training and an inference from its export alone, run once."""
    known = {}

    def use(name):
        if name not in known:
            out = tmp_path_factory.mktemp(name)
            places = {"data": tiny_phantoms, "out": out}
            steps = [
                (config, {k: v.format(**places) if isinstance(v, str) else v for k, v in settings.items()})
                for config, settings in STEPS[name]
            ]
            known[name] = isolated(RUN, dist / name, json.dumps(steps)), out
        return known[name]

    return use


def fit_metadata(bundle):
    """Metadata with the shapes of the tiny network; ours say those of the full one."""
    path = bundle / "configs" / "metadata.json"
    content = json.loads(path.read_text())
    shapes, pred = (content["network_data_format"][side] for side in ("inputs", "outputs"))
    settings = json.loads((bundle / "models/model.json").read_text())["settings"]
    if "latent_dim" in settings:
        shapes["image"]["num_channels"], pred["pred"]["spatial_shape"] = settings["latent_dim"], [32, 32, 32]
    elif "organs" in settings:
        shapes["image"]["spatial_shape"] = pred["pred"]["spatial_shape"] = [32, 32, 16]
        pred["pred"]["num_channels"] = len(settings["organs"])
    elif bundle.name == "baseline_gans":
        size = [*settings["image_size"][:2], 2 * settings["image_size"][2]]
        shapes["image"]["num_channels"], pred["pred"]["spatial_shape"] = int(torch.Size(size).numel()), size
    path.write_text(json.dumps(content, indent=4) + "\n")
    write_sums(bundle)


@pytest.fixture(scope="session")
def shipped(used, tmp_path_factory):
    """Function (bundle) -> folder of its export with the tiny model that it trained, and metadata that say so."""

    def ship(name):
        done, out = used(name)
        assert done.returncode == 0, done.stderr[-3000:]
        folder = tmp_path_factory.mktemp("shipped")
        export_bundle(name, folder, model=out / "train" / "model.pt")
        fit_metadata(folder / name)
        return folder / name

    return ship
