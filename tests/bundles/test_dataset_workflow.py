"""`run dataset` of the HA-GAN bundles for real, at a tiny size; its steps run in this process."""

import hashlib
import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from common.data.choose_generated import GeneratedOptions
from common.data.choose_real import RealOptions
from common.data.datalist import read_datalist, select_cases
from common.data.generated_set import read_generated_set, training_cases
from common.data.segmenter_fit import SegmenterInput
from common.data.training_mix import training_mix
from common.reason import reason_of
from common.transforms.prepare_case import PrepareCased
from tests.quick_pictures import draw_quickly

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "hagan_128" / "configs"
SMOKE = str(CONFIGS / "smoke.yaml")
YOUNG = {"air_share": 0, "empty_masks": True}  # two steps of training draw no patient


def workflow(configs, run_id, options):
    kind = "infer" if run_id == "inferring" else "train"
    work = ConfigWorkflow(list(map(str, configs)), workflow_type=kind, run_id=run_id, logging_file=False, **options)
    work.initialize()
    work.run()
    work.finalize()


@pytest.fixture(scope="module")
def checkpoints(run_workflow, phantom_dir, tmp_path_factory):
    """Two tiny generators of pairs, of different seeds."""
    folders = [tmp_path_factory.mktemp(f"train_{seed}") for seed in range(2)]
    for seed, folder in enumerate(folders):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(folder), "seed": seed}
        run_workflow("hagan_128", ["train", "smoke"], **options)
    return [str(folder / "model.pt") for folder in folders]


@pytest.fixture
def release(checkpoints, tmp_path):
    """Function (folder, **overrides) -> folder of a set of three pairs, and the numbers that each run was asked for."""
    asked, planting = [], []

    def run_here(run_id, configs, options, log, **_):
        asked.append(options["indices"])
        workflow(configs, run_id, options)
        if planting:
            planting[0](Path(options["output_dir"]), options["indices"])

    def run(folder="set", *, bundle="hagan_128", plant=None, **overrides):
        asked.clear()
        planting[:] = [plant] if plant else []
        options = {"checkpoints": checkpoints, "num_samples": 3, "overlays": [SMOKE], **YOUNG, **overrides}
        config = ROOT / "bundles" / bundle / "configs" / "dataset.yaml"
        workflow([config], "run", {"output_dir": str(tmp_path / folder), **options})
        return tmp_path / folder, list(asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("TQDM_DISABLE", "1")
        draw_quickly(patch)
        patch.setattr("common.runs.published.published_set.run_workflow", run_here)
        yield run


def checksums(folder):
    return dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())


def test_an_interrupted_set_equals_one_made_in_one_go(release, phantom_dir):
    whole, asked = release("whole", dataset_dir=str(phantom_dir))
    assert asked == [[0, 1], [0]]
    broken, _ = release("broken", dataset_dir=str(phantom_dir))
    for name in ("images/synthetic_00001.nii.gz", "labels/synthetic_00002.nii.gz", "README.md", "SHA256SUMS"):
        (broken / name).unlink()
    _, asked = release("broken", dataset_dir=str(phantom_dir))
    assert asked == [[1], [0]]
    assert checksums(broken) == checksums(whole)
    for name, sha256 in checksums(broken).items():
        assert hashlib.sha256((broken / name).read_bytes()).hexdigest() == sha256, name
    text = (whole / "README.md").read_text()
    cases = read_datalist(phantom_dir / "datalist.json")
    assert f"compared with all {len(cases['training'])} training cases" in text
    assert f"of {len(cases['testing'])} real cases that no checkpoint has seen" in text


def test_the_pairs_are_those_of_inferring(release, checkpoints, run_workflow, tmp_path):
    folder, _ = release(seed=7)
    made = json.loads((folder / "provenance.json").read_text())["cases"]
    options = {"checkpoint": checkpoints[0], "seed": 7, "output_dir": str(tmp_path / "inferred"), "batch_size": 1}
    inferred = run_workflow("hagan_128", ["inference", "smoke"], workflow_type="infer", **options)
    seeds = {case["case_id"]: case["seed"] for case in json.loads((inferred / "provenance.json").read_text())["cases"]}
    for case in made[:2]:
        name = f"generated_{case['index']:05d}"
        assert case["seed"] == seeds[name]
        for part in ("images", "labels"):
            released, expected = folder / part / f"{case['case_id']}.nii.gz", inferred / part / f"{name}.nii.gz"
            released, expected = nib.load(released), nib.load(expected)
            np.testing.assert_array_equal(released.get_fdata(), expected.get_fdata())
            np.testing.assert_array_equal(released.affine, expected.affine)
            assert released.get_data_dtype() == expected.get_data_dtype()


