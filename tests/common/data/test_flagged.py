import json

import pytest

from common.data.flagged import Flag, Flags, flagged_pairs, read_flags


def test_flags_outlive_the_process_and_keep_those_of_other_sets(tmp_path):
    path = tmp_path / "deep" / "flagged.json"
    first, second = Flag("g0", "aa", 1), Flag("g7", "bb", 1)
    flags = Flags(path)
    assert first not in flags
    flags.set(first, True)
    Flags(path).set(second, True)
    again = Flags(path)
    assert first in again
    assert Flag("another name", "bb", 1) in again  # the pair counts, not what a set calls it
    again.set(Flag("another name", "bb", 1), False)
    assert read_flags(path) == [first]
    assert [each.name for each in path.parent.iterdir()] == ["flagged.json"]


def test_no_file_is_no_flag_and_a_missing_one_an_error(tmp_path):
    assert flagged_pairs(None) == frozenset()
    with pytest.raises(FileNotFoundError, match="no flagged pairs at"):
        flagged_pairs(tmp_path / "flagged.json")


@pytest.mark.parametrize("content", [{"flagged": [{"case_id": "g0"}]}, {"flagged": [3]}, {"flagged": 3}, {}, [1]])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "flagged.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"flagged\.json"):
        flagged_pairs(path)
