"""Every overlay of baseline_gans trains and generates for real, at a tiny size."""

import csv
import math

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.generated_set import read_generated_set

PLANE = {"plane_size": [64, 64]}  # 16 tiles of 16×16: the slices of a z_concat pair of 16×16×8 twice
CUBE = {"image_size": [16, 16, 16]}  # FastGAN halves each axis twice or more
CORE = ["d", "d_real", "d_fake"]
# overlays before the smoke overlay, overlays after it, overrides, losses of the first step
GANS = {
    "vanilla_gan_2": (["vanilla_gan_2"], [], {}, [*CORE, "g"]),
    "vanilla_gan_1": (["vanilla_gan_1"], [], {}, [*CORE, "g"]),
    "wgan_clip_3d": (["wgan_clip_3d"], [], {}, [*CORE, "g"]),
    "wgan_gp_3d, cube_38": (["wgan_gp_3d"], ["cube_38"], {}, [*CORE, "gp", "g"]),
    "wgan_gp_2d": (["wgan_gp_2d"], [], PLANE, [*CORE, "gp", "g"]),
    "wgan_clip_2d": (["wgan_clip_2d"], [], PLANE, [*CORE, "g"]),
    "fastgan": (["fastgan"], [], PLANE, [*CORE, "reconstruction", "d_sign", "g"]),
    "fastgan, volumes": (["fastgan", "volumes"], [], CUBE, [*CORE, "reconstruction", "d_sign", "g"]),
    "stylegan2": (["stylegan2"], [], PLANE, [*CORE, "g", "r1", "path"]),
    "stylegan2, volumes": (["stylegan2", "volumes"], [], {}, [*CORE, "g", "r1", "path"]),
    "stylegan2, augmented": (
        ["stylegan2", "diff_augment"],
        [],
        PLANE,
        [*CORE, "d_sign", "g", "r1", "path", "augment_p"],
    ),
    "vanilla_gan_2, augmented": (["diff_augment"], [], {"ada_target": None}, [*CORE, "d_sign", "g"]),
    "vanilla_gan_2, zoomed": ([], ["zoomed"], {"zoom": 0.8}, [*CORE, "g"]),
}
SIZES = {"wgan_gp_3d, cube_38": (38, 38, 19), "vanilla_gan_2, zoomed": (25, 25, 12)}  # of pairs, where not the smoke's


@pytest.fixture
def workflow(run_workflow, phantom_dir, tmp_path):
    """Function (train or inference, overlays, overlays after the smoke overlay, **overrides) that runs a workflow."""

    def run(name, overlays=(), later=(), **overrides):
        options = {"output_dir": str(tmp_path / name)}
        options |= {"dataset_dir": str(phantom_dir)} if name == "train" else {}
        kind = {"train": "train", "inference": "infer"}[name]
        configs = [name, *overlays, "smoke", *later]
        return run_workflow("baseline_gans", configs, workflow_type=kind, **{**options, **overrides})

    return run


@pytest.fixture(scope="module")
def unet(run_workflow, phantom_dir, tmp_path_factory):
    """Model file of a U-Net."""
    folders = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path_factory.mktemp("unet"))}
    return str(run_workflow("baseline_gans", ["train", "wgan_clip_3d", "smoke"], **folders) / "model.pt")


