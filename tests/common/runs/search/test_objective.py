"""What a search reads from a trial's files."""

import pytest

from tests.common.runs.search.quadratic import SERIES


def test_a_series_may_be_a_file_in_the_making(tmp_path):
    assert SERIES.read(tmp_path) == {}
    path = tmp_path / "training" / "series.csv"
    path.parent.mkdir()
    path.write_text("step,score\n1,0.5\n2,nan\n3,\n4,0.25\n5,0.1")
    assert SERIES.read(tmp_path) == {1: 0.5, 4: 0.25}
    path.write_text("step,dice\n1,0.5\n")
    with pytest.raises(ValueError, match="has the columns step, dice, not score"):
        SERIES.read(tmp_path)
