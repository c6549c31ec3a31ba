"""What a segmentation training is given."""

import json

import pytest
import torch

from common.data.cases import BadCasesError
from common.data.leakage import LeakageError, check_initial_weights
from tests.common.data.pair_files import FOLDS, PROVENANCE, TESTING, entry, ids, mix_of, write


@pytest.mark.parametrize("fold", [0, 1, 2])
@pytest.mark.parametrize("fraction", [0.2, 1.0])
def test_training_validation_and_testing_share_no_case(datalist, generated_dir, fold, fraction):
    mix = mix_of(
        datalist, fold=fold, real_fraction=fraction, generated_dir=generated_dir, allow_leakage=True, seed=fold
    )
    assert not ids(mix.training) & set(mix.held_out)
    assert ids(mix.validation) == set(FOLDS[fold])
    assert not ids(mix.validation) & set(TESTING)


def test_generated_alone_validates_on_real_cases(datalist, generated_dir):
    mix = mix_of(datalist, fold=0, generated_dir=generated_dir, use_real=False)
    assert mix.counts == {"real": 0, "generated": 6, "validation": 3}
    assert ids(mix.validation, "real") == set(FOLDS[0])


def test_another_set_of_the_same_names_is_known(datalist, generated_dir):
    before = mix_of(datalist, fold=0, generated_dir=generated_dir).generated_sha256
    assert before == mix_of(datalist, fold=1, generated_dir=generated_dir, allow_leakage=True).generated_sha256
    path = generated_dir / "provenance.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seed": 77}))
    assert mix_of(datalist, fold=0, generated_dir=generated_dir).generated_sha256 != before
    assert mix_of(datalist, fold=0).generated_sha256 is None


def test_entries_have_equal_keys_so_that_batches_collate(datalist, generated_dir):
    mix = mix_of(datalist, fold=0, generated_dir=generated_dir)
    keys = {tuple(sorted(case)) for case in [*mix.training, *mix.validation]}
    assert keys == {("case_id", "centre", "cropped", "image", "label", "source", "source_case")}


def test_copies_made_by_augmentation_count_as_the_case_behind_them(datalist, generated_dir):
    content = json.loads(datalist.read_text())
    for case in content["training"]:
        case["source_case"], case["case_id"] = case["case_id"], f"{case['case_id']}__affine_0"
    write(datalist, content)
    mix = mix_of(datalist, fold=0, generated_dir=generated_dir)
    assert mix.held_out == sorted([*FOLDS[0], *TESTING])
    assert mix.describe()["case_ids"] == sorted([*FOLDS[1], *FOLDS[2]])
    with pytest.raises(LeakageError, match="a3"):
        mix_of(datalist, fold=1, generated_dir=generated_dir)


def test_description_is_plain_and_feeds_the_guard_of_initial_weights(datalist, generated_dir, tmp_path):
    mix = mix_of(datalist, fold=0, generated_dir=generated_dir, real_fraction=0.5)
    description = mix.describe()
    assert json.loads(json.dumps(description)) == description
    torch.save(description, tmp_path / "model.pt")
    assert torch.load(tmp_path / "model.pt", weights_only=True) == description
    assert description["case_ids"] == sorted(ids(mix.training, "real"))
    facts = description["generated"]
    assert facts["generator_case_ids"] == ["a3", "a4", "b2"]
    assert facts["generator_cases_beyond_real"] == len({"a3", "a4", "b2"} - ids(mix.training, "real"))
    other_fold = mix_of(datalist, fold=1)
    with pytest.raises(LeakageError, match="--fold"):
        check_initial_weights(description, path="model.pt", held_out=other_fold.held_out)
    assert check_initial_weights(description, path="model.pt", held_out=mix.held_out).leaked == ()


# options beside fold 0, message; `set` stands for the generated set
OPTIONS = [
    ({"real_fraction": 0}, r"real_fraction is 0, expected a share in \(0, 1\]"),
    ({"real_fraction": 1.5}, "real_fraction is 1.5"),
    ({"real_fraction": float("nan")}, "real_fraction is nan"),
    ({"real_fraction": 0.5, "real_count": 2}, "real_fraction is 0.5 and real_count 2, expected one of the two"),
    ({"real_count": 0}, "real_count is 0, expected at least 1"),
    ({"real_count": 7}, r"real_count is 7, but .*datalist.json has 6 good training cases: set --real_count lower"),
    ({"real_count": 4, "real_folds": [2]}, r"has 3 good training cases in the folds \[2\]"),
    ({"real_folds": [0, 1]}, r"fold 0 is to validate and stands in real_folds \[0, 1\]"),
    ({"real_folds": [7]}, r"folds \[7\] are not in the data list"),
    ({"generated_share": 0.25}, "generated_share is 0.25, but there is no generated_dir"),
    ({"generated_share": 1.25, "generated_dir": "set"}, "generated_share is 1.25, expected a share of each batch"),
    ({"generated_share": 0.5, "generated_share_end": -1, "generated_dir": "set"}, "generated_share_end is -1"),
    ({"generated_share_end": 0.0, "generated_dir": "set"}, "generated_share_end is 0.0, but there is no"),
    ({"generated_share": 0.5, "generated_dir": "set", "use_real": False}, "leave generated_share out"),
    ({"use_real": False}, "use_real is false and generated_dir null"),
    ({"generated_count": 3}, "generated_count is 3, but there is no generated_dir"),
    ({"generated_count": 0, "generated_dir": "set"}, "generated_count is 0, expected at least 1"),
    ({"generated_count": "every", "generated_dir": "set"}, "generated_count is every, expected at least 1, or all"),
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
        mix_of(datalist, **{"fold": 0, **named})


def test_missing_files_are_named(datalist, generated_dir):
    (generated_dir / "labels/generated_3.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 files that are missing, such as .*generated_3"):
        mix_of(datalist, fold=0, generated_dir=generated_dir)
    (datalist.parent / "images/a2.nii.gz").unlink()
    with pytest.raises(BadCasesError, match=r"1 of 9 cases cannot be used(.|\n)*a2 +missing file"):
        mix_of(datalist, fold=0)


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
    mix = mix_of(tmp_path / "real/datalist.json", fold=0, **options)
    assert ids(mix.training) == {*names[1:6:2], *names[6:]}
    assert mix.generated.empty_masks == 0
    with pytest.raises(LeakageError, match=f"1 of the 3 held-out cases .*: {names[1]}"):
        mix_of(tmp_path / "real/datalist.json", fold=1, **options)
