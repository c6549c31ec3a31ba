import json
import random
from collections import Counter
from pathlib import Path

import pytest

from common.data.case import Case
from common.data.datalist import (
    datalist_hash,
    first_labels,
    label_names,
    make_datalist,
    read_datalist,
    select_cases,
    write_datalist,
)
from common.data.split import TEST, split_cases

HECKTOR = {"MDA": 198, "CHUP": 72, "CHUS": 72, "CHUM": 56, "HGJ": 55, "CHUV": 53, "HMR": 18}  # thesis table 3.1


def case(name, centre="A", patient=None):
    return Case(name, Path(f"images/{name}.nii.gz"), Path(f"labels/{name}.nii.gz"), centre, patient)


def hecktor():
    return [case(f"{centre}-{i:03d}", centre) for centre, count in HECKTOR.items() for i in range(count)]


def test_hecktor_is_split_as_in_the_thesis():
    fold_of = split_cases(hecktor())
    counts = Counter(fold_of.values())
    assert counts[TEST] == 105
    assert sorted((counts[fold] for fold in range(5)), reverse=True) == [84, 84, 84, 84, 83]


def test_every_centre_is_spread_evenly():
    fold_of = split_cases(hecktor())
    for centre, count in HECKTOR.items():
        folds = Counter(fold for name, fold in fold_of.items() if name.startswith(centre))
        assert abs(folds[TEST] - 0.2 * count) < 1
        assert max(folds[f] for f in range(5)) - min(folds[f] for f in range(5)) <= 1


def test_split_depends_on_the_seed_and_not_on_the_order():
    cases = hecktor()
    shuffled = random.Random(0).sample(cases, len(cases))
    assert split_cases(cases, seed=3) == split_cases(shuffled, seed=3)
    assert split_cases(cases, seed=3) != split_cases(cases, seed=4)


def test_cases_of_a_patient_stay_together():
    cases = [case(f"p{i // 3}_{i % 3}", "AB"[i % 2], patient=f"p{i // 3}") for i in range(60)]
    fold_of = split_cases(cases)
    for i in range(20):
        assert len({fold_of[f"p{i}_{k}"] for k in range(3)}) == 1


def test_a_patient_of_two_spellings_stays_together():
    cases = [case(f"c{n}", patient=f"{'pP'[n % 2]}{n // 2}") for n in range(20)]
    for seed in range(5):
        fold = split_cases(cases, folds=3, seed=seed)
        assert all(fold[f"c{n}"] == fold[f"c{n + 1}"] for n in range(0, 20, 2)) and len(set(fold.values())) == 4


def test_too_few_patients_is_an_error():
    with pytest.raises(ValueError, match="4 patients cannot be split into 1 for testing and 5 folds"):
        split_cases([case(str(i)) for i in range(4)])


@pytest.mark.parametrize("fraction", [-0.2, 1, 1.5])
def test_an_impossible_fraction_is_an_error(fraction):
    with pytest.raises(ValueError, match=f"test_fraction is {fraction}, expected 0 up to"):
        split_cases([case(str(i)) for i in range(40)], test_fraction=fraction)


def test_fractions_are_not_rounded_up_by_floating_point():
    assert 0.07 * 100 > 7
    assert Counter(split_cases([case(str(i)) for i in range(100)], test_fraction=0.07).values())[TEST] == 7


@pytest.fixture
def datalist():
    return make_datalist([case(f"c{i:02d}") for i in range(20)], folds=4)


def test_a_list_comes_back_from_its_file(datalist, tmp_path):
    write_datalist(datalist, tmp_path / "datalist.json")
    assert read_datalist(tmp_path / "datalist.json") == datalist
    assert len(datalist["testing"]) == 4
    assert set(datalist["training"][0]) == {"case_id", "image", "label", "centre", "patient", "fold"}


@pytest.mark.parametrize("folds,count", [(None, 16), ("all", 16), (1, 4), ([0, 2], 8), ("testing", 4)])
def test_folds_select_their_cases(datalist, tmp_path, folds, count):
    chosen = select_cases(datalist, folds=folds, dataset_dir=tmp_path)
    assert len(chosen) == count
    assert chosen[0]["image"] == str(tmp_path / "images" / f"{chosen[0]['case_id']}.nii.gz")
    testing = {entry["case_id"] for entry in datalist["testing"]}
    assert {entry["case_id"] in testing for entry in chosen} == {folds == "testing"}


def test_an_unknown_fold_is_named(datalist, tmp_path):
    with pytest.raises(ValueError, match=r"folds \[7\] are not in the data list, which has the folds \[0, 1, 2, 3\]"):
        select_cases(datalist, folds=[0, 7], dataset_dir=tmp_path)
    with pytest.raises(ValueError, match=r"folds \[\] select no case"):
        select_cases(datalist, folds=[], dataset_dir=tmp_path)
    with pytest.raises(
        ValueError, match="folds is 'train', expected all, testing, everything, a fold or a list of folds"
    ):
        select_cases(datalist, folds="train", dataset_dir=tmp_path)


