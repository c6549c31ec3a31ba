"""nnU-Net's masks come back on the grids of the files, and several models are nnU-Net's own ensemble."""

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.cases import resolve_cases
from common.handlers.case_scores import CaseScores
from common.handlers.label_writer import LabelWriter
from common.networks.model_file import write_model_file
from common.runs.nnunet.environment import NnUNet
from common.runs.nnunet.prediction import NnUNetPrediction
from tests.common.data.pair_files import TESTING, save_pair
from tests.common.runs.nnunet.stand_in import calls, make_environment

BOXES = {"t": [[0, 1], [0.25, 1], [0, 0.5]]}  # of the centre of the test cases
SETTINGS = {"network": "nnunet", "centre_bounds": BOXES, "crop": "none", "checkpoint_sha256": "0"}
FOLD = "nnunet/nnUNet_results/Dataset501_arm/ArmTrainer__armPlans__3d_fullres/fold_0"


@pytest.fixture
def program(tmp_path):
    environment = make_environment(tmp_path / "environment")
    return NnUNet(environment=str(environment), home=tmp_path / "out" / "nnunet", trainers="scripts", num_workers=0)


def trained(folder, **settings):
    (folder / FOLD).mkdir(parents=True)
    (folder / FOLD / "checkpoint_final.pth").touch()
    write_model_file(folder / "model.pt", torch.nn.Identity(), settings={**SETTINGS, **settings}, training={})
    return str(folder / "model.pt")


def test_masks_are_scored_on_the_grids_of_the_files(program, datalist, tmp_path):
    """The stand-in marks what is brighter than 0 HU in the box that it is given, and beyond that nothing is marked.

    The file of the first case lies the other way round.
    """
    image, label = np.full((20, 32, 40), -1000, np.int16), np.zeros((20, 32, 40), np.uint8)
    image[10:], label[12, 20, 10] = 40, 1
    for number, case_id in enumerate(TESTING):
        image[0, 0, 0] = number  # no two files alike
        affine = np.diag([2.0, 2 if number else -2, 2, 1])
        save_pair(datalist.parent, case_id, image=image, label=label, affine=affine)
    cases = resolve_cases(datalist, folds="testing")
    scores, out = CaseScores(tmp_path / "out"), tmp_path / "out"
    handlers = [LabelWriter(out / "labels"), scores]
    NnUNetPrediction([trained(tmp_path / "a")], cases=cases, program=program, handlers=handlers).run()
    for case in cases:
        image, mask = nib.load(case["image"]), nib.load(out / "labels" / f"{case['case_id']}.nii.gz")
        assert np.array_equal(mask.affine, image.affine)
        inside = np.zeros(image.shape, bool)
        inside[:, slice(0, 24) if case is cases[0] else slice(8, 32), :20] = True
        assert np.array_equal(np.asarray(mask.dataobj), (np.asarray(image.dataobj) > 0) & inside)
        given = nib.load(out / "nnunet" / "imagesTs" / f"{case['case_id']}_0000.nii.gz")
        assert given.shape == (20, 24, 20) and "".join(nib.aff2axcodes(given.affine)) == "RAS"
    assert [row["case_id"] for row in scores.rows] == [case["case_id"] for case in cases]
    assert (out / "cases.csv").is_file() and (out / "metrics.json").is_file()


def test_options_of_a_prediction(program, datalist, tmp_path):
    cases = resolve_cases(datalist, folds="testing")
    NnUNetPrediction([trained(tmp_path / "a")], cases=cases, program=program, mirroring=False).run()
    ((command, options),) = calls(tmp_path / "environment")
    home = tmp_path / "out" / "nnunet"
    rest = ["-f", "0", "-tr", "ArmTrainer", "-p", "armPlans", "-device", "cpu", "-npp", "0", "-nps", "0"]
    places = ["-i", str(home / "imagesTs"), "-o", str(home / "predicted"), "-d", "501", "-c", "3d_fullres"]
    assert (command, options) == ("predict", [*places, *rest, "--disable_tta"])


def test_several_models_are_an_ensemble_of_nnunet(program, datalist, tmp_path):
    models = [trained(tmp_path / name, checkpoint_sha256=name) for name in ("a", "b")]
    prediction = NnUNetPrediction(models, cases=resolve_cases(datalist, folds="testing"), program=program)
    prediction.run()
    prediction.run()  # begun anew: nothing of a killed command stays
    made = calls(tmp_path / "environment")
    assert [name for name, _ in made] == ["predict", "predict", "ensemble"] * 2
    assert all("--save_probabilities" in options for name, options in made if name == "predict")
    home = tmp_path / "out" / "nnunet"
    assert made[2][1] == [
        "-i",
        str(home / "member_0"),
        str(home / "member_1"),
        "-o",
        str(home / "predicted"),
        "-np",
        "1",
    ]


def test_models_that_do_not_go_together_or_are_not_there_are_refused(program, datalist, tmp_path):
    cases = resolve_cases(datalist, folds="testing")
    models = [trained(tmp_path / "a"), trained(tmp_path / "b", crop="body")]
    with pytest.raises(ValueError, match="crop: found 'body', expected 'none'"):
        NnUNetPrediction(models, cases=cases, program=program)
    (tmp_path / "a" / FOLD / "checkpoint_final.pth").unlink()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint_final\.pth in .*beside .*a/model\.pt"):
        NnUNetPrediction(models[:1], cases=cases, program=program).run()


def test_a_case_without_a_mask_is_named(program, datalist, tmp_path):
    cases = resolve_cases(datalist, folds="testing")
    prediction = NnUNetPrediction([trained(tmp_path / "a")], cases=cases, program=program)
    prediction.predict = lambda: tmp_path
    with pytest.raises(RuntimeError, match=r"nnU-Net left no .*t0\.nii\.gz, expected a mask of each case"):
        prediction.run()
