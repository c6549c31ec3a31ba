import csv

from common.handlers.validation_csv import ValidationCSV


def test_validations_are_rows_and_repeated_epochs_replace_theirs(tmp_path, validate):
    table = ValidationCSV(tmp_path / "validation.csv")
    validate([table], [0.1, 0.25, 1 / 3])
    validate([table], [0.5], first=2)
    with (tmp_path / "validation.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"epoch": "1", "dice": "0.1"}, {"epoch": "2", "dice": "0.5"}]
