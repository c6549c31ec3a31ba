import logging

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.datalist import read_datalist, select_cases
from common.data.latents import LatentDataset
from common.data.mask_source import MaskSource
from common.data.preprocessing import ASSUMED
from common.engines.given_masks import GivenMasks, latents_and_masks
from common.transforms.prepare_case import PrepareCased

SIZE = [16, 16, 8]
SETTINGS = {
    **{"image_size": SIZE, "labels": 3, "binary_mask": False, "hu_window": [-1024, 600]},
    "label_names": {"0": "background", "1": "tumour", "2": "lymph node"},
    "preprocessing": {**ASSUMED, "spacing": [6, 6, 6]},
}


def write_mask(path, mask):
    nib.save(nib.Nifti1Image(np.asarray(mask, np.uint8), np.eye(4)), path)


@pytest.fixture
def folder(tmp_path):
    """Three masks of the grid's size: a box of label 1, one of label 2, both."""
    masks = np.zeros((3, *SIZE), np.uint8)
    masks[0, 4:10, 5:11, 2:6], masks[1, 3:12, 4:9, 1:5] = 1, 2
    masks[2] = np.maximum(masks[0], masks[1])
    for name, mask in zip("abc", masks, strict=True):
        write_mask(tmp_path / f"{name}.nii.gz", mask)
    return tmp_path, masks


def given(masks, *, indices=None, settings=SETTINGS, bend=0.0, ids=("a",), seed=0):
    latents = LatentDataset(5, 4, seed=seed, indices=indices)
    source = MaskSource(masks, settings=settings, training={"case_ids": list(ids)})
    return GivenMasks(latents, source, settings=settings, bend=bend)


def test_unbent_masks_are_those_of_the_files_in_turn(folder):
    path, masks = folder
    found = given(path)
    assert len(found) == 5
    for number, item in enumerate(found[i] for i in range(5)):
        assert item["mask"].shape == (1, *SIZE) and item["mask_from"] == "abc"[number % 3]
        np.testing.assert_array_equal(item["mask"][0].numpy(), masks[number % 3] - 1.0)
        assert torch.equal(item["image"], found.latents[number]["image"])
        assert item["case_id"] == f"generated_{number:05d}"


@pytest.mark.parametrize("bend", [0.5, 1.0, 4.0])
def test_a_case_alone_has_the_mask_that_it_has_in_the_set(folder, bend):
    path, masks = folder
    whole = given(path, bend=bend)
    for number in (3, 1):
        alone = given(path, bend=bend, indices=[number])[0]
        assert torch.equal(alone["mask"], whole[number]["mask"]) and alone["mask_from"] == "abc"[number % 3]
        assert not np.array_equal(alone["mask"][0].numpy(), masks[number % 3] - 1.0)
    assert torch.equal(whole[3]["mask"], whole[3]["mask"])
    assert not torch.equal(whole[0]["mask"], whole[3]["mask"])  # one file, bent by other seeds
    assert not torch.equal(whole[0]["mask"], given(path, bend=bend, seed=1)[0]["mask"])


def test_bending_makes_no_new_values_and_keeps_sizes_alike(folder):
    found = given(folder[0], bend=1.0)
    for item in (found[i] for i in range(5)):
        assert set(item["mask"].unique().tolist()) <= {-1, 0, 1}
        plain = given(folder[0])[int(item["case_id"][-1])]["mask"]
        assert (
            0.3 < (item["mask"] > -1).sum() / (plain > -1).sum() < 2.5
        )  # 0.85³ = 0.61 and 1.15³ = 1.52, on few voxels


def test_a_mask_that_is_bent_out_of_the_volume_stays_as_it_is(tmp_path):
    corner = np.zeros(SIZE)
    corner[0, 0, 0] = 1
    write_mask(tmp_path / "corner.nii.gz", corner)
    plain, bent = given(tmp_path), given(tmp_path, bend=4.0)
    found = [torch.equal(bent[i]["mask"], plain[i]["mask"]) for i in range(5)]
    assert any(found) and all((bent[i]["mask"] > -1).any() for i in range(5))


