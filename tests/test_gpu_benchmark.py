"""Each row of the table for a GPU runs on a CPU at tiny size, so that it cannot rot before somebody has a GPU."""

import argparse
import re
from pathlib import Path

import pytest

from tests.benchmarks import gpu

ROOT = Path(__file__).parents[1]


@pytest.fixture
def table(phantom_dir, monkeypatch, capsys):
    """Function (kinds) -> the rows of the table, made in this process: note by what and form."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    monkeypatch.setattr(gpu, "run_child", lambda row, seconds: gpu.measure(row))

    def make(*kinds):
        command = ["gpu.py", "--tiny", "--device", "cpu", "--dataset_dir", str(phantom_dir), "--rows", *kinds]
        monkeypatch.setattr("sys.argv", command)
        gpu.main()
        lines = capsys.readouterr().out.splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        return {(row[0], row[3]): row for row in cells}

    return make


def test_every_row_measures_what_it_says(table):
    rows = table(*gpu.KINDS)
    assert {what for what, _ in rows} == set(gpu.KINDS)
    assert {form for what, form in rows if what == "training step"} == set(gpu.FORMS)
    for (what, form), (_, _, batch, _, rate, _, memory, note) in rows.items():
        assert "failed" not in note and float(memory) > 0, (what, form, note)
        assert what == "parity with the CPU" or float(rate) > 0, (what, form)
        if what == "training step":
            assert re.search(r"^80,000 steps in [\d.]+ h$", note)
        if what == "largest batch":
            assert batch == "4"  # of a CPU no larger one is tried
    assert "differ by 0.0e+00" in rows["parity with the CPU", "fp32"][-1]


def test_a_row_that_fails_or_comes_too_late_says_so():
    row = {"kind": "generation", "name": "fp32", "size": 33, "batch": 1, "device": "cpu", "steps": 1, "tiny": True}
    assert gpu.run_child(row, 0)["note"] == "left out: the time is over"
    assert (
        gpu.rows(
            argparse.Namespace(
                rows=["largest batch"], sizes=[32], batches=[2], device="cpu", steps=1, tiny=True, dataset_dir=""
            )
        )[0]["name"]
        == "TF32"
    )
