"""What nnU-Net is given of an arm: cases, masks, the list that it draws from."""

import json

import nibabel as nib
import numpy as np
import pytest

from common.data.choose_generated import GeneratedOptions
from common.data.choose_real import RealOptions
from common.data.training_mix import training_mix
from common.runs.nnunet.dataset import NAME, repeats, write_dataset
from common.transforms import LoadCased
from tests.common.data.pair_files import FOLDS, TESTING

LABELS = {"0": "background", "1": "tumour", "2": "lymph node"}


@pytest.fixture
def written(datalist, generated_dir, tmp_path):
    """Function (binary, **options of both sides) -> the data set's folder, its ids of training and of validation."""

    def write(*, binary=False, validation=1, real=None, generated=None):
        given = None if generated is None else GeneratedOptions(directory=generated_dir, **generated)
        mix = training_mix(RealOptions(datalist=datalist, **{"fold": 0, **(real or {})}), given)
        load = LoadCased(("image", "label"), crop="none")
        names = {"0": "background", "1": "tumour or lymph node"} if binary else LABELS
        folder = write_dataset(mix, tmp_path, load=load, label_names=names, binary=binary, validation=validation)
        (split,) = json.loads((tmp_path / "nnUNet_preprocessed" / NAME / "splits_final.json").read_text())
        assert {path.name for path in (folder / "imagesTr").iterdir()} == {
            f"{name}_0000.nii.gz" for name in {*split["train"], *split["val"]}
        }
        assert not {*split["train"], *split["val"]} & set(TESTING)
        return folder, split["train"], split["val"]

    return write


def test_real_cases_alone_and_one_of_the_fold(written):
    folder, train, validation = written()
    assert train == sorted(FOLDS[1] + FOLDS[2]) and len(validation) == 1 and validation[0] in FOLDS[0]
    content = json.loads((folder / "dataset.json").read_text())
    assert content["labels"] == {"background": 0, "tumour": 1, "lymph node": 2}
    assert (content["numTraining"], content["generated"], content["channel_names"]) == (len(train) + 1, [], {"0": "CT"})


def test_without_a_fold_cases_that_train_validate(written):
    _, train, validation = written(real={"fold": "all"}, validation=2)
    assert set(validation) < set(train) and len(validation) == 2


def test_generated_cases_alone(written):
    folder, train, validation = written(generated={"count": "all"}, real={"use": False})
    assert train == [f"generated_{number}" for number in range(8)] and set(validation) < set(FOLDS[0])
    assert json.loads((folder / "dataset.json").read_text())["generated"] == train


def test_a_share_of_the_draws_is_that_of_the_list(written):
    """Two real cases and eight generated ones, half and half: each real case stands four times in the list."""
    _, train, _ = written(generated={"share": 0.5}, real={"count": 2})
    real = [name for name in train if not name.startswith("generated")]
    assert (len(real), len(set(real)), len(train)) == (8, 2, 16)


def test_a_share_that_changes_is_refused(written):
    with pytest.raises(ValueError, match=r"generated_share_end 0\.0, .*: leave generated_share_end out"):
        written(generated={"share": 0.5, "share_end": 0.0})


@pytest.mark.parametrize(
    "real,generated,share,wanted",
    [(4, 168, 0.5, (42, 1)), (168, 4, 0.5, (1, 42)), (10, 10, 0.25, (3, 1)), (3, 5, 0, (1, 0)), (3, 5, 1, (0, 1))],
)
def test_repeats(real, generated, share, wanted):
    assert repeats(real, generated, share) == wanted


@pytest.mark.parametrize("share", [0.1, 0.25, 0.333, 0.5, 0.9])
def test_repeats_come_near_any_share(share):
    of_real, of_generated = repeats(148, 168, share)
    assert of_generated * 168 / (of_generated * 168 + of_real * 148) == pytest.approx(share, abs=0.005)


def test_real_and_generated_volumes_lie_alike_and_masks_are_joined(written, datalist):
    """The file lies the other way round; what is written is RAS, with the same values."""
    path = datalist.parent / "images" / f"{FOLDS[1][0]}.nii.gz"
    for name in (path, datalist.parent / "labels" / path.name):
        volume = nib.load(name)
        turned = nib.Nifti1Image(np.asarray(volume.dataobj)[::-1], volume.affine @ np.diag([-1, 1, 1, 1.0]))
        nib.save(turned, name)
    label = np.asarray(nib.load(datalist.parent / "labels" / path.name).dataobj)
    folder, _, _ = written(binary=True)
    image = nib.load(folder / "imagesTr" / f"{FOLDS[1][0]}_0000.nii.gz")
    mask = nib.load(folder / "labelsTr" / path.name)
    assert "".join(nib.aff2axcodes(image.affine)) == "RAS" and np.array_equal(image.affine, mask.affine)
    assert np.array_equal(np.asarray(image.dataobj)[::-1], np.asarray(nib.load(path).dataobj))
    assert image.get_data_dtype() == np.int16
    assert np.array_equal(np.asarray(mask.dataobj)[::-1], label > 0)
