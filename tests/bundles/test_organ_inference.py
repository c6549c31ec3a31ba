"""`run inferring` of the evaluation bundle: organs on the grid of each image."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from torch.nn import functional as F

from common.data.datalist import read_datalist, select_cases
from common.networks.model_file import write_model_file
from common.networks.organ_segmenter import OrganSegmenter

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "kind": "organs",
    "depth": 10,
    "widths": [4, 4, 8, 8],
    "organs": ["one", "two"],
    "image_size": [32, 32, 16],
    "hu_window": [-1024, 600],
}


class Tissue(OrganSegmenter):
    """Two organs that are known: bone, and what is neither bone nor air."""

    def forward(self, x):
        return torch.cat([x - 0.6, (0.6 - x).minimum(x + 0.5)], 1) * 1e3


@pytest.fixture
def segment(tmp_path, monkeypatch):
    """Function (**overrides) -> folder of masks that a random segmenter predicts, run in this process."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    torch.manual_seed(0)
    checkpoint = tmp_path / "model.pt"
    network = OrganSegmenter(2, depth=10, widths=SETTINGS["widths"])
    write_model_file(checkpoint, network, settings=SETTINGS, training={"spacing": [6, 6, 6]})

    def run(**overrides):
        files = [str(ROOT / "bundles/evaluation/configs" / f"{name}.yaml") for name in ("inference", "smoke")]
        settings = {"checkpoint": str(checkpoint), "output_dir": str(tmp_path / "out"), **overrides}
        work = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
        work.initialize()
        work.run()
        return tmp_path / "out" / "labels"

    return run


def test_masks_lie_on_the_grid_of_the_images(segment, phantom_dir):
    masks = segment(dataset_dir=str(phantom_dir))
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)
    assert sorted(path.name for path in masks.iterdir()) == sorted(f"{case['case_id']}.nii.gz" for case in cases)
    for case in cases:
        image, mask = nib.load(case["image"]), nib.load(masks / f"{case['case_id']}.nii.gz")
        assert mask.shape == image.shape and mask.get_data_dtype() == np.uint8
        np.testing.assert_allclose(mask.affine, image.affine, atol=1e-4)
        assert set(np.unique(mask.dataobj)) <= {0, 1, 2}


def test_organs_are_numbered_in_their_order_and_outside_the_crop_is_background(segment, tmp_path, monkeypatch):
    """A block of bone in soft tissue in air, of which the body's box is cut out: labels 1, 2 and 0 at their places."""
    monkeypatch.setattr("common.networks.organ_segmenter.OrganSegmenter", Tissue)
    (tmp_path / "images").mkdir()
    image = np.full((40, 40, 24), -1000, np.int16)
    image[8:32, 8:32, 4:20] = 0
    image[16:24, 16:24, 8:16] = 600
    nib.save(nib.Nifti1Image(image, np.diag([-4.0, -4.0, 4.0, 1.0])), tmp_path / "images" / "block.nii.gz")
    options = {"images": str(tmp_path / "images"), "spacing": [4, 4, 4]}
    mask = np.asarray(nib.load(segment(**options) / "block.nii.gz").dataobj)
    assert mask[0, 0, 0] == 0 and mask[36, 20, 12] == 0
    assert mask[20, 20, 12] == 1 and mask[11, 11, 12] == 2
    assert abs((mask == 1).sum() / 512 - 1) < 0.5
    assert F.l1_loss(torch.tensor(mask > 0).float(), torch.tensor(image > -500).float()) < 0.1


def test_a_folder_of_images_is_read_before_anything_runs(segment, phantom_dir, tmp_path):
    """One mask for each image, and none where the folder is not what was meant."""
    folder = tmp_path / "images"
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)
    folder.mkdir()
    with pytest.raises(RuntimeError) as error:
        segment(images=str(folder))
    assert "holds no image" in str(error.value.__cause__)
    image = nib.load(cases[0]["image"])
    for name in ("a.NII.GZ", "b.v2.nii"):
        nib.save(image, folder / name)
    (folder / "._b.v2.nii").write_bytes(b"\0")
    (folder / "a.nii.gz.txt").touch()
    masks = segment(images=str(folder), output_dir=str(folder / "out"))
    assert not masks.exists()
    assert sorted(path.name for path in (folder / "out" / "labels").iterdir()) == ["a.nii.gz", "b.v2.nii.gz"]
    segment(images=str(folder), output_dir=str(folder / "out"))