def test_hash_sees_cases_and_folds_and_nothing_else(datalist):
    other = json.loads(json.dumps(datalist))
    other["training"].reverse()
    other["name"] = "another"
    assert datalist_hash(other) == datalist_hash(datalist)
    other["training"][0]["fold"] = (other["training"][0]["fold"] + 1) % 4
    assert datalist_hash(other) != datalist_hash(datalist)


def test_bad_lists_are_explained(datalist, tmp_path):
    path = tmp_path / "datalist.json"
    with pytest.raises(FileNotFoundError, match=r"no data list at .*python -m common\.data prepare"):
        read_datalist(path)

    def read(change):
        bad = json.loads(json.dumps(datalist))
        change(bad)
        path.write_text(json.dumps(bad))
        return read_datalist(path)

    with pytest.raises(ValueError, match="has no list 'training'"):
        read(lambda bad: bad.pop("training"))
    with pytest.raises(ValueError, match=r"entry c\d\d lacks \['label'\]"):
        read(lambda bad: bad["training"][0].pop("label"))
    with pytest.raises(ValueError, match=r"case ids \['c\d\d'\] stand twice"):
        read(lambda bad: bad["training"].append(bad["training"][0]))
    with pytest.raises(ValueError, match=r"patients \['c\d\d'\] are in several folds or in training and testing"):
        read(lambda bad: bad["testing"][0].update(patient=bad["training"][0]["patient"]))
    with pytest.raises(ValueError, match=r"'testing' is None, expected a list"):
        read(lambda bad: bad.update(testing=None))
    with pytest.raises(ValueError, match=r"entry 16 is 'images/a.nii.gz', expected"):
        read(lambda bad: bad.update(testing=["images/a.nii.gz"]))  # the form of MSD's own lists
    path.write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        read_datalist(path)


def test_names_of_labels_follow_their_numbers_and_join_when_binary():
    names = {"2": "lymph node", "0": "background", "1": "tumour"}
    assert list(label_names(names).items()) == [("0", "background"), ("1", "tumour"), ("2", "lymph node")]
    assert label_names(names, binary=True) == {"0": "background", "1": "tumour or lymph node"}


def entry(**change):
    return {"case_id": "a", "image": "images/a.nii.gz", "label": "labels/a.nii.gz", "centre": "A", **change}


def read_list(folder, *training, **more):
    path = folder / "list.json"
    path.write_text(json.dumps({"training": list(training), **more}))
    return read_datalist(path)


