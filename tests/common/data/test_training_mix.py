"""What a segmentation training is given."""

import itertools
import json
from collections import Counter

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.cases import BadCasesError
from common.data.leakage import LeakageError, check_initial_weights
from common.data.training_mix import nested_order, training_mix

SHAPE = (8, 8, 16)
PROVENANCE = {
    "bundle": {},
    "checkpoint": {},
    "seed": 0,
    "cases": [],
    "training": {"case_ids": ["a3", "a4", "b2"]},
    "hu_window": [-1024, 600],
    "spacing": [2, 2, 2],
    "postprocessing": {},
}
# case ids by fold; centre is the first letter
FOLDS = {0: ["a0", "a1", "b0"], 1: ["a2", "a3", "b1"], 2: ["a4", "a5", "b2"]}
TESTING = ["t0", "t1"]


def save_pair(folder, case_id, *, image=None, label=None, affine=None, key="image"):
    """Half air, half soft tissue, and a lesion of one voxel."""
    affine = np.diag([2.0, 2, 2, 1]) if affine is None else affine
    if image is None:
        image = np.full(SHAPE, -1000, np.int16)
        image[4:] = 40
    if label is None:
        label = np.zeros(SHAPE, np.uint8)
        label[5, 4, 8] = 1
    for name, array in (("images", image), ("labels", label)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, affine), folder / name / f"{case_id}.nii.gz")


def entry(case_id, **more):
    return {
        "case_id": case_id,
        "image": f"images/{case_id}.nii.gz",
        "label": f"labels/{case_id}.nii.gz",
        "centre": case_id[0],
        "patient": case_id,
        **more,
    }


def write(path, content):
    path.write_text(json.dumps(content))


@pytest.fixture
def datalist(tmp_path):
    """Nine cases of two centres in three folds, two for testing."""
    folder = tmp_path / "real"
    for case_id in [*itertools.chain(*FOLDS.values()), *TESTING]:
        save_pair(folder, case_id)
    training = [entry(case_id, fold=fold) for fold, ids in FOLDS.items() for case_id in ids]
    write(folder / "datalist.json", {"training": training, "testing": [entry(case_id) for case_id in TESTING]})
    return folder / "datalist.json"


@pytest.fixture
def generated_dir(tmp_path):
    """Eight pairs of a generator that was trained on folds 1 and 2."""
    folder = tmp_path / "hagan"
    entries = [entry(f"generated_{number}", centre="generated", fold=0) for number in range(8)]
    for case in entries:
        save_pair(folder, case["case_id"])
    write(folder / "dataset.json", {"training": entries, "testing": []})
    write(folder / "provenance.json", PROVENANCE)
    return folder


def ids(entries, source=None):
    return {case["case_id"] for case in entries if source in (None, case["source"])}


def test_real_cases_alone(datalist):
    mix = training_mix(datalist, fold=0)
    assert ids(mix.training) == {*FOLDS[1], *FOLDS[2]}
    assert ids(mix.validation) == set(FOLDS[0])
    assert mix.held_out == sorted([*FOLDS[0], *TESTING])
    assert mix.counts == {"real": 6, "generated": 0, "validation": 3}
    assert {case["source"] for case in [*mix.training, *mix.validation]} == {"real"}
    assert mix.training[0]["image"].startswith(str(datalist.parent.resolve()))
    assert mix.stamp is None


def test_without_a_fold_all_train_and_none_validate(datalist):
    mix = training_mix(datalist, fold="all")
    assert (len(mix.training), mix.validation, mix.held_out) == (9, [], TESTING)
    assert mix.describe()["validation"] == "none: the last epoch is the model"


@pytest.mark.parametrize("fold", [0, 1, 2])
@pytest.mark.parametrize("fraction", [0.2, 1.0])
def test_training_validation_and_testing_share_no_case(datalist, generated_dir, fold, fraction):
    mix = training_mix(
        datalist, fold=fold, real_fraction=fraction, generated_dir=generated_dir, allow_leakage=True, seed=fold
    )
    assert not ids(mix.training) & set(mix.held_out)
    assert ids(mix.validation) == set(FOLDS[fold])
    assert not ids(mix.validation) & set(TESTING)


def test_as_many_generated_as_real_cases_by_default(datalist, generated_dir):
    mix = training_mix(datalist, fold=0, generated_dir=generated_dir)
    assert mix.counts == {"real": 6, "generated": 6, "validation": 3}
    half = training_mix(datalist, fold=0, generated_dir=generated_dir, real_fraction=0.5)
    assert half.counts == {"real": 3, "generated": 3, "validation": 3}


def test_generated_alone_validates_on_real_cases(datalist, generated_dir):
    mix = training_mix(datalist, fold=0, generated_dir=generated_dir, use_real=False)
    assert mix.counts == {"real": 0, "generated": 6, "validation": 3}
    assert ids(mix.validation, "real") == set(FOLDS[0])


