"""The workflows of latent_flow run for real, at a tiny size."""

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.cases_beside import cases_beside
from common.data.datalist import read_datalist
from common.data.generated_set import read_generated_set, training_cases
from common.files import file_sha256
from common.runs.pair_stream import PairStream
from tests.bundles.test_dataset_workflow import ROOT, YOUNG
from tests.bundles.test_dataset_workflow import workflow as run_here
from tests.bundles.test_preprocessing_travels import parsed

# overrides of one tiny training, each a switch that users turn
SWITCHES = {
    "defaults": {},
    "binary masks": {"binary_mask": True, "mask_weight": 1.0, "max_gradient": None},
    "bf16, no moving average": {"amp": "bf16", "ema": 0},
    "accumulation, one fold, RAM": {"accumulation": 2, "folds": [1], "cache": "ram"},
    "masks always given, other sizes": {"given_share": 1.0, "image_size": [16, 24, 16], "latent_channels": 64},
}


@pytest.fixture
def workflow(run_workflow, phantom_dir, tmp_path):
    """Function (train or inference, **overrides) that runs a workflow with the smoke overlay in this process."""

    def run(name, **overrides):
        options = {"output_dir": str(tmp_path / name)}
        options |= {"dataset_dir": str(phantom_dir)} if name == "train" else {}
        kind = {"train": "train", "inference": "infer"}[name]
        return run_workflow("latent_flow", [name, "smoke"], workflow_type=kind, **{**options, **overrides})

    return run


@pytest.fixture(scope="module")
def trained(run_workflow, phantom_dir, tmp_path_factory):
    """Model file of a training on fold 1 with the defaults."""
    options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path_factory.mktemp("trained")), "folds": [1]}
    return str(run_workflow("latent_flow", ["train", "smoke"], **options) / "model.pt")