def test_numbers_become_names_and_no_centre_is_unknown(tmp_path):
    listed = read_list(tmp_path, entry(case_id=7, patient=12, centre=None, fold=1.0))["training"]
    listed += read_list(tmp_path, {"case_id": 8.0, "image": "b.nii", "label": "c.nii", "patient": None})["training"]
    assert listed == [
        entry(case_id="7", patient="12", centre="unknown", fold=1),
        {"case_id": "8", "image": "b.nii", "label": "c.nii", "centre": "unknown"},
    ]
    assert isinstance(listed[0]["fold"], int)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fold:": 1}, r"list\.json: entry a has the key 'fold:', expected 'fold': rename it"),
        ({"Patient": 1}, "has the key 'Patient', expected 'patient'"),
        ({"fold": 1.5}, "entry a has fold 1.5, expected a fold, a whole number: write"),
        ({"fold": "1"}, "has fold '1', expected a fold"),
        ({"fold": True}, "has fold True, expected a fold"),
        ({"fold": None}, "has fold None, expected a fold"),
        ({"centre": ["A"]}, r"has centre \['A'\], expected text or a number: write a name in quotes"),
        ({"case_id": True}, "has case_id True, expected text"),
        ({"case_id": " "}, "has case_id ' ', expected text"),
        ({"case_id": float("nan")}, "has case_id nan, expected text"),
        (
            {"case_id": "../../x"},
            r"entry \.\./\.\./x has case_id '\.\./\.\./x', expected the name of a file: .*another id",
        ),
        ({"case_id": "/etc/x"}, "has case_id '/etc/x', expected the name of a file"),
        ({"case_id": "a\\b"}, "expected the name of a file"),
        ({"case_id": "a\n"}, None),  # spaces around a name are no part of it
        ({"case_id": "a\nb"}, "expected the name of a file"),
        ({"case_id": "a\0b"}, "expected the name of a file"),
        ({"case_id": ".."}, r"has case_id '\.\.', expected the name of a file"),
        ({"case_id": ".hidden"}, "expected the name of a file"),
        ({"case_id": "é" * 101}, "expected the name of a file: .* at most 200 bytes"),
        ({"fold": -1}, "has fold -1, expected a fold"),
        ({"image": " "}, "has image ' ', expected one path as text"),
        ({"image": "./labels/a.nii.gz"}, "as image and as label, expected two files"),
        ({"cropped": "false"}, "entry a has cropped 'false', expected true or false, without quotes"),
        ({"generated": "false"}, "entry a has generated 'false', expected true or false"),
        ({"generated": True}, "1 entries are generated, such as a, and the list has no generator_case_ids"),
        ({"source_case": ["b"]}, r"has source_case \['b'\], expected text"),
        ({"case_id": None}, r"entry 0 lacks \['case_id'\], .*: give each entry a case_id of its own"),
        ({"label": None}, r"entry a lacks \['label'\], .*take the entry out; .*--images FOLDER"),
        ({"image": ["a.nii", "b.nii"]}, r"has image \['a.nii', 'b.nii'\], expected one path as text"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(change, message, tmp_path):
    given = {key: value for key, value in entry(**change).items() if key != "case_id" or value is not None}
    if message is None:
        assert read_list(tmp_path, given)["training"] == [entry()]
        return
    with pytest.raises(ValueError, match=message):
        read_list(tmp_path, given)


def test_a_centre_of_another_spelling_is_named(tmp_path):
    given = entry(center="A")
    del given["centre"]
    with pytest.raises(ValueError, match="has the key 'center', expected 'centre'"):
        read_list(tmp_path, given)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"0": "background", "255": "tumour"}, {"0": "background", "255": "tumour"}),
        ({"background": 0, "tumour": 1, "lymph node": 5}, {"0": "background", "1": "tumour", "5": "lymph node"}),
        ({"background": "0", "tumour": "1"}, {"0": "background", "1": "tumour"}),  # as some tools write it
        (["background", "tumour"], {"0": "background", "1": "tumour"}),
        ({"7": "larynx"}, {"0": "background", "7": "larynx"}),
        ({"0": "no label", "1": "tumour"}, {"0": "no label", "1": "tumour"}),
    ],
)
def test_labels_are_understood_by_value_by_name_and_as_a_list(labels, expected, tmp_path):
    assert read_list(tmp_path, entry(), labels=labels)["labels"] == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"background": 0, "lesion": [1, 2], "node": 2}, r"'lesion' is a region of the values \[1, 2\].*--binary_mask"),
        (
            {"background": 0, "tumour": 1, "ignore": 2},
            "label 'ignore' has the value 2, expected labels that are learned",
        ),
        ({"background": 0, "tumour": 1.5}, "label 'tumour' has the value 1.5, expected"),
        ({"background": 0, "tumour": -1}, "label 'tumour' has the value -1, expected"),
        ({"background": 0, "tumour": 1, "node": 1}, "value 1 is both 'tumour' and 'node'"),
        ("tumour", "labels are 'tumour', expected"),
        (["tumour", "node"], "labels have 'tumour' as 0, expected background there.*: write"),
        ({"0": "tumour", "1": "node", "2": "background"}, "labels have 'tumour' as 0, expected background"),
        ({"0": "background", "1": "node", "2": "node"}, "the values 1 and 2 are both 'node', expected a name each"),
        ({"background": 0}, "labels are {'background': 0}, .*: name what the masks hold beside background"),
    ],
)
def test_labels_that_cannot_be_read_are_named(labels, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_list(tmp_path, entry(), labels=labels)


def test_images_without_masks_under_test_are_told_of(tmp_path, caplog):
    assert read_list(tmp_path, entry(), test=["images/t.nii.gz"])["testing"] == []
    assert "'test' names 1 images, expected 'testing' with entries that have masks" in caplog.text


@pytest.mark.parametrize("value", [True, "1", 1.0, {"fold": 1}, [True], ["1"], [[1]]])
def test_folds_of_another_type_are_named(value, datalist, tmp_path):
    with pytest.raises(ValueError, match=r"folds is .*, expected all, testing, everything, a fold or a list of folds"):
        select_cases(datalist, folds=value, dataset_dir=tmp_path)


def test_a_list_without_cases_is_named(tmp_path):
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"training": [], "testing": []}))
    with pytest.raises(ValueError, match=r"datalist.json has no case, expected entries .*: make it again"):
        read_datalist(path)


def test_a_training_learns_the_first_labels_of_the_list():
    datalist = {"labels": {"0": "background", "2": "node", "1": "tumour"}}
    assert first_labels(datalist, 3) == (0, 1, 2) and first_labels(datalist, 2) == (0, 1)
    with pytest.raises(
        ValueError, match=r"labels is 4, expected at most 3, as the data list has .*: set another --labels"
    ):
        first_labels(datalist, 4)