def test_other_bundles_read_it(release, run_workflow, phantom_dir, tmp_path):
    folder, _ = release(num_samples=4, bundle="hagan_256")
    generated = read_generated_set(folder)
    datalist = phantom_dir / "datalist.json"
    trained = training_cases(generated, datalist, dataset_dir=phantom_dir)
    assert {case["case_id"] for case in trained} == generated.training_ids
    assert "**Not checked**" in (folder / "README.md").read_text()
    real, generated = RealOptions(datalist=datalist, fold="all"), GeneratedOptions(directory=folder, count=2)
    mix = training_mix(real, generated, SegmenterInput(hu_window=(-1024, 600)))
    assert mix.counts["generated"] == 2 and mix.generated.leakage.leaked == ()
    options = {"dataset_dir": str(phantom_dir), "generated_dir": str(folder), "extractor": "slices"}
    options |= {"allow_untrained": True, "second_extractor": None, "output_dir": str(tmp_path / "evaluation")}
    options |= {"sections": ["fidelity", "copies"], "views": ["pair"]}
    evaluation = run_workflow("evaluation", ["evaluate", "smoke"], workflow_type=None, **options)
    again, asked = release(num_samples=4, bundle="hagan_256", evaluation=str(evaluation))
    assert asked == []
    text = (again / "README.md").read_text()
    assert "| kid/pair/slices |" in text and "| memorisation/volumes |" in text


def test_a_copy_of_a_training_case_is_left_out_and_replaced(release, phantom_dir, tmp_path):
    case = select_cases(read_datalist(phantom_dir / "datalist.json"), dataset_dir=phantom_dir)[0]
    as_trained = {"preprocessing": {"spacing": [6, 6, 6]}, "image_size": [32, 32, 16], "hu_window": [-1024, 600]}
    copy = PrepareCased(["image", "label"], **as_trained)(case)

    def plant(folder, indices):
        if folder.name == "checkpoint_1" and 0 in indices:
            image = (np.asarray(copy["image"][0]) + 1) / 2 * 1624 - 1024
            for part, volume in (("images", image.round().astype(np.int16)), ("labels", np.asarray(copy["label"][0]))):
                path = folder / part / "generated_00000.nii.gz"
                nib.save(nib.Nifti1Image(volume.astype(np.int16), nib.load(path).affine), path)

    folder, asked = release(dataset_dir=str(phantom_dir), plant=plant)
    assert asked == [[0, 1], [0], [1]]
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["filter"]["rejected"] == {"near a training case": 1}
    assert [case["index"] for case in provenance["cases"]] == [0, 1, 1]
    assert provenance["filter"]["compared"]["smallest_distance"] >= provenance["filter"]["compared"]["threshold"]
    assert "**1 of 4 candidates**" in (folder / "README.md").read_text()


def test_training_data_that_are_not_the_checkpoints_are_refused(release, causes, phantom_dir, tmp_path):
    content = json.loads((phantom_dir / "datalist.json").read_text())
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({**content, "training": content["training"][1:]}))
    for overrides, message in (
        ({"train_datalist": str(path)}, f"of which {path} lacks 1, such as {content['training'][0]['case_id']}"),
        ({"reference_folds": "all"}, "trained on all 8 cases"),
        ({"preprocessing": {"spacings": 2}}, "preprocessing has the keys ['spacings']"),
        ({"checkpoints": ["models/none.pt"]}, "no trained model at models/none.pt"),
    ):
        with pytest.raises((ValueError, RuntimeError, FileNotFoundError)) as error:
            release(dataset_dir=str(phantom_dir), **overrides)
        assert message in causes(error)


def test_the_command_makes_a_whole_set(bundle_command, run_command, checkpoints, tmp_path):
    """As a user types it, its step in a process of its own."""
    folder = tmp_path / "set"
    options = {"checkpoints": checkpoints[:1], "num_samples": 1, "overlays": [SMOKE], "output_dir": folder, **YOUNG}
    finished = run_command(bundle_command("dataset", ["dataset"], **options))
    assert finished.returncode == 0, finished.stderr
    assert len(read_generated_set(folder).cases) == 1
    for name, sha256 in checksums(folder).items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256, name


def test_an_evaluation_that_is_not_there_is_told_before_a_pair_is_drawn(release, tmp_path):
    with pytest.raises(RuntimeError) as error:  # MONAI wraps it in its own
        release(evaluation=str(tmp_path / "nowhere"))
    reason = reason_of(error.value)
    assert isinstance(reason, FileNotFoundError) and re.search("no evaluation at.*--evaluation", str(reason))
    assert not list(tmp_path.rglob("*.nii.gz"))
