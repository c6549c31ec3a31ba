"""`run analysing` of the evaluation bundle, for real, on a small phantom."""

import csv
import json
import re

import pytest

FIGURES = ["slices", "hu", "labels", "planes", "sagittal", "montage"]


def ids(path):
    with path.open(newline="") as file:
        return sorted(row["case_id"] for row in csv.DictReader(file))


@pytest.fixture
def analyse(run_workflow, phantom_dir, tmp_path):
    """Function (pictures, **overrides) -> folder of the results of the workflow, run in this process."""

    def run(*, pictures="small", **overrides):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / "out"), "perplexity": 5, **overrides}
        return run_workflow("evaluation", ["analyse"], pictures=pictures, **options)

    return run


def test_one_command_gives_tables_figures_and_one_page(bundle_command, run_command, analyse, phantom_dir, tmp_path):
    out = tmp_path / "by command"
    options = {"dataset_dir": phantom_dir, "datalist": phantom_dir / "datalist.json", "output_dir": out}
    done = run_command(bundle_command("analysing", ["analyse"], bundle="evaluation", perplexity=5, **options))
    assert done.returncode == 0, done.stderr
    files = [f"{name}.png" for name in [*FIGURES, "tsne"]]
    files += ["cases.csv", "centres.csv", "hu_histogram.csv", "warnings.csv", "analysis.html"]
    assert sorted(path.name for path in out.iterdir()) == sorted(files)
    content = json.loads((phantom_dir / "datalist.json").read_text())
    listed = [entry["case_id"] for entry in content["training"] + content["testing"]]
    assert ids(out / "cases.csv") == sorted(listed)
    page = (out / "analysis.html").read_text()
    references = re.findall(r"""\b(?:src|href|srcset|action|data)\s*=\s*["']?([^"'>\s]*)""", page)
    assert len([reference for reference in references if reference.startswith("data:image/png;base64,")]) == 7
    assert [reference for reference in references if not reference.startswith(("data:image/png", "#"))] == []
    assert not re.search(r"url\(|@import|<script|<link", page)
    assert (analyse(pictures=True) / "analysis.html").read_text() == page  # by the run id `run`, in another process


@pytest.mark.parametrize(("folds", "side"), [("all", "training"), ("testing", "testing")])
def test_folds(analyse, phantom_dir, folds, side):
    content = json.loads((phantom_dir / "datalist.json").read_text())
    out = analyse(folds=folds)
    assert ids(out / "cases.csv") == sorted(entry["case_id"] for entry in content[side])
    assert (out / "tsne.png").exists() == (len(content[side]) > 5)


def test_no_data_list_says_how_to_make_one(analyse, causes, tmp_path):
    with pytest.raises(RuntimeError) as error:
        analyse(dataset_dir=str(tmp_path))
    assert "python -m common.data prepare" in causes(error)


@pytest.mark.openkbp
def test_real_head_and_neck_ct(analyse, few_openkbp):
    out = analyse(dataset_dir=str(few_openkbp))
    with (out / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["size_x"], row["slices"], row["hu_mode"], row["slope"]) for row in rows} == {
        ("128", "128", "-1000.0", "1.0")
    }
    assert all(-1010 < float(row["hu_mean"]) < -700 and float(row["tumour_ml"]) > 0 for row in rows)
