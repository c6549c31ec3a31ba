"""The experiments of the thesis as overlays: each runs, and means what its table says."""

import json
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from common.data.datalist import read_datalist

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "bundles").glob("hagan_*/configs/experiments/*.yaml"))
NAMED = {f"{path.parents[2].name}/{path.stem}": path for path in FILES}

ORIGINAL, HPO17 = [1e-4, 4e-4, 1e-4], [2e-4, 4e-4, 2e-4]  # learning rates of G, D, E: thesis tables 4.19, 5.9
USUAL, IMAGE = [-1, 0, 1], [2 * (1024 + k) / 1624 - 1 for k in range(3)]  # labels 0, 1, 2 by [0, 2], by [-1024, 600]
ALONE, PAIRS, SLICES = "image_only", "z_concat", "interleave"
CT, MM = [-1024, 600], [1.5, 1.5, 1.5]


class Setup(NamedTuple):
    rates: list[float]
    labels: list[float] | None  # what the network sees of labels 0, 1, 2
    pairing: str
    window: list[int]
    spacing: list[float] | None
    whole: bool  # the pair is resized, not its parts

    @property
    def crop(self):
        return "none" if self.pairing == ALONE else "body"

    @property
    def values(self):
        return {0, 1} if self.labels[1] == self.labels[2] else {0, 1, 2}


TRAININGS = {
    "hagan_128/images_only": Setup(ORIGINAL, None, ALONE, CT, None, False),
    "hagan_128/images_only_unshuffled": Setup(ORIGINAL, None, ALONE, CT, None, False),
    "hagan_128/images_only_resampled": Setup(ORIGINAL, None, ALONE, CT, MM, False),
    "hagan_128/images_only_augmented": Setup(ORIGINAL, None, ALONE, CT, None, False),
    "hagan_128/baseline_pairs": Setup(ORIGINAL, IMAGE, PAIRS, CT, None, False),
    "hagan_128/mask_range": Setup(ORIGINAL, USUAL, PAIRS, CT, None, True),
    "hagan_128/slice_by_slice": Setup(ORIGINAL, USUAL, SLICES, CT, None, False),
    "hagan_128/hu_2048_3071": Setup(HPO17, USUAL, PAIRS, [-2048, 3071], None, False),
    "hagan_128/hu_2048_1200": Setup(HPO17, USUAL, PAIRS, [-2048, 1200], None, False),
    "hagan_128/hu_1024_1200": Setup(HPO17, USUAL, PAIRS, [-1024, 1200], None, False),
    "hagan_128/hpo17": Setup(HPO17, USUAL, PAIRS, CT, None, False),
    "hagan_128/resampled": Setup(HPO17, USUAL, PAIRS, CT, MM, True),
    "hagan_128/augmented": Setup(HPO17, USUAL, PAIRS, CT, None, True),
    "hagan_128/binary_masks": Setup(HPO17, [-1, 1, 1], PAIRS, CT, None, True),
    "hagan_128/binary_masks_0_2": Setup(HPO17, [-1, 0, 0], PAIRS, CT, None, True),
    "hagan_256/hpo17": Setup(HPO17, USUAL, PAIRS, CT, None, True),
    "hagan_256/binary_masks": Setup(HPO17, [-1, 1, 1], PAIRS, CT, None, True),
    "hagan_256/original_rates": Setup(ORIGINAL, [-1, 1, 1], PAIRS, CT, None, True),
    "hagan_256/resampled": Setup(HPO17, [-1, 1, 1], PAIRS, CT, MM, True),
}
BUNDLES, AFTERWARDS = ("hagan_128", "hagan_256"), ("inference_binary", "inference_components")
GENERATIONS = [f"{bundle}/{name}" for bundle in BUNDLES for name in AFTERWARDS]
# runs whose samples show all that an overlay can change in generating
GENERATED = [f"hagan_128/{name}" for name in ("images_only", "baseline_pairs", "slice_by_slice", "hu_2048_3071")]
GENERATED += ["hagan_128/mask_range", "hagan_128/binary_masks", "hagan_128/binary_masks_0_2", "hagan_256/resampled"]