def test_entries_have_equal_keys_so_that_batches_collate(datalist, generated_dir):
    mix = training_mix(datalist, fold=0, generated_dir=generated_dir)
    keys = {tuple(sorted(case)) for case in [*mix.training, *mix.validation]}
    assert keys == {("case_id", "centre", "image", "label", "source", "source_case")}


def test_copies_made_by_augmentation_count_as_the_case_behind_them(datalist, generated_dir):
    content = json.loads(datalist.read_text())
    for case in content["training"]:
        case["source_case"], case["case_id"] = case["case_id"], f"{case['case_id']}__affine_0"
    write(datalist, content)
    mix = training_mix(datalist, fold=0, generated_dir=generated_dir)
    assert mix.held_out == sorted([*FOLDS[0], *TESTING])
    assert mix.describe()["case_ids"] == sorted([*FOLDS[1], *FOLDS[2]])
    with pytest.raises(LeakageError, match="a3"):
        training_mix(datalist, fold=1, generated_dir=generated_dir)


def test_generated_cases_are_nested_and_seeded(datalist, generated_dir):
    def drawn(count, seed):
        mix = training_mix(datalist, fold=0, generated_dir=generated_dir, generated_count=count, seed=seed)
        return ids(mix.training, "generated")

    small, large = drawn(2, 0), drawn(5, 0)
    assert (len(small), len(large)) == (2, 5)
    assert small < large == drawn(5, 0)
    assert len({frozenset(drawn(2, seed)) for seed in range(6)}) > 1


# fraction of the six real training cases of fold 0, cases kept
FRACTIONS = [(0.01, 1), (0.1, 1), (0.25, 2), (0.5, 3), (1, 6)]


def test_real_subsets_are_nested_and_seeded(datalist):
    subsets = [ids(training_mix(datalist, fold=0, real_fraction=fraction).training) for fraction, _ in FRACTIONS]
    assert [len(subset) for subset in subsets] == [count for _, count in FRACTIONS]
    assert all(small <= large for small, large in itertools.pairwise(subsets))
    others = [frozenset(ids(training_mix(datalist, fold=0, real_fraction=0.5, seed=s).training)) for s in range(6)]
    assert len(set(others)) > 1


# cases of each centre
CENTRES = [{"A": 90, **{f"s{i}": 1 for i in range(10)}}, {"A": 56, "B": 18, "C": 72, "D": 55, "E": 201}, {"A": 7}]