def test_an_empty_mask_is_used_and_named_once(tmp_path, caplog):
    write_mask(tmp_path / "nothing.nii.gz", np.zeros(SIZE))
    found = given(tmp_path, bend=1.0)
    with caplog.at_level(logging.WARNING):
        assert found[0]["mask"].eq(-1).all() and found[1]["mask"].eq(-1).all()
    assert [entry.getMessage() for entry in caplog.records if entry.name.startswith("common.")] == [
        "the mask of nothing is empty on the generator's grid: its image is to show no lesion"
    ]


def test_a_mask_of_another_size_is_laid_over_the_whole_image(folder, tmp_path):
    _, masks = folder
    large = tmp_path / "large"
    large.mkdir()
    write_mask(large / "a.nii.gz", masks[2].repeat(2, 0).repeat(2, 1).repeat(3, 2))
    np.testing.assert_array_equal(given(large)[0]["mask"][0].numpy(), masks[2] - 1.0)


def test_values_of_the_list_become_classes(folder, tmp_path):
    _, masks = folder
    other = tmp_path / "other"
    other.mkdir()
    write_mask(other / "a.nii.gz", np.array([0, 1, 5])[masks[2]])
    settings = {**SETTINGS, "label_names": {"0": "background", "1": "tumour", "5": "lymph node"}}
    np.testing.assert_array_equal(given(other, settings=settings)[0]["mask"][0].numpy(), masks[2] - 1.0)


@pytest.mark.parametrize("values", [[0, 1, 7], [0, 255, 255], [0, 1, 2]])
def test_other_values_are_one_foreground_where_there_is_one_and_refused_where_there_are_several(
    values, folder, tmp_path
):
    _, masks = folder
    other = tmp_path / "other"
    other.mkdir()
    write_mask(other / "odd.nii.gz", np.array(values)[masks[2]])
    joined = given(other, settings={**SETTINGS, "binary_mask": True, "label_names": {"0": "air", "1": "tumour"}})
    np.testing.assert_array_equal(joined[0]["mask"][0].numpy(), (masks[2] > 0) * 2.0 - 1)
    if values != [0, 1, 2]:
        with pytest.raises(RuntimeError) as error:
            given(other)[0]
        message = f"odd.nii.gz holds the values {sorted(set(values) - {0, 1, 2})}, expected only 0 to 2, the labels"
        assert message in str(error.value.__cause__ or error.value)


def test_cases_of_the_training_are_prepared_as_they_were_there(phantom_dir):
    entries = select_cases(read_datalist(phantom_dir / "datalist.json"), dataset_dir=phantom_dir)[1:3]
    prepare = PrepareCased(
        ["image", "label"], preprocessing=SETTINGS["preprocessing"], image_size=SIZE, hu_window=[-1024, 600]
    )
    found = given(phantom_dir / "datalist.json", ids=[entry["case_id"] for entry in entries])
    for number, entry in enumerate(entries):
        assert found[number]["mask_from"] == entry["case_id"]
        expected = torch.as_tensor(np.asarray(prepare(dict(entry))["label"])) - 1.0
        assert torch.equal(found[number]["mask"], expected)


@pytest.mark.parametrize("bend", [-0.1, 4.5])
def test_other_bends_are_refused(folder, bend):
    with pytest.raises(ValueError, match=f"mask_bend is {bend}, expected 0 to 4"):
        given(folder[0], bend=bend)


def test_an_evaluator_is_given_latents_and_masks_where_there_are_some():
    z, mask, device = torch.ones(2, 3), torch.zeros(2, 1, 4, 4, 4), torch.device("cpu")
    image, target, positional, named = latents_and_masks({"image": z, "mask": mask}, device, False)
    assert torch.equal(image, z) and target is None and positional == () and torch.equal(named["mask"], mask)
    assert latents_and_masks({"image": z}, device, non_blocking=True)[3] == {}
