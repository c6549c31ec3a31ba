import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import Compose, LoadImaged

from common.metrics.memorisation import memorisation, shrink_pair
from common.runs.published.copy_filter import CopyFilter

SHAPE = (32, 32, 16)


@pytest.fixture
def cases(tmp_path):
    """Entries of twelve noisy volumes in [-1, 1] and their masks."""
    rng, entries = np.random.default_rng(0), []
    for i in range(12):
        volumes = {"image": rng.uniform(-1, 1, SHAPE).astype(np.float32), "label": (rng.random(SHAPE) > 0.9) * 1}
        entry = {"case_id": f"c{i}"}
        for key, volume in volumes.items():
            entry[key] = str(tmp_path / f"{key}_{i}.nii.gz")
            nib.save(nib.Nifti1Image(volume.astype(np.float32), np.eye(4)), entry[key])
        entries.append(entry)
    return entries


@pytest.fixture
def copy_filter(cases, tmp_path):
    """Function (**options) -> filter: eight training cases, four held out."""
    load = Compose([LoadImaged(["image", "label"], ensure_channel_first=True)])

    def build(**options):
        options = {"training": cases[:8], "held_out": cases[8:], "load": load, "recipe": {}, **options}
        return CopyFilter(options.pop("training"), options.pop("held_out"), folder=tmp_path / "real", **options)

    return build


def item(entry):
    return {key: torch.from_numpy(nib.load(entry[key]).get_fdata(dtype="float32"))[None] for key in ("image", "label")}


def vectors(entries):
    return np.stack([shrink_pair(item(entry), window=(-1, 1)) for entry in entries])


def test_a_copy_is_nearer_than_the_control_and_a_stranger_is_not(copy_filter, cases):
    found = copy_filter()
    distances = found.distances([item(cases[2]), item(cases[9])], window=(-1, 1))
    assert distances[0] == 0
    assert distances[0] < found.threshold <= distances[1]


def test_threshold_and_distances_are_those_of_the_memorisation_search(copy_filter, cases):
    found = copy_filter(quantile=0.25)
    expected = memorisation(vectors(cases[:8]), vectors(cases[8:10]), vectors(cases[8:]), quantile=0.25)
    assert found.threshold == pytest.approx(expected.threshold)
    distances = found.distances([item(case) for case in cases[8:10]], window=(-1, 1))
    np.testing.assert_allclose(distances, expected.distances)
    row = found.describe(distances)
    assert (row["n_train"], row["n_held_out"], row["quantile"]) == (8, 4, 0.25)
    assert row["median_distance"] == pytest.approx(np.median(expected.distances), abs=1e-6)
    assert row["smallest_held_out_distance"] == pytest.approx(expected.held_out_distances.min(), abs=1e-6)


def test_images_in_hu_are_compared_through_their_window(copy_filter, cases):
    copy = item(cases[0])
    copy["image"] = (copy["image"] + 1) / 2 * 1624 - 1024
    assert copy_filter().distances([copy], window=(-1024, 600))[0] == pytest.approx(0, abs=1e-3)


def test_cases_are_read_once_and_again_when_they_change(copy_filter, cases):
    threshold = copy_filter().threshold
    assert copy_filter(load=lambda entry: 1 / 0).threshold == threshold
    with pytest.raises(ZeroDivisionError):
        _ = copy_filter(load=lambda entry: 1 / 0, recipe={"spacing": 2}).threshold


def test_what_decides_the_threshold_decides_the_identity(copy_filter, cases):
    identities = {
        copy_filter().identity,
        copy_filter(quantile=0.1).identity,
        copy_filter(recipe={"spacing": 2}).identity,
        copy_filter(held_out=cases[9:]).identity,
        copy_filter(training=cases[:7]).identity,
        copy_filter(training=[{**case, "cropped": True} for case in cases[:8]]).identity,
    }
    assert len(identities) == 6
    assert copy_filter().identity in identities


def test_a_case_on_both_sides_is_refused(copy_filter, cases):
    with pytest.raises(ValueError, match="1 cases are in training and held-out at once, such as c7"):
        _ = copy_filter(held_out=cases[7:]).threshold