def configs(name, *, smoke=True):
    overlay = NAMED[name]
    kind = "inference" if overlay.stem in AFTERWARDS else "train"
    names = [overlay.parents[1] / f"{kind}.yaml", overlay, *([overlay.parents[1] / "smoke.yaml"] if smoke else [])]
    return [str(path.relative_to(ROOT)) for path in names]


def read(name, *, smoke=False, **overrides):
    """The merged settings of a workflow and an overlay; nothing is built before it is asked for."""
    parser = ConfigParser(ConfigParser.load_config_files(configs(name, smoke=smoke)))
    parser.update({"_meta_": {"version": "0"}, "labels": 3, **overrides})  # no list is read
    return parser


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def trained(run_workflow, phantom_dir, tmp_path_factory):
    """Function (overlay) -> output folder of its training of one step, run once."""
    done = {}

    def train(name):
        if name not in done:
            (bundle, overlay), setup = name.split("/"), TRAININGS[name]
            options = {} if setup.spacing else {"spacing": None}  # smoke.yaml has coarser ones than 1.5 mm
            options |= {"image_size": [32, 32, 32]} if setup.pairing == ALONE else {}
            folders = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path_factory.mktemp(overlay))}
            options |= {"max_steps": 1, "folds": [0], **folders}
            done[name] = run_workflow(bundle, ["train", f"experiments/{overlay}", "smoke"], **options)
        return done[name]

    return train


@pytest.fixture
def generate(trained, run_workflow, tmp_path):
    """Function (overlay of the training, *overlays) -> folder of one pair that its model.pt made."""

    def run(name, *overlays, **overrides):
        options = {"checkpoint": str(trained(name) / "model.pt"), "output_dir": str(tmp_path / "generated")}
        files = ["inference", *(f"experiments/{overlay}" for overlay in overlays), "smoke"]
        options |= {"num_samples": 1, "preview_count": 1, **overrides}
        return run_workflow(name.split("/")[0], files, workflow_type="infer", **options)

    return run


def test_the_tables_above_name_every_overlay():
    assert {*TRAININGS, *GENERATIONS} == set(NAMED)


@pytest.mark.parametrize("name", TRAININGS)
def test_settings_are_those_of_the_table(name, phantom_dir):
    setup = TRAININGS[name]
    parser = read(name, dataset_dir=str(phantom_dir))
    found = {key: parser.get_parsed_content(key) for key in ("lr_g", "lr_d", "lr_e", "hu_window", "spacing", "pairing")}
    assert list(found.values()) == [*setup.rates, setup.window, setup.spacing, setup.pairing]
    assert parser.get_parsed_content("size") == [int(name[6:9])] * 3
    assert [parser.get_parsed_content(key) for key in ("max_steps", "batch_size", "latent_dim")] == [80000, 4, 1024]
    assert [parser.get_parsed_content(key) for key in ("crop", "resize_pair")] == [setup.crop, setup.whole]
    if setup.labels:
        seen = parser.get_parsed_content("mask_range")({"label": torch.tensor([[[[0, 1, 2]]]])})["label"]
        torch.testing.assert_close(torch.as_tensor(seen).flatten(), torch.tensor(setup.labels, dtype=torch.float32))


@pytest.fixture
def step_case(tmp_path):
    """Case of 32×32×32 voxels: air and, in its lower half, water and label 2."""
    image, mask = np.full((32, 32, 32), -1024, np.int16), np.zeros((32, 32, 32), np.uint8)
    image[..., :16], mask[..., :16] = 0, 2
    for key, volume in (("image", image), ("label", mask)):
        nib.save(nib.Nifti1Image(volume, np.diag([2, 2, 3, 1])), tmp_path / f"{key}.nii.gz")
    return {key: str(tmp_path / f"{key}.nii.gz") for key in ("image", "label")} | {"centre": "A"}


