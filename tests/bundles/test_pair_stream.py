"""Pairs without a folder are those of the folder."""

import csv
import pickle
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from common.runs.generator_pairs import GeneratorPairs
from common.runs.pair_stream import PairStream

ROOT = Path(__file__).parents[2]
OPTIONS = {"keep_largest": 1}


@pytest.fixture(scope="module")
def trained(run_workflow, phantom_dir, tmp_path_factory):
    """Model file of a tiny HA-GAN, and a set of three pairs of it."""
    folder = tmp_path_factory.mktemp("stream")
    training = {"dataset_dir": str(phantom_dir), "output_dir": str(folder / "train"), "folds": [0]}
    model = run_workflow("hagan_128", ["train", "smoke"], **training) / "model.pt"
    drawing = {"checkpoint": str(model), "num_samples": 3, "seed": 5, "preview_count": 0, **OPTIONS}
    files = run_workflow("hagan_128", ["inference"], workflow_type="infer", output_dir=str(folder / "set"), **drawing)
    return model, files


@pytest.fixture
def stream(trained):
    return PairStream("bundles/hagan_128", checkpoint=trained[0], num_samples=3, seed=5, options=OPTIONS)


def test_voxels_and_affines_are_those_of_the_files(trained, stream):
    assert len(stream) == len(list(stream)) == 3
    pair = stream[1]  # alone, not behind the first
    assert pair["case_id"] == "generated_00001"
    for key in ("image", "label"):
        file = nib.load(trained[1] / f"{key}s" / "generated_00001.nii.gz")
        assert np.array_equal(np.asarray(file.dataobj), pair[key][0].numpy())
        assert np.allclose(file.affine, pair[key].affine)


def test_workers_draw_the_same(stream):
    first = stream[0]["image"]  # the network is built here, and again in the worker
    handed_on = pickle.loads(pickle.dumps(stream))  # as a worker that is spawned, and not forked, gets it
    assert "_workflow" in vars(stream) and "_workflow" not in vars(handed_on)
    (batch,) = list(DataLoader(handed_on, batch_size=3, num_workers=1))
    assert torch.equal(batch["image"][0], torch.as_tensor(first))


def test_an_experiment_trains_on_new_pairs_and_refuses_a_leak_before_it_starts(
    trained, phantom_dir, run_files, trainings_here, causes, tmp_path
):
    configs = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
    files = [configs / "experiment.yaml", configs / "drawn_pairs.yaml"]
    options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path), "generator_checkpoint": str(trained[0])}
    options |= {"seeds": [0], "overlays": [str(configs / "smoke.yaml")], "settings": {"max_epochs": 1}}
    with pytest.raises(RuntimeError) as error:
        run_files(files, run_id="experiment", folds=[0], **options)
    assert "nothing was run: arm 'real + 25 % of 16 pairs': the generator of bundles/hagan_128 was" in causes(error)
    assert trainings_here == []
    run_files(files, run_id="experiment", folds=[1], only=["real + 25 % new pairs"], replicates=50, **options)
    with (tmp_path / "results.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["real"], row["generated"], row["leakage"]) == ("4", "a new pair each draw", "")


def test_seen_cases_and_errors(stream, phantom_dir, tmp_path):
    assert stream.seen_ids and all(case.startswith("phantom") for case in stream.seen_ids)
    with pytest.raises(IndexError, match="item 3 of 3"):
        stream[3]
    with pytest.raises(FileNotFoundError, match="no trained model at"):
        PairStream("bundles/hagan_128", checkpoint=tmp_path / "none.pt")
    with pytest.raises(FileNotFoundError, match="is no generator: expected a config file"):
        PairStream(tmp_path)


def test_errors_of_a_generator_name_the_options_of_the_training(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no trained model at .*--generator_checkpoint"):
        GeneratorPairs("bundles/hagan_128", checkpoint=tmp_path / "none.pt")
    for options, message in (
        ({"num_samples": 3}, "generator_options have num_samples 3: set --generated_count"),
        ({"indices": [3]}, r"generator_options have indices \[3\]: leave it out"),
        ({"keep_larges": 1}, "generator bundles/hagan_128: keep_larges: found 1, .*did you mean keep_largest"),
        ({"seed": -1}, "generator bundles/hagan_128: seed: found -1, expected integer"),
    ):
        with pytest.raises(ValueError, match=message):
            GeneratorPairs("bundles/hagan_128", checkpoint=trained[0], options=options)


def test_a_segmenter_trains_on_drawn_pairs_as_on_their_files(run_workflow, trained, phantom_dir, tmp_path, causes):
    """The same weights to the bit, whatever process draws, and a record that differs in nothing but the source."""
    model, files = trained
    drawn = {"generator": "bundles/hagan_128", "generator_checkpoint": str(model)}
    drawn |= {"generator_options": {"seed": 5, **OPTIONS}, "generated_count": 3, "num_workers": 1}
    contents = []
    for name, source in {"files": {"generated_dir": str(files)}, "drawn": drawn}.items():
        options = {"dataset_dir": str(phantom_dir), "fold": 1, "generated_share": 0.5, "max_epochs": 1, **source}
        folder = run_workflow("segresnet_auto3dseg", ["train", "smoke"], output_dir=str(tmp_path / name), **options)
        contents.append(torch.load(folder / "model.pt", weights_only=True))
    written, found = contents
    assert all(torch.equal(found["model"][key], value) for key, value in written["model"].items())
    assert found["settings"] == written["settings"]
    source = found["training"]["generated"].pop("generator")
    assert (source["generator"], source["options"]["seed"]) == ("bundles/hagan_128", 5)
    for content in contents:
        for key in ("directory", "empty_masks"):
            del content["training"]["generated"][key]
    assert found["training"] == written["training"]
    assert found["training"]["generated"]["case_ids"] == [f"generated_0000{number}" for number in range(3)]
    drawn["generator_options"] = {"seed": 6}
    with pytest.raises(RuntimeError) as error:
        run_workflow("segresnet_auto3dseg", ["train", "smoke"], output_dir=str(tmp_path / "drawn"), **options | drawn)
    assert "generator.options.seed: found 5, expected 6" in causes(error)
    with pytest.raises(RuntimeError) as error:
        run_workflow(
            "segresnet_auto3dseg", ["train", "smoke"], output_dir=str(tmp_path / "seen"), **options | {"fold": 0}
        )
    assert "the generator of bundles/hagan_128 was trained on 4 of the 6 held-out cases" in causes(error)
