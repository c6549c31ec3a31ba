from collections import Counter

import nibabel as nib
import numpy as np
import pytest
import torch

from common.reader_study.blinding import blinded_pair, neutral_nifti, third
from common.reader_study.drawing import draw_cases
from common.reader_study.niivue import extract_module, niivue_module
from common.reader_study.store import Store
from common.reader_study.study import prepare_study

SETTINGS = {"answer": "score", "windows": {"whole": [-1024, 600]}}
SIZE = (6, 5, 9)


def entries(count, centres=("a",), prefix="case"):
    return [
        {"case_id": f"{prefix}{n}", "centre": centres[n % len(centres)], "image": f"{n}.nii", "label": f"{n}.nii"}
        for n in range(count)
    ]


def draw(*counts, seed=0, **options):
    return draw_cases(*counts, rng=np.random.default_rng(seed), **options)


def pair_of(entry):
    """A preprocessed pair whose voxels tell the case."""
    number = int(entry["case_id"].removeprefix("case").removeprefix("fake"))
    label = torch.zeros(1, *SIZE)
    label[..., 4] = 2
    return {"image": torch.full((1, *SIZE), float(number)), "label": label}


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


def test_five_and_five_by_default_each_once():
    cases = draw(entries(8), entries(9, prefix="fake"))
    assert Counter(case.source for case in cases) == {"real": 5, "generated": 5}
    assert len({case.entry["case_id"] for case in cases}) == 10


def test_the_order_follows_the_seed():
    cases = [draw(entries(8), entries(9), seed=seed) for seed in (0, 0, 1)]
    assert cases[0] == cases[1] != cases[2]


def test_sides_are_mixed():
    """Over many seeds each place is generated about half the time: 200 ± 4 standard deviations of 10."""
    seen = sum(
        np.array([case.source == "generated" for case in draw(entries(8), entries(9), seed=s)]) for s in range(400)
    )
    assert np.all(np.abs(seen - 200) < 40)


def test_real_cases_come_from_as_many_centres_as_there_are():
    real = [entry for n, centre in enumerate("aaaaaaaaaaaabcde") for entry in entries(1, (centre,), f"{n}_")]
    for seed in range(5):
        cases = draw(real, entries(5), seed=seed)
        assert {case.entry["centre"] for case in cases if case.source == "real"} == set("abcde")


@pytest.mark.parametrize("options", [{"n_real": 9}, {"n_generated": 0}, {"n_real": -1}])
def test_more_cases_than_there_are_are_refused(options):
    with pytest.raises(ValueError, match=r"set n_\w+ to 1 … 8"):
        draw(entries(8), entries(8), **options)


def test_neutral_files_differ_in_their_voxels_alone():
    files = [neutral_nifti(np.full(SIZE, value, np.int16), spacing=(1, 2, 3)) for value in (0, -1024)]
    assert len(files[0]) == len(files[1]) == 352 + 2 * 6 * 5 * 9
    assert files[0][:352] == files[1][:352]
    image = nib.Nifti1Image.from_bytes(files[0])
    np.testing.assert_allclose(image.affine @ [2.5, 2, 4, 1], [0, 0, 0, 1])  # the middle is the origin
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    assert image.header["descrip"] == b""


def test_values_are_rounded_to_whole_hu():
    pair = {"image": torch.full((1, *SIZE), -3.6), "label": torch.full((1, *SIZE), 0.9999)}
    image, mask = blinded_pair(pair, spacing=(1, 1, 1), layout="scroll", rng=np.random.default_rng(0))
    image, mask = nib.Nifti1Image.from_bytes(image), nib.Nifti1Image.from_bytes(mask)
    assert (image.get_data_dtype(), mask.get_data_dtype()) == (np.int16, np.uint8)
    assert (np.unique(image.dataobj), np.unique(mask.dataobj)) == ([-4], [1])


@pytest.mark.parametrize(("foreground", "allowed"), [([4], [3]), ([0, 8], [0, 6]), ([], [0, 3, 6]), ([9], [0, 3, 6])])
def test_a_third_is_drawn_from_those_with_foreground(foreground, allowed):
    """Ten slices: three thirds of three, the last slice is left over."""
    mask = np.zeros((2, 2, 10))
    mask[..., foreground] = 1
    parts = {(part.start, part.stop) for seed in range(30) for part in [third(mask, np.random.default_rng(seed))]}
    assert parts == {(start, start + 3) for start in allowed}


def test_thirds_of_two_slices_are_refused():
    with pytest.raises(ValueError, match="layout to scroll"):
        third(np.zeros((2, 2, 2)), np.random.default_rng(0))


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="expected scroll or thirds"):
        blinded_pair(pair_of(entries(1)[0]), spacing=(1, 1, 1), layout="halves", rng=np.random.default_rng(0))


def test_a_prepared_study_holds_the_cases_in_order(tmp_path):
    path = prepare(tmp_path / "study.sqlite", seed=3)
    for place, (_, case_id) in enumerate(order(path)):
        assert np.unique(load(path, place).dataobj) == [int(case_id[4:])]
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


def test_niivue_comes_from_the_installed_wheel():
    module = niivue_module()
    assert len(module) > 1_000_000
    assert "export{" in module[-2000:]
    for name in ("Niivue", "SLICE_TYPE"):  # what viewer.js imports
        assert name in module[-2000:]


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_the_module_is_found_by_what_it_exports(quote):
    other, wanted = "%20" * 50000, "x" * 100000 + "%3Bexport%7BA%20as%20Niivue%7D%3B"
    widget = f"var a={quote}{other}{quote},b={quote}{wanted}{quote};export{{a as default}}"
    assert extract_module(widget).endswith(";export{A as Niivue};")


def test_a_wheel_without_the_module_says_which_to_take():
    with pytest.raises(RuntimeError, match="pip install ipyniivue=="):
        extract_module("export{a as default}")