# A Gaussian of σ 0.5 has 0.10651 beside its centre and 0.00026 next to that; slices are averaged in twos.
RIM = 0.10651 + 2 * 0.00026
# overlay → slices of the preprocessed mask of 16 slices, at 0, 6, 7, 8, 9 and 15
STEPS = {
    "hagan_128/hpo17": [1, 1, 1, -1, -1, -1],
    "hagan_128/mask_range": [1 - RIM, 1, 1 - RIM, -1 + RIM, -1, -1],  # the first slice takes of the image's last, air
    "hagan_128/binary_masks_0_2": [-RIM / 2, 0, -RIM / 2, -1 + RIM / 2, -1, -1],
    "hagan_128/baseline_pairs": [IMAGE[2], IMAGE[2], IMAGE[2], IMAGE[0], IMAGE[0], IMAGE[0]],
}


@pytest.mark.parametrize("name", STEPS)
def test_the_mask_that_the_network_sees(name, step_case):
    parser = read(name, image_size=[32, 32, 16], spacing=None, crop="none")
    out = parser.get_parsed_content("train::preprocessing")(step_case)
    assert out["pair"].shape == (1, 32, 32, 32)
    assert out["spacing"].tolist() == pytest.approx([2, 2, 6])
    found = out["pair"][0, 16, 16, 16:][[0, 6, 7, 8, 9, 15]]
    assert found.tolist() == pytest.approx(STEPS[name], abs=2e-4)


def test_slices_of_image_and_mask_alternate(step_case):
    options = {"image_size": [32, 32, 32], "spacing": None, "crop": "none"}
    pair = read("hagan_128/slice_by_slice", **options).get_parsed_content("train::preprocessing")(step_case)["pair"]
    water = 2 * 1024 / 1624 - 1
    assert pair[0, 0, 0, :4].tolist() == pytest.approx([water, 1, water, 1])
    assert pair[0, 0, 0, -4:].tolist() == [-1, -1, -1, -1]


def test_images_only_come_in_the_order_of_the_list(phantom_dir):
    options = {"smoke": True, "dataset_dir": str(phantom_dir), "batch_size": 3, "max_steps": 3}
    batches, data = {}, {}
    for name in ("images_only", "images_only_unshuffled"):
        parser = read(f"hagan_128/{name}", **options)
        batches[name] = list(parser.get_parsed_content("train::sampler"))
        data[name] = [case["case_id"] for case in parser.get_parsed_content("train::data")]
    assert batches["images_only_unshuffled"][:2] == [[0, 1, 2], [3, 4, 5]]
    assert batches["images_only"][:2] != [[0, 1, 2], [3, 4, 5]]
    listed = [case["case_id"] for case in read_datalist(phantom_dir / "datalist.json")["training"]]
    assert data["images_only_unshuffled"] == listed


@pytest.mark.parametrize("name", TRAININGS)
def test_every_experiment_trains_a_step(name, trained, newest_state):
    setup = TRAININGS[name]
    state = newest_state(trained(name))
    assert state["iteration"] == 1
    assert [state["objects"][f"optimizers.{key}"]["param_groups"][0]["lr"] for key in "gde"] == setup.rates
    prepared = state["settings"]["model"]["preprocessing"]
    assert [prepared["crop"], prepared["resize_pair"]] == [setup.crop, setup.whole]
    settings = torch.load(trained(name) / "model.pt", weights_only=True)["settings"]
    assert [settings["hu_window"], settings["pairing"]] == [setup.window, setup.pairing]
    if setup.labels:
        assert settings["binary_mask"] == (setup.values == {0, 1})


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pairs_have_the_trained_labels_and_window(name, generate):
    setup = TRAININGS[name]
    folder = generate(name)
    image = nib.load(folder / "images" / "generated_00000.nii.gz")
    assert image.shape == (32, 32, 32 if setup.pairing == ALONE else 16)
    assert setup.window[0] <= image.get_fdata().min() < image.get_fdata().max() <= setup.window[1]
    assert json.loads((folder / "provenance.json").read_text())["hu_window"] == setup.window
    masks = [nib.load(path).get_fdata() for path in folder.glob("labels/*.nii.gz")]
    assert [mask.shape for mask in masks] == [image.shape] * (setup.pairing != ALONE)
    assert all(set(np.unique(mask)) <= setup.values for mask in masks)


