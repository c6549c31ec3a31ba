import nibabel as nib
import numpy as np
import pytest
import torch

from common.reader_study.store import Store
from common.reader_study.study import prepare_study

SETTINGS = {"answer": "score", "windows": {"whole": [-1024, 600]}}
SIZE = (6, 5, 9)


def entries(count, centres=("a",), prefix="case"):
    return [
        {"case_id": f"{prefix}{n}", "centre": centres[n % len(centres)], "image": f"{n}.nii", "label": f"{n}.nii"}
        for n in range(count)
    ]


def pair_of(entry):
    """A preprocessed pair whose voxels tell the case: 20 HU for each number, beside 6 HU of noise."""
    number = int(entry["case_id"].removeprefix("case").removeprefix("fake"))
    label = torch.zeros(1, *SIZE)
    label[..., 4] = 2
    return {"image": torch.full((1, *SIZE), 20.0 * number), "label": label}


def prepare(path, **options):
    defaults = {
        "settings": SETTINGS,
        "real": entries(8),
        "generated": entries(9, prefix="fake"),
        "preprocessing": {"real": pair_of, "generated": pair_of},
        "spacing": (1, 1, 2),
    }
    return prepare_study(path, **{**defaults, **options})


def order(path):
    with Store(path) as store:
        return [(item.source, item.case_id) for item in store.items()]


def load(path, place=0, part="image"):
    with Store(path) as store:
        return nib.Nifti1Image.from_bytes(store.volume(getattr(store.items()[place], part)))


def test_a_prepared_study_holds_the_cases_in_order(tmp_path):
    path = prepare(tmp_path / "study.sqlite", seed=3)
    for place, (_, case_id) in enumerate(order(path)):
        assert round(np.mean(load(path, place).dataobj) / 20) == int(case_id[4:])
    assert np.unique(load(path, 0, "mask").dataobj).tolist() == [0, 2]
    assert [file.name for file in tmp_path.iterdir() if "study.sqlite" in file.name] == ["study.sqlite"]


def test_the_same_seed_prepares_the_same_order_and_none_another(tmp_path):
    paths = [prepare(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", None), ("d", None))]
    orders = [order(path) for path in paths]
    assert orders[0] == orders[1]
    assert orders[2] != orders[3]


def test_the_same_command_goes_on(tmp_path):
    path = prepare(tmp_path / "study.sqlite")
    with Store(path) as store:
        store.add_reader("A")
    before = order(path)
    prepare(path, preprocessing={})  # nothing is read again
    assert order(path) == before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"settings": {**SETTINGS, "answer": "real_fake"}}, "answer"),
        ({"seed": 2}, "seed"),
        ({"layout": "thirds"}, "layout"),
    ],
)
def test_another_study_is_not_overwritten(tmp_path, options, named):
    path = prepare(tmp_path / "study.sqlite", seed=1)
    with pytest.raises(ValueError, match=f"(?s)other settings:\n  {named}: found .*another --output_dir"):
        prepare(path, **{"seed": 1, **options})


def test_thirds_are_a_third_of_every_volume(tmp_path):
    path = prepare(tmp_path / "study.sqlite", layout="thirds")
    assert {load(path, place).shape for place in range(10)} == {(6, 5, 3)}


def test_a_case_that_fails_is_named_and_leaves_nothing(tmp_path):
    def fail(entry):
        raise RuntimeError("too small")

    with pytest.raises(ValueError, match=r"generated case fake\d .* cannot be shown: too small"):
        prepare(tmp_path / "study.sqlite", preprocessing={"real": pair_of, "generated": fail})
    assert not list(tmp_path.iterdir())


def test_volumes_of_another_size_are_refused(tmp_path):
    def larger(entry):
        return {"image": torch.zeros(1, 7, 5, 9), "label": torch.zeros(1, 7, 5, 9)}

    with pytest.raises(ValueError, match="2 different shapes"):
        prepare(tmp_path / "study.sqlite", preprocessing={"real": pair_of, "generated": larger})
