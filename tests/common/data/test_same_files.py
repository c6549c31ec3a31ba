"""One image under several ids."""

import json

import pytest

from common.data.cases import BadCasesError, resolve_cases
from common.data.same_files import same_drawn, same_files
from tests.common.data.pair_files import entry, save_pair


def case(folder, name, content, **more):
    path = folder / f"{name}.nii.gz"
    path.write_bytes(content)
    return {"case_id": name, "image": str(path), **more}


def test_equal_files_of_two_patients_are_told_once(tmp_path):
    content = bytes(range(256)) * 1000
    late = content[:-1] + b"x"  # differs in a byte of no block but the last
    cases = [case(tmp_path, name, content) for name in "ab"] + [case(tmp_path, "c", late), case(tmp_path, "d", b"")]
    problems = same_files(cases)
    assert [(problem.case_id, problem.found) for problem in problems] == [("b", "the image of a, of another patient")]
    assert "give both the same patient" in problems[0].remedy


def test_a_byte_between_the_blocks_makes_two_files(tmp_path):
    content = bytes(16 * 4096 * 4)
    other = bytearray(content)
    other[4096 + 10] = 1
    assert same_files([case(tmp_path, "a", content), case(tmp_path, "b", bytes(other))]) == []


def test_who_is_not_asked_about_counts_first(tmp_path):
    one, two = (case(tmp_path, name, b"x" * 10) for name in "ab")
    assert [problem.case_id for problem in same_files([one], [two])] == ["a"]


@pytest.mark.parametrize("more", [{"patient": "p"}, {"generated": True}])
def test_copies_of_one_patient_and_collapsed_generators_are_no_fault(tmp_path, more):
    assert same_files([case(tmp_path, name, b"x" * 10, **more) for name in "ab"]) == []


def test_no_image_is_on_both_sides_of_a_split(tmp_path):
    save_pair(tmp_path, "a")
    save_pair(tmp_path, "b")
    (tmp_path / "images" / "b.nii.gz").write_bytes((tmp_path / "images" / "a.nii.gz").read_bytes())
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"training": [entry("a", fold=0)], "testing": [entry("b")]}))
    for folds, name, other in ((None, "a", "b"), ("testing", "b", "a")):
        with pytest.raises(BadCasesError, match=f"{name} +same file as another case +the image of {other}"):
            resolve_cases(path, folds=folds)


def test_test_cases_never_train(tmp_path):
    for name in "ab":
        save_pair(tmp_path, name)
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"training": [entry("a", fold=0)], "testing": [entry("b")]}))
    assert [case["case_id"] for case in resolve_cases(path, training=True)] == ["a"]
    assert len(resolve_cases(path, folds="everything")) == 2
    for folds in ("testing", "everything"):
        with pytest.raises(
            ValueError, match=f"folds is '{folds}', which holds 1 test cases of .*, such as b: .*--folds"
        ):
            resolve_cases(path, folds=folds, training=True)


def test_which_of_many_drawn_images_are_one(tmp_path):
    cases = []
    for number, content in enumerate([b"a", b"b", b"a", b"c", b"d"]):
        (tmp_path / f"{number}.nii.gz").write_bytes(content)
        cases.append({"case_id": f"g{number}", "image": str(tmp_path / f"{number}.nii.gz")})
    (problem,) = same_drawn(cases)
    assert (problem.case_id, problem.found) == ("g2", "the image of g0") and "run inferring" in problem.remedy