def inferred(name, trained_name, trained, mask):
    """Labels that an overlay of inference makes of a mask (1, H, W, D) in the network's range."""
    parser = read(name, smoke=True, checkpoint=str(trained(trained_name) / "model.pt"))
    pair = torch.cat([torch.zeros_like(mask), mask], dim=-1)
    return parser.get_parsed_content("postprocessing")({"pred": pair})["label"]


@pytest.mark.parametrize("name", [name for name, setup in TRAININGS.items() if setup.labels])
def test_inference_takes_pairing_and_mask_range_from_the_model(name, trained):
    setup = TRAININGS[name]
    parser = ConfigParser(ConfigParser.load_config_file(configs("hagan_128/inference_binary")[0]))
    parser.update({"checkpoint": str(trained(name) / "model.pt"), "_meta_": {"version": "0"}})
    mask = torch.tensor(setup.labels, dtype=torch.float32).expand(1, 2, 2, 3)
    pair = {SLICES: torch.stack([mask, mask], -1).flatten(-2), PAIRS: torch.cat([mask, mask], -1)}[setup.pairing]
    out = parser.get_parsed_content("postprocessing")({"pred": pair})["label"]
    assert out[0, 0, 0].tolist() == [0, 1, max(setup.values)]


def test_models_from_before_the_mask_window_are_read_as_they_were(trained, tmp_path):
    content = torch.load(trained("hagan_128/hpo17") / "model.pt", weights_only=True)
    del content["settings"]["mask_window"]
    torch.save(content, tmp_path / "model.pt")
    parser = read("hagan_128/inference_binary", checkpoint=str(tmp_path / "model.pt"))
    assert parser.get_parsed_content("trained")["mask_window"] == [None, None]
    mask = torch.tensor([-1.0, 0.0, 1.0]).expand(
        1, 2, 2, 3
    )  # 0, 1 and 2 of three labels, all of them one foreground here
    out = parser.get_parsed_content("postprocessing")({"pred": torch.cat([mask, mask], -1)})["label"]
    assert out[0, 0, 0].tolist() == [0, 1, 1]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_binarising_after_generation(bundle, trained):
    mask = torch.tensor([-1.0, -0.01, 0.01, 1.0]).expand(1, 2, 2, 4)
    out = inferred(f"{bundle}/inference_binary", f"{bundle}/binary_masks", trained, mask)
    assert out[0, 0, 0].tolist() == [0, 0, 1, 1]
    mask = torch.tensor([-1.0, 0, 1]).expand(1, 2, 2, 3)
    out = inferred(f"{bundle}/inference_binary", f"{bundle}/hpo17", trained, mask)
    assert out[0, 0, 0].tolist() == [0, 1, 1]


@pytest.mark.parametrize(("bundle", "size"), [("hagan_128", 20), ("hagan_256", 160)])
def test_connected_components_after_generation(bundle, size, trained):
    mask = -torch.ones(1, 4, 4, 200)
    mask[0, 0, 0, : size - 1], mask[0, 2, 2, :size] = 1, 1
    out = inferred(f"{bundle}/inference_components", f"{bundle}/binary_masks", trained, mask)
    assert [int(out[0, 0, 0].sum()), int(out[0, 2, 2].sum())] == [0, size]


@pytest.mark.parametrize("name", GENERATIONS)
def test_postprocessing_of_a_generated_set_is_on_record(name, generate):
    bundle, overlay = name.split("/")
    folder = generate(f"{bundle}/binary_masks", overlay)
    recorded = json.loads((folder / "provenance.json").read_text())["postprocessing"]
    assert recorded["binary"]
    assert (recorded["min_size"] > 0) == (overlay == "inference_components")
    mask = nib.load(folder / "labels" / "generated_00000.nii.gz").get_fdata()
    assert set(np.unique(mask)) <= {0, 1}
