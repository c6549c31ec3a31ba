import pytest

from common.data.datalist import read_datalist, select_cases
from common.viewing.cases import Neighbour, shown_cases


def test_scores_neighbours_and_origins_come_together(cases):
    assert [(case.side, case.case_id) for case in cases] == [
        ("generated", "g0"),
        ("generated", "g1"),
        ("real", "r0"),
        ("real", "r1"),
        ("real", "r2"),
    ]
    first, copy, *_, last = cases
    assert first.scores == {"foreground/volume": 5, "distance/volumes": 9.5}
    assert copy.neighbours == [Neighbour("volumes", "r0", 1.5, 2.0)]
    assert last.scores == {"distance/volumes": 4}  # NaN is no score
    assert (first.origin.seed, copy.origin.seed, last.origin) == (10, 11, None)


def test_further_tables_need_a_case_id(real_dir, tmp_path):
    datalist = read_datalist(real_dir / "datalist.json")
    real = select_cases(datalist, folds="everything", dataset_dir=real_dir)
    table = tmp_path / "more.csv"
    table.write_text("case_id,slices,scanner\nr1,40,A\n")
    cases = shown_cases(real, None, datalist=datalist, scores=[table])
    assert [dict(case.scores) for case in cases] == [{}, {"slices": 40}, {}]
    table.write_text("name,slices\nr1,40\n")
    with pytest.raises(ValueError, match="has the columns name, slices, expected case_id"):
        shown_cases(real, None, datalist=datalist, scores=[table])
    with pytest.raises(FileNotFoundError, match="--evaluation_dir"):
        shown_cases(real, None, datalist=datalist, evaluation=tmp_path)