@pytest.mark.parametrize("sizes", CENTRES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_beginning_holds_each_centre_in_proportion(sizes, seed):
    entries = [{"case_id": f"{c}{i}", "centre": c} for c, size in sizes.items() for i in range(size)]
    order = nested_order(entries, seed=seed)
    assert sorted(case["case_id"] for case in order) == sorted(case["case_id"] for case in entries)
    assert nested_order(entries[::-1], seed=seed) == order
    taken = Counter()
    for step, case in enumerate(order, start=1):
        taken[case["centre"]] += 1
        assert all(abs(taken[c] - step * size / len(entries)) < 1 for c, size in sizes.items())


def test_which_of_equal_centres_comes_first_is_drawn():
    entries = [{"case_id": c, "centre": c} for c in "abcdef"]
    assert len({nested_order(entries, seed=seed)[0]["centre"] for seed in range(20)}) > 2


def test_description_is_plain_and_feeds_the_guard_of_initial_weights(datalist, generated_dir, tmp_path):
    mix = training_mix(datalist, fold=0, generated_dir=generated_dir, real_fraction=0.5)
    description = mix.describe()
    assert json.loads(json.dumps(description)) == description
    torch.save(description, tmp_path / "model.pt")
    assert torch.load(tmp_path / "model.pt", weights_only=True) == description
    assert description["case_ids"] == sorted(ids(mix.training, "real"))
    facts = description["generated"]
    assert facts["generator_case_ids"] == ["a3", "a4", "b2"]
    assert facts["generator_cases_beyond_real"] == len({"a3", "a4", "b2"} - ids(mix.training, "real"))
    other_fold = training_mix(datalist, fold=1)
    with pytest.raises(LeakageError, match="--fold"):
        check_initial_weights(description, path="model.pt", held_out=other_fold.held_out)
    assert check_initial_weights(description, path="model.pt", held_out=mix.held_out).leaked == ()


def test_leakage_is_refused_or_stamped(datalist, generated_dir):
    with pytest.raises(LeakageError, match=r"trained on 2 of the 5 held-out cases .*: a4, b2\. .*--folds"):
        training_mix(datalist, fold=2, generated_dir=generated_dir)
    mix = training_mix(datalist, fold=2, generated_dir=generated_dir, allow_leakage=True)
    assert (
        mix.stamp
        == mix.describe()["leakage"]
        == "LEAKAGE: the generator of hagan was trained on 2 of the 5 " + ("held-out cases")
    )
    assert mix.describe()["generated"]["leaked"] == ["a4", "b2"]


def test_a_final_model_may_use_a_generator_of_all_folds_but_not_of_test_cases(datalist, generated_dir):
    assert training_mix(datalist, fold=None, generated_dir=generated_dir, generated_count=4).stamp is None
    write(generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": ["a0", "t1"]}})
    with pytest.raises(LeakageError, match=r"1 of the 2 held-out cases .*: t1"):
        training_mix(datalist, fold=None, generated_dir=generated_dir, generated_count=4)


def test_a_set_without_provenance_must_be_declared(datalist, generated_dir):
    (generated_dir / "provenance.json").unlink()
    with pytest.raises(LeakageError, match="--declared True"):
        training_mix(datalist, fold=0, generated_dir=generated_dir)
    facts = training_mix(datalist, fold=0, generated_dir=generated_dir, declared=True).describe()["generated"]
    assert (facts["provenance"], facts["generator_case_ids"]) == ("declared", None)


def test_the_real_list_is_no_generated_set(datalist):
    (datalist.parent / "dataset.json").write_text(datalist.read_text())
    with pytest.raises(LeakageError, match="holds 9 cases of the real data list, such as a0"):
        training_mix(datalist, fold=0, generated_dir=datalist.parent, declared=True)


# options beside fold 0, message; `set` stands for the generated set
OPTIONS = [
    ({"real_fraction": 0}, r"real_fraction is 0, expected a share in \(0, 1\]"),
    ({"real_fraction": 1.5}, "real_fraction is 1.5"),
    ({"real_fraction": float("nan")}, "real_fraction is nan"),
    ({"use_real": False}, "use_real is false and generated_dir null"),
    ({"generated_count": 3}, "generated_count is 3, but there is no generated_dir"),
    ({"generated_count": 0, "generated_dir": "set"}, "generated_count is 0, expected at least 1"),
    ({"generated_count": 9, "generated_dir": "set"}, "has 8 good cases, 9 are asked for: .*--num_samples 9"),
    ({"fold": 7}, r"folds \[7\] are not in the data list, which has the folds \[0, 1, 2\]"),
    ({"fold": "testing"}, "fold is 'testing', expected the number of the validation fold"),
    ({"on_bad_case": "ignore"}, "expected error or skip"),
    ({"spacing": [20, 20, 20], "generated_dir": "set"}, r"voxels of \[2.0, 2.0, 2.0\] mm, more than 6 times off"),
    ({"spacing": [2, 2, 0.3], "generated_dir": "set"}, r"segmenter's \[2.0, 2.0, 0.3\]: set --spacing"),
    ({"hu_window": [-1024, 4000], "generated_dir": "set"}, r"HU window \[-1024, 600\], which covers 32% of"),
    ({"hu_window": [700, 2000], "generated_dir": "set"}, r"covers 0% of the segmenter's \[700, 2000\]"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_bad_options_are_refused(datalist, generated_dir, options, message):
    named = {key: str(generated_dir) if value == "set" else value for key, value in options.items()}
    with pytest.raises(ValueError, match=message):
        training_mix(datalist, **{"fold": 0, **named})


def image(values):
    return np.resize(np.array(values, np.float32), SHAPE)


LPS = np.diag([-2.0, -2, 2, 1])
# what is saved in place of the eight generated pairs, message
MISFITS = [
    ({"affine": LPS}, "orientation LPS, expected RAS"),
    ({"affine": np.diag([2.0, 2, 14, 1])}, r"voxels of \[2.0, 2.0, 14.0\] mm, more than 6 times"),
    ({"image": image([-1, 0, 1])}, r"holds values -1 to 1, .*segmenter's window \[-1024, 600\] HU"),
    ({"image": image([0, 128, 255])}, "holds values 0 to 255, .*expected Hounsfield units"),
    ({"image": image([-1000, 5000, 9000])}, "holds values -1000 to 9000, 33% of them near"),
]


@pytest.mark.parametrize(("pair", "message"), MISFITS)
def test_a_set_that_does_not_fit_the_segmenter_is_refused(datalist, generated_dir, pair, message):
    for number in range(8):
        save_pair(generated_dir, f"generated_{number}", **pair)
    with pytest.raises(ValueError, match=message):
        training_mix(datalist, fold=0, generated_dir=generated_dir)


def test_images_without_masks_are_refused(datalist, generated_dir):
    content = json.loads((generated_dir / "dataset.json").read_text())
    for case in content["training"]:
        del case["label"]
    write(generated_dir / "dataset.json", content)
    with pytest.raises(ValueError, match=r"images without masks.*GAN of pairs"):
        training_mix(datalist, fold=0, generated_dir=generated_dir)


def test_masks_of_one_foreground_do_not_train_a_segmenter_of_two(datalist, generated_dir):
    content = json.loads((generated_dir / "dataset.json").read_text())
    write(generated_dir / "dataset.json", content | {"labels": {"0": "background", "1": "lesion"}})
    with pytest.raises(ValueError, match=r"one foreground, .* labels \[0, 1, 2\]: train with --binary_mask True"):
        training_mix(datalist, fold=0, generated_dir=generated_dir, binary_mask=False)
    assert training_mix(datalist, fold=0, generated_dir=generated_dir).counts["generated"] == 6


def test_missing_files_are_named(datalist, generated_dir):
    (generated_dir / "labels/generated_3.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 files that are missing, such as .*generated_3"):
        training_mix(datalist, fold=0, generated_dir=generated_dir)
    (datalist.parent / "images/a2.nii.gz").unlink()
    with pytest.raises(BadCasesError, match=r"1 of 9 cases cannot be used(.|\n)*a2 +missing file"):
        training_mix(datalist, fold=0)


def test_a_fold_without_good_cases_is_refused(datalist):
    for case_id in FOLDS[1]:
        (datalist.parent / f"images/{case_id}.nii.gz").unlink()
    with pytest.raises(ValueError, match=r"6 good training cases beside fold 1 and 0 in it.*--fold all"):
        training_mix(datalist, fold=1, on_bad_case="skip")


def test_bad_generated_cases_stop_or_are_replaced(datalist, generated_dir, tmp_path):
    wrong = np.full(SHAPE, 7, np.uint8)
    save_pair(generated_dir, "generated_3", label=wrong)
    options = {"fold": 0, "generated_dir": generated_dir, "generated_count": 7}
    for seed in range(8):  # whichever the seeded order leaves out
        mix = training_mix(datalist, **options, on_bad_case="skip", seed=seed, record=tmp_path / "left_out.json")
        assert len(ids(mix.training, "generated") - {"generated_3"}) == 7
    few = training_mix(datalist, **(options | {"generated_count": 3}), on_bad_case="skip", seed=0)
    every = training_mix(datalist, **options, on_bad_case="skip", seed=0)
    assert few.counts["generated"] == 3
    assert ids(few.training, "generated") < ids(every.training, "generated")
    left_out = json.loads((tmp_path / "left_out_generated.json").read_text())
    assert [(problem["case_id"], problem["found"]) for problem in left_out] == [("generated_3", "7")]
    with pytest.raises(BadCasesError, match=r"unknown label values +7 +only \[0, 1, 2\](.|\n)*--on_bad_case skip"):
        training_mix(datalist, **(options | {"generated_count": 8}))
    with pytest.raises(ValueError, match="has 7 good cases, 8 are asked for"):
        training_mix(datalist, **(options | {"generated_count": 8}), on_bad_case="skip")


def test_empty_generated_masks_are_kept_and_counted(datalist, generated_dir, caplog):
    for number in (1, 2, 5):
        save_pair(generated_dir, f"generated_{number}", label=np.zeros(SHAPE, np.uint8))
    mix = training_mix(datalist, fold=0, generated_dir=generated_dir, generated_count=8)
    assert (mix.empty_masks, mix.counts["generated"]) == (3, 8)
    assert mix.describe()["generated"]["empty_masks"] == 3
    assert "3 of 8 generated cases have an empty mask" in caplog.text


@pytest.mark.openkbp
def test_real_pairs_pass_as_real_and_as_generated(openkbp_dir, tmp_path):
    names = sorted(path.name.removesuffix(".nii.gz") for path in (openkbp_dir / "images").glob("*.nii.gz"))[:9]
    for folder, ids_of in {"real": names[:6], "hagan": names[6:]}.items():
        (tmp_path / folder).mkdir()
        for kind in ("images", "labels"):
            (tmp_path / folder / kind).symlink_to(openkbp_dir / kind)
        entries = [entry(case_id, fold=number % 2) for number, case_id in enumerate(ids_of)]
        for name in ("datalist.json", "dataset.json"):
            write(tmp_path / folder / name, {"training": entries, "testing": []})
    write(tmp_path / "hagan/provenance.json", PROVENANCE | {"training": {"case_ids": [names[1]]}})
    options = {"generated_dir": tmp_path / "hagan", "spacing": [3, 3, 3], "hu_window": [-1024, 600]}
    mix = training_mix(tmp_path / "real/datalist.json", fold=0, **options)
    assert ids(mix.training) == {*names[1:6:2], *names[6:]}
    assert mix.empty_masks == 0
    with pytest.raises(LeakageError, match=f"1 of the 3 held-out cases .*: {names[1]}"):
        training_mix(tmp_path / "real/datalist.json", fold=1, **options)
