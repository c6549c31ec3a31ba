"""Pictures before and after augmentation."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from PIL import Image

from common.data.augmented_set import Copy
from common.reports import augmentation
from common.reports.augmentation import augmentation_previews


def test_a_picture_for_each_kind_shows_the_first_cases_and_all_their_copies(tmp_path, monkeypatch):
    cases = [{"case_id": name} for name in ("a", "b", "c")]
    copies = [Copy(f"{case['case_id']}__affine_{i}", case, "affine", i, 0) for case in cases for i in range(2)]
    copies += [Copy(case["case_id"], case, "original", 0, 0) for case in cases]
    for copy in copies:
        for folder in ("images", "labels"):
            (tmp_path / folder).mkdir(exist_ok=True)
            volume = nib.Nifti1Image(np.ones((8, 8, 4), np.int16), np.diag([2, 2, 4, 1]))
            nib.save(volume, tmp_path / folder / f"{copy.case_id}.nii.gz")

    def load(case):
        return {key: MetaTensor(torch.ones(1, 8, 8, 8), affine=torch.eye(4) * 2) for key in ("image", "label")}

    drawn = {}
    pair_grid = augmentation.pair_grid

    def grid(*volumes, path, **options):
        drawn[path.stem] = options
        return pair_grid(*volumes, path=path, **options)

    monkeypatch.setattr(augmentation, "pair_grid", grid)
    content = {"labels": {"0": "background", "1": "tumour"}}
    parts = {"kinds": {"affine": [1, 1], "original": [1]}, "made": lambda: iter(copies), "load": load}
    augmented = SimpleNamespace(directory=tmp_path, cases=cases, content=content, **parts)
    paths = augmentation_previews(augmented, count=2, window=(-100, 100))
    assert [path.name for path in paths] == ["affine.png", "original.png"]
    assert min(Image.open(paths[0]).size) > 100
    assert drawn["affine"]["names"] == ["a, before", "affine 0", "affine 1", "b, before", "affine 0", "affine 1"]
    assert drawn["affine"]["spacing"][:2] == ([2, 2, 2], [2, 2, 4])
    assert drawn["affine"]["label_names"] == ["tumour"]
    assert drawn["original"]["names"] == ["a, before", "original 0", "b, before", "original 0"]


def test_no_cases_make_no_picture(tmp_path):
    augmented = SimpleNamespace(directory=tmp_path, cases=[{"case_id": "a"}], kinds={"affine": [1]})
    assert augmentation_previews(augmented, count=0) == []
    assert not list(tmp_path.iterdir())
