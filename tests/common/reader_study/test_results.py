import csv
import json

import pytest

from common.reader_study.answers import Answer
from common.reader_study.results import write_csv, write_results
from common.reader_study.store import Store


def test_results_are_written(study_file, tmp_path):
    path = study_file()
    with Store(path) as store:
        for reader in ("<script>alert(1)</script>", "=1+1"):
            added, _ = store.add_reader(reader)
            for number in range(1, 11):
                store.save_answer(added, number, Answer(number, "$x^2$ <b>bold</b>"))
    write_results(path, tmp_path / "results")
    names = sorted(file.name for file in (tmp_path / "results").iterdir())
    assert names == ["answers.csv", "metrics.json", "readers.csv", "results.html", "volumes.csv"]
    metrics = json.loads((tmp_path / "results" / "metrics.json").read_text())
    assert metrics["settings"]["seed"] == 7
    assert metrics["pooled"]["n_generated"] == 10
    page = (tmp_path / "results" / "results.html").read_text()
    assert "<script>" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;" in page
    assert "secret_case_3" in page  # the results name the cases
    assert "'=1+1" in (tmp_path / "results" / "answers.csv").read_text()
    with (tmp_path / "results" / "readers.csv").open() as file:
        rows = list(csv.DictReader(file))
    # scores 1 … 10 in the order of the volumes: right are the real ones at 3 and 4, the generated ones at 9 and 10
    assert [(row["decided"], row["accuracy"]) for row in rows] == [("9", str(4 / 9))] * 2
    assert 0 < float(rows[0]["accuracy_low"]) < 4 / 9 < float(rows[0]["accuracy_high"]) < 1


def test_results_without_answers_are_refused(study_file, tmp_path):
    with pytest.raises(ValueError, match="no answers yet"):
        write_results(study_file(), tmp_path)


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@x"])
def test_a_table_holds_no_formulas(tmp_path, text):
    write_csv([{"name": text, "score": -1}], tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == f"'{text},-1"
