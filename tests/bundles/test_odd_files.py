"""Files that readers take differently, in the tensors that each bundle trains on or scores: the HU under the mask."""

import pytest
import torch

from common.transforms import HUWindow
from tests.bundles.test_preprocessing_travels import parsed
from tests.common.odd_files import AFFINE, HU, PAIRS, SHAPE, write_pair

GRID = {"image_size": list(SHAPE), "spacing": None, "crop": "none", "labels": 3}
VOXELS = [abs(float(AFFINE[axis, axis])) for axis in range(3)]
# (bundle, config): its first transforms, overrides that keep the voxels as they are
CHAINS = {
    ("hagan_128", "train"): ("train::deterministic_transforms", GRID),
    ("hagan_256", "train"): ("train::deterministic_transforms", GRID),
    ("baseline_gans", "train"): ("train::deterministic_transforms", {**GRID, "fit": "resize"}),
    ("latent_flow", "train"): ("train::deterministic_transforms", GRID),
    ("evaluation", "evaluate"): ("deterministic_transforms::real", {**GRID, "binary_mask": False}),
    ("segresnet_auto3dseg", "train"): (
        "train::deterministic_transforms",
        {"spacing": VOXELS, "crop": "none", "centre_bounds": {}, "binary_mask": False, "num_workers": 0},
    ),
}


@pytest.mark.parametrize("case", CHAINS, ids=str)
def test_the_hu_under_the_mask_are_the_drawn_ones(case, phantom_dir, generated_dir, tmp_path):
    (bundle, name), (transforms, overrides) = case, CHAINS[case]
    options = {"dataset_dir": str(phantom_dir), "generated_dir": str(generated_dir), **overrides}
    known = parsed(bundle, [name])
    options = {key: value for key, value in options.items() if key in known}
    if bundle == "segresnet_auto3dseg":
        options["generated_dir"] = None
    read = parsed(bundle, [name], **options).get_parsed_content(transforms)
    for number, pair in enumerate(PAIRS):
        if bundle == "segresnet_auto3dseg" and pair in ("no codes", "tilted sform, nominal pixdim"):
            continue  # other voxels than VOXELS, or turned: resampled, and tested with the transform itself
        (tmp_path / str(number)).mkdir()
        item = write_pair(tmp_path / str(number), pair)
        for step in read if isinstance(read, list) else [read]:
            item = step(item)
        image, label = torch.as_tensor(item["image"]).float(), torch.as_tensor(item["label"])
        assert image.shape == label.shape == (1, *SHAPE), pair
        values = image[label > 0] if image.max() > 1 else HUWindow(-1024, 600).inverse(image[label > 0])
        torch.testing.assert_close(values, torch.full_like(values, HU), atol=0.5, rtol=0, msg=pair)
        assert label.unique().tolist() == [0, 2], pair