def losses(folder):
    with (folder / "losses.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def files(folder):
    return {str(path.relative_to(folder)): file_sha256(path) for path in folder.rglob("*.nii.gz")}


def masks_of(folder):
    return [np.asarray(nib.load(path).dataobj) for path in sorted((folder / "labels").glob("*.nii.gz"))]


@pytest.mark.parametrize("switch", SWITCHES)
def test_training_and_generation_with_each_switch(workflow, switch):
    overrides = SWITCHES[switch]
    folder = workflow("train", pictures="small", **overrides)
    for name in ("model.pt", "losses.csv", "losses.png", "previews/step_00000004.png"):
        assert (folder / name).is_file(), name
    rows = losses(folder)
    assert len(rows) == 4 and list(rows[0]) == ["step", "flow", "of_image", "of_mask"]
    assert np.isfinite([list(row.values()) for row in rows]).all()
    generated = workflow("inference", pictures="small", checkpoint=str(folder / "model.pt"))
    assert (generated / "previews" / "pairs.png").is_file()
    found = read_generated_set(generated)
    assert found.image_size == overrides.get("image_size", [32, 32, 16]) and len(found.cases) == 2
    assert json.loads((generated / "provenance.json").read_text())["drawing"]["masks"] is None
    image = nib.load(found.cases[0]["image"]).get_fdata()
    assert -1024 <= image.min() < image.max() <= 600
    assert set(np.unique(masks_of(generated))) <= ({0, 1} if switch == "binary masks" else {0, 1, 2})


def test_images_for_masks_of_a_folder(workflow, trained, phantom_dir, tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    mask = np.zeros((32, 32, 16), np.uint8)
    mask[5:12, 8:20, 4:9], mask[20, 20, 10] = 1, 2
    nib.save(nib.Nifti1Image(mask, np.eye(4)), folder / "mine.nii.gz")
    held_out = read_datalist(phantom_dir / "datalist.json")["testing"][0]["case_id"]
    shutil.copy(folder / "mine.nii.gz", folder / f"{held_out}.nii.gz")
    generated = workflow("inference", checkpoint=trained, masks=str(folder), mask_bend=0, num_samples=3)
    assert all(np.array_equal(found, mask) for found in masks_of(generated))
    images = [np.asarray(nib.load(path).dataobj) for path in sorted((generated / "images").glob("*"))]
    assert not np.array_equal(images[0], images[2])
    provenance = json.loads((generated / "provenance.json").read_text())
    names = sorted(["mine", held_out])
    assert [case["mask_from"] for case in provenance["cases"]] == [names[0], names[1], names[0]]
    assert provenance["drawing"]["masks"]["name"] == "masks" and provenance["drawing"]["mask_bend"] == 0
    assert held_out in read_generated_set(generated).seen_ids  # the guards refuse to test on it
    options = {"masks": str(folder), "mask_bend": 0, "sampling_steps": 2}
    stream = PairStream(ROOT / "bundles" / "latent_flow", checkpoint=trained, num_samples=3, options=options)
    assert stream.seen_ids == read_generated_set(generated).seen_ids
    assert np.array_equal(stream[2]["image"][0].numpy(), images[2])
    bent = workflow("inference", checkpoint=trained, masks=str(folder), num_samples=2, output_dir=str(tmp_path / "b"))
    assert not any(np.array_equal(found, mask) for found in masks_of(bent))


def test_images_for_masks_that_the_flow_drew_are_a_set_like_another(workflow, trained, phantom_dir, tmp_path):
    first = workflow("inference", checkpoint=trained, num_samples=2, output_dir=str(tmp_path / "first"))
    again = workflow("inference", checkpoint=trained, num_samples=2, masks=str(first / "labels"), mask_bend=0)
    found, before = read_generated_set(again), read_generated_set(first)
    cases = cases_beside(found, read_datalist(phantom_dir / "datalist.json"))  # both sets name their cases alike
    assert [case["case_id"] for case in cases] == ["generated_00000", "generated_00001"]
    assert found.seen_ids == before.seen_ids
    options = {"masks": str(first / "labels"), "mask_bend": 0}
    stream = PairStream(ROOT / "bundles" / "latent_flow", checkpoint=trained, num_samples=2, options=options)
    assert stream.seen_ids == found.seen_ids


def test_images_for_masks_of_the_training_are_those_of_its_folds(workflow, trained, phantom_dir, tmp_path):
    datalist = phantom_dir / "datalist.json"
    seen = [case["case_id"] for case in read_datalist(datalist)["training"] if case["fold"] == 1]
    options = {"checkpoint": trained, "masks": str(datalist), "num_samples": 6}
    generated = workflow("inference", **options)
    provenance = json.loads((generated / "provenance.json").read_text())
    assert [case["mask_from"] for case in provenance["cases"]] == [seen[number % len(seen)] for number in range(6)]
    found = read_generated_set(generated)
    assert found.seen_ids == set(seen)
    assert len(training_cases(found, datalist, dataset_dir=phantom_dir)) == len(seen)
    some = workflow("inference", **options, indices=[4, 1], output_dir=str(tmp_path / "some"))
    for number in (4, 1):
        for part in ("images", "labels"):
            name = f"{part}/generated_{number:05d}.nii.gz"
            np.testing.assert_allclose(
                nib.load(some / name).get_fdata(), nib.load(generated / name).get_fdata(), atol=1
            )


def test_what_is_wrong_with_masks_is_said(workflow, trained, causes, phantom_dir, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    content = json.loads((phantom_dir / "datalist.json").read_text())
    for case in content["training"]:
        case["case_id"] = case["patient"] = "of_another_" + case["case_id"]
    (other / "datalist.json").write_text(json.dumps(content))
    for overrides, message in (
        ({"masks": str(tmp_path / "none")}, "name another --masks"),
        ({"masks": str(other / "datalist.json")}, "cases that the generator was trained on, such as"),
        ({"masks": str(other)}, "holds no NIfTI mask"),
        ({"masks": str(phantom_dir / "labels"), "mask_bend": -1}, "mask_bend"),
        ({"checkpoint": str(tmp_path / "none.pt")}, "no trained model at"),
        ({"checkpoint": str(tmp_path / "none.pt"), "masks": str(other)}, "no trained model at"),
    ):
        with pytest.raises((RuntimeError, ValueError, FileNotFoundError)) as error:
            workflow("inference", **{"checkpoint": trained, **overrides})
        assert message in causes(error)


def test_the_same_seed_generates_the_same_files_and_another_others(workflow, trained, assert_seeds_decide, tmp_path):
    sets = [
        workflow("inference", checkpoint=trained, output_dir=str(tmp_path / name), seed=seed)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert_seeds_decide(*sets)


def test_other_steps_or_masks_are_another_request(trained, phantom_dir, tmp_path, monkeypatch):
    """What a killed run left is taken only for what was asked then."""
    monkeypatch.chdir(ROOT)
    shutil.copytree(phantom_dir / "labels", tmp_path / "labels")

    def request(**overrides):
        options = {"checkpoint": trained, "masks": str(tmp_path / "labels"), "output_dir": str(tmp_path / "set")}
        return parsed("latent_flow", ["inference"], **{**options, **overrides}).get_parsed_content("part").request

    first = request()
    assert request() == first == request(masks=str(phantom_dir / "labels"))  # the same masks at another place
    others = [
        request(sampling_steps=3),
        request(temperature=0.5),
        request(mask_temperature=0.5),
        request(redraw=None),
        request(redraw_temperature=0.5),
        request(mask_bend=0.5),
        request(masks=None),
        request(seed=1),
    ]
    next((tmp_path / "labels").iterdir()).unlink()
    assert all(other != first for other in [*others, request()])


def test_a_killed_run_goes_on_and_ends_bit_equal(killed_and_resumed, assert_same):
    """kill -9 in the middle, the same command again: checkpoints, model and losses equal an uninterrupted run's."""

    def started(folder):
        table = folder / "losses.csv"
        return table.is_file() and table.read_text().count("\n") > 3

    folders = killed_and_resumed("latent_flow", started=started, max_steps=7, ema=0.9)
    assert_same(*map(losses, folders))
    assert_same(*(torch.load(folder / "model.pt", weights_only=True) for folder in folders))


def test_a_run_goes_on_with_other_rates_and_not_with_another_flow(workflow, causes, tmp_path):
    options = {"output_dir": str(tmp_path / "run")}
    workflow("train", **options, max_steps=2)
    assert len(losses(workflow("train", **options, max_steps=3, lr=0.01))) == 3
    with pytest.raises(RuntimeError) as error:
        workflow("train", **options, max_steps=4, channels=[16, 16])
    assert "channels" in causes(error)


def test_a_training_starts_from_another_and_counts_the_cases_of_both(workflow, trained, causes, tmp_path):
    """A learning rate of 0 leaves the weights as they were; volumes of another size are no hindrance."""
    options = {"init_from": trained, "folds": [0], "lr": 1e-30, "weight_decay": 0.0, "image_size": [16, 24, 16]}
    tuned = torch.load(workflow("train", **options) / "model.pt", weights_only=True)
    first = torch.load(trained, weights_only=True)
    assert tuned["model"].keys() == first["model"].keys()
    assert all(torch.allclose(tuned["model"][key], value, atol=1e-6) for key, value in first["model"].items())
    assert set(tuned["training"]["case_ids"]) > set(first["training"]["case_ids"])
    assert tuned["training"]["init_from"]["training"]["case_ids"] == first["training"]["case_ids"]
    with pytest.raises(RuntimeError) as error:
        workflow("train", init_from=trained, hu_window=[-200, 300], output_dir=str(tmp_path / "other"))
    assert "hu_window" in causes(error) and "--init_from" in causes(error)


def test_two_processes_train_what_one_does_with_the_global_batch(one_and_two_processes):
    one, two = one_and_two_processes("latent_flow", max_steps=3, lr="1e-4")
    for a, b in zip(losses(one), losses(two), strict=True):
        assert b == pytest.approx(a, abs=1e-5)


def test_two_processes_generate_what_one_does(workflow, in_two_processes, trained, phantom_dir, tmp_path):
    options = {"checkpoint": trained, "num_samples": 3, "masks": str(phantom_dir / "datalist.json")}
    one = workflow("inference", **options, pictures="small")
    configs = ["inference", "smoke", "multi_gpu_inference"]
    in_two_processes("inferring", configs, bundle="latent_flow", output_dir=tmp_path / "two", **options)
    for name in ("dataset.json", "provenance.json"):
        assert (tmp_path / "two" / name).read_bytes() == (one / name).read_bytes()
    assert len(files(one)) == 6 and files(tmp_path / "two") == files(one)


def test_a_published_set_says_whose_masks_it_has(trained, phantom_dir, tmp_path, monkeypatch):
    configs = ROOT / "bundles" / "latent_flow" / "configs"
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(
        "common.runs.published.published_set.run_workflow",
        lambda run_id, files, options, log, **_: run_here(files, run_id, options),
    )
    options = {"checkpoints": [trained], "num_samples": 3, "overlays": [str(configs / "smoke.yaml")], **YOUNG}
    options |= {"options": {"masks": str(phantom_dir / "labels"), "mask_bend": 0}, "output_dir": str(tmp_path / "set")}
    run_here([configs / "dataset.yaml"], "run", options)
    names = sorted(path.name.removesuffix(".nii.gz") for path in (phantom_dir / "labels").iterdir())[:3]
    provenance = json.loads((tmp_path / "set" / "provenance.json").read_text())
    assert [case["mask_from"] for case in provenance["cases"]] == names
    found = read_generated_set(tmp_path / "set")
    assert found.mask_ids == set(names) and set(names) < found.seen_ids
    assert set(names) <= set(read_datalist(tmp_path / "set" / "dataset.json")["generator_case_ids"])