def losses(folder):
    with (folder / "losses.csv").open() as file:
        return [{key: float(value or "nan") for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("gan", GANS)
def test_training_and_generation(workflow, gan):
    before, after, overrides, names = GANS[gan]
    trained = workflow("train", before, after, pictures="small", **overrides)
    for name in ("model.pt", "losses.csv", "losses.png", "previews/step_00000002.png"):
        assert (trained / name).is_file(), name
    assert list(trained.glob("events.*"))
    first, second = losses(trained)
    assert list(first) == ["step", *names]
    assert np.isfinite(list(first.values())).all()
    assert math.isnan(second["g"]) == ("wgan" in gan)  # five steps of the critic to one of the generator
    # what a volume was made of is no matter of inference: the overlays of a network alone
    networks = [name for name in before if name != "diff_augment"]
    generated = workflow("inference", networks, pictures="small", checkpoint=str(trained / "model.pt"))
    check_set(generated, SIZES.get(gan, tuple(overrides.get("image_size", (16, 16, 8)))))


def check_set(directory, size):
    """Layout and geometry of hagan_128's sets, as the evaluation and the segmentation read them."""
    found = read_generated_set(directory)
    assert found.has_labels and len(found.cases) == 2
    assert tuple(found.image_size) == size
    assert len(found.training_ids) > 0
    assert sorted(path.name for path in directory.iterdir() if path.is_dir()) == ["images", "labels", "previews"]
    for case in found.cases:
        image, label = nib.load(case["image"]), nib.load(case["label"])
        assert (image.get_data_dtype(), label.get_data_dtype()) == (np.int16, np.uint8)
        assert image.shape == label.shape == size
        assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
        np.testing.assert_array_equal(image.affine, label.affine)
        np.testing.assert_allclose(image.header.get_zooms(), found.spacing)
        voxels = image.get_fdata()
        assert -1024 <= voxels.min() < voxels.max() <= 600
        assert set(np.unique(label.get_fdata())) <= {0, 1, 2}


def test_the_same_seed_generates_the_same_files_and_another_others(workflow, unet, assert_seeds_decide, tmp_path):
    sets = [
        workflow("inference", checkpoint=unet, output_dir=str(tmp_path / name), seed=seed)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert_seeds_decide(*sets)


def test_the_overlay_of_another_network_is_refused(workflow, unet, causes):
    with pytest.raises(RuntimeError) as error:
        workflow("inference", ["stylegan2"], checkpoint=unet, **PLANE)
    assert "holds the weights of a network 'unet', this configuration builds 'stylegan2'" in causes(error)


def test_a_killed_run_goes_on_and_ends_bit_equal(killed_and_resumed, newest_state, assert_same):
    """kill -9 in the middle, the same command again: checkpoints, model and losses equal an uninterrupted run's."""

    def started(folder):
        table = folder / "losses.csv"
        return table.is_file() and table.read_text().count("\n") > 3

    options = {**PLANE, "latent_dim": 8, "channels": 2, "path_length_every": 2, "r1_every": 3, "max_steps": 7}
    folders = killed_and_resumed("baseline_gans", started=started, overlays=["stylegan2"], **options)
    assert len({(folder / "losses.csv").read_text() for folder in folders}) == 1
    assert_same(*(torch.load(folder / "model.pt", weights_only=True) for folder in folders))
    assert newest_state(folders[1])["objects"]["path_length"]["mean"] > 0


def test_a_critic_goes_on_where_it_was(workflow, newest_state, assert_same, tmp_path):
    """Clipped weights, RMSProp and the place among a critic's steps, in one run and in two."""
    options = {"g_every": 2, "max_steps": 5}
    whole = workflow("train", ["wgan_clip_3d"], output_dir=str(tmp_path / "whole"), **options)
    parts = {"output_dir": str(tmp_path / "parts")}
    workflow("train", ["wgan_clip_3d"], **parts, **{**options, "max_steps": 3})
    resumed = newest_state(workflow("train", ["wgan_clip_3d"], **parts, **options))
    assert_same(newest_state(whole), resumed)
    largest = max(weight.abs().max().item() for weight in resumed["objects"]["networks.discriminator"].values())
    assert largest <= np.float32(0.01)


def test_two_processes_train_what_one_does_with_the_global_batch(one_and_two_processes):
    """With one block there is no batch normalisation, whose statistics are each process's own. Batches are cut."""
    rates = {"lr_g": "2e-5", "lr_d": "2e-5", "accumulation": 2}
    options = {"blocks": 1, "objective": "wgan_gp", "r1_weight": 1.0, "r1_every": 1, **rates}
    folders = one_and_two_processes("baseline_gans", max_steps=2, **options)
    for a, b in zip(*map(losses, folders), strict=True):
        assert b.keys() == {"step", *CORE, "gp", "g", "r1"}
        assert b == pytest.approx(a, abs=1e-5)
