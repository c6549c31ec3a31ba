"""A centre has one name, in the list and in the table of boxes."""

import pytest

from common.data.cases import resolve_cases
from common.data.centre_names import require_boxes_of, require_one_spelling
from common.data.datalist import read_datalist
from tests.common.data.pair_files import entry, save_pair, write

BOX = [[0, 1], [0, 1], [0, 0.5]]


def cases(*centres):
    return [{"case_id": f"c{number}", "centre": centre} for number, centre in enumerate(centres)]


@pytest.mark.parametrize("other", ["chum", "CH-UM", "CHUM ", "C_hum"])
def test_one_centre_in_two_spellings_is_refused(other):
    with pytest.raises(ValueError, match=rf"list.json: entry c2 has centre '{other}' and others have 'CHUM', expected"):
        require_one_spelling(cases("CHUM", "CHUS", other), source="list.json")


def test_centres_that_differ_in_letters_or_have_none_are_several():
    require_one_spelling(cases("CHUM", "CHUS", "site 1", "site 2", "??", "東", "西"), source="list.json")


@pytest.mark.parametrize("name", ["CHUMM", "chum", "CHM", "CHUM "])
def test_a_box_of_a_misspelt_centre_is_refused(name):
    with pytest.raises(ValueError, match=rf"a box for '{name}'.* expected 'CHUM', which has 2 cases and no box"):
        require_boxes_of({"CHUS": BOX, name: BOX}, cases("CHUM", "CHUS", "CHUM"))


def test_a_table_of_more_centres_than_there_are_is_none(caplog):
    require_boxes_of({"CHUM": BOX, "CHUS": BOX, "HGJ": BOX}, cases("CHUM"), some=True)
    require_boxes_of(None, cases("CHUM"), some=True)
    require_boxes_of({}, cases("CHUM"), some=True)
    assert not caplog.messages


def test_centres_without_a_box_are_told(caplog):
    require_boxes_of({"CHUM": BOX}, cases("CHUM", "HGJ", "HGJ"), some=True)
    assert "no box for HGJ (2 cases)" in caplog.text


def test_a_table_of_other_centres_alone_is_refused_where_it_is_the_trainings_own():
    require_boxes_of({"MDA": BOX}, cases("CHUM"))  # a generator's, beside real cases of another hospital
    with pytest.raises(ValueError, match="boxes for 'MDA', and no case is of these centres, expected some of 'CHUM'"):
        require_boxes_of({"MDA": BOX}, cases("CHUM"), some=True)


@pytest.fixture
def listed(tmp_path):
    """Function (centres) -> path of a list of a case each."""

    def make(*centres):
        for number in range(len(centres)):
            save_pair(tmp_path, f"c{number}")
        entries = [entry(f"c{number}", centre=centre, fold=0) for number, centre in enumerate(centres)]
        write(tmp_path / "datalist.json", {"training": entries, "testing": []})
        return tmp_path / "datalist.json"

    return make


def test_a_list_and_what_reads_its_cases_look_at_the_names(listed):
    with pytest.raises(ValueError, match="expected one name for one centre"):
        read_datalist(listed("CHUM", "chum"))
    path = listed("CHUM", "CHUS")
    assert len(resolve_cases(path, preprocessing={"centre_bounds": {"CHUM": BOX}}, training=True)) == 2
    with pytest.raises(ValueError, match="a box for 'CHUMM'"):
        resolve_cases(path, preprocessing={"centre_bounds": {"CHUMM": BOX}})


def test_where_crop_is_an_error_each_case_needs_a_box(listed):
    path = listed("CHUM", "CHUS")
    assert len(resolve_cases(path, preprocessing={"crop": "error", "centre_bounds": {"CHUM": BOX, "CHUS": BOX}})) == 2
    with pytest.raises(
        ValueError, match="crop is error, and centre_bounds has no box for the centres 'CHUS' of 1 cases"
    ):
        resolve_cases(path, preprocessing={"crop": "error", "centre_bounds": {"CHUM": BOX}})


def test_voxels_that_would_fill_any_memory_are_refused_ahead(listed):
    """Volumes of 16 × 16 × 32 mm are 1.3e8 voxels of 0.04 mm and 1e12 of 0.002 mm."""
    path = listed("CHUM", "CHUS")
    assert len(resolve_cases(path, preprocessing={"spacing": [0.04, 0.04, 0.04]})) == 2
    with pytest.raises(
        ValueError, match=r"spacing is \[0.002, .* has 1.02e\+12 voxels of that size, expected at most 1.07"
    ):
        resolve_cases(path, preprocessing={"spacing": [0.002, 0.002, 0.002]})
