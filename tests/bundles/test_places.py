"""Workflows run from the bundle's own folder, without `PYTHONPATH`; those without `initialize` from anywhere."""

from pathlib import Path

import pytest

from tests.fresh_process import run_fresh

ROOT = Path(__file__).parents[2]
BUNDLES = ["hagan_128", "hagan_256", "baseline_gans", "latent_flow", "segresnet_auto3dseg"]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_training_from_the_bundles_own_folder(bundle, phantom_dir, tmp_path):
    files = ["configs/train.yaml", *(["configs/wgan_gp_3d.yaml"] * (bundle == "baseline_gans")), "configs/smoke.yaml"]
    options = {"config_file": files, "dataset_dir": phantom_dir, "output_dir": tmp_path / "out"}
    flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    done = run_fresh(["-m", "monai.bundle", "run", "training", *flags], folder=ROOT / "bundles" / bundle)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "model.pt").is_file()


def test_a_bundles_shipped_model_is_found_from_elsewhere(phantom_dir, tmp_path):
    config = ROOT / "bundles" / "segresnet_auto3dseg" / "configs" / "inference.yaml"
    options = {"config_file": config, "images": tmp_path / "none", "output_dir": tmp_path / "out"}
    flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    done = run_fresh(["-m", "monai.bundle", "run", "inferring", *flags], folder=tmp_path)
    assert done.returncode != 0
    assert f"there is no {tmp_path}/none: expected a folder" in done.stderr and "no trained model" not in done.stderr
