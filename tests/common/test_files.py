import pytest

from common.files import replacing, write_csv


def test_the_file_appears_whole_with_its_suffixes(tmp_path):
    path = tmp_path / "new" / "a.nii.gz"
    with replacing(path) as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ([{"a": 1, "b": "x,y"}, {"b": 2, "c": None}], [], 'a,b,c\n1,"x,y",\n,2,\n'),
        ([{"a": 1}], ["b"], "b,a\n,1\n"),
        ([], ["a", "b"], "a,b\n"),
    ],
)
def test_tables_have_every_column_and_a_header(rows, columns, expected, tmp_path):
    write_csv(rows, tmp_path / "new" / "a.csv", columns=columns)
    assert (tmp_path / "new" / "a.csv").read_text() == expected
