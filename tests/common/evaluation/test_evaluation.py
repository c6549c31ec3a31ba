"""Metrics, page, protocol and stamps of a whole evaluation."""

import json
import re
from copy import deepcopy

import pytest

from common.evaluation.evaluation import Evaluation
from common.evaluation.fidelity import Fidelity
from common.evaluation.findings import Findings
from common.metrics.frechet import frechet_distance


@pytest.fixture
def evaluate(tmp_path):
    def run(sets, **options):
        fidelity = Fidelity({"fid": frechet_distance}, replicates=10, splits=2)
        parts = {"consistency": None, "fidelity": fidelity, "again": fidelity}
        return Evaluation(sets, parts, output_dir=tmp_path / "out", **options).run()

    return run


def test_metrics_and_page_hold_the_scores_and_their_protocol(build_sets, evaluate, tmp_path):
    metrics = evaluate(build_sets())
    assert metrics == json.loads((tmp_path / "out/metrics.json").read_text())
    row = metrics["scores"]["fid/pair/octants"]
    assert row["protocol"] == metrics["protocol"]["hash"]
    assert "untrained" not in row
    page = (tmp_path / "out/report.html").read_text()
    assert metrics["protocol"]["hash"] in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)  # nothing is loaded from elsewhere


def test_sections_are_the_parts_that_are_wanted(build_sets, evaluate, tmp_path):
    evaluate(build_sets())
    everything = (tmp_path / "out/report.html").read_text()
    evaluate(build_sets(), sections=["fidelity"])
    one = (tmp_path / "out/report.html").read_text()
    assert everything.count("<h2") == one.count("<h2") + 1
    with pytest.raises(ValueError, match=r"sections \['fidelty'\]: expected some of consistency, fidelity, again"):
        evaluate(build_sets(), sections=["fidelty"])


def test_the_protocol_follows_what_decides_the_numbers(build_sets, evaluate):
    first = evaluate(build_sets())["protocol"]
    assert evaluate(build_sets(brightness=5))["protocol"]["hash"] == first["hash"]
    for changed in (
        evaluate(build_sets(weights="other"))["protocol"],
        evaluate(build_sets(), settings={"seed": 1})["protocol"],
    ):
        assert changed["hash"] != first["hash"]
    assert first["extractors"]["octants"]["weights"] == "sha"
    assert first["n_real"] == 24


def test_untrained_extractors_stamp_every_number_and_figure(build_sets, evaluate, tmp_path):
    metrics = evaluate(build_sets(weights="untrained, seed 0"))
    assert all(row["untrained"] for row in metrics["scores"].values())
    assert "random weights" in metrics["warnings"][0]
    captions = re.findall(r"<img[^>]*><figcaption>(.*?)</figcaption>", (tmp_path / "out/report.html").read_text())
    assert captions and all("UNTRAINED EXTRACTOR" in caption for caption in captions)


def test_rendering_leaves_the_findings_as_they_are(build_sets, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"picture")
    found = Findings("Part", {"a/b": {"value": 1.0}}, ["Read so."], {"Table": [{"value": 1.0}]}, {picture: "Figure"})
    before = deepcopy(found)
    evaluation = Evaluation(build_sets(weights="untrained"), {"part": lambda sets, folder: found}, output_dir=tmp_path)
    evaluation.run()
    page = (tmp_path / "report.html").read_text()
    evaluation.run()
    assert found == before
    assert (tmp_path / "report.html").read_text() == page  # no caption is stamped twice


def test_seen_cases_and_missing_provenance_are_warned_of(build_sets, evaluate):
    assert "8 of the 24 real cases were in the generator's training" in evaluate(build_sets())["warnings"][0]
    why = "the set has no provenance: nobody knows"
    assert evaluate(build_sets(training=False, no_training=why))["warnings"] == [why]


def test_a_loss_csv_is_drawn(build_sets, evaluate, tmp_path):
    losses = tmp_path / "losses.csv"
    losses.write_text("step,d,g\n1,1.0,2.0\n2,0.5,1.5\n")
    evaluate(build_sets(), losses=losses)
    assert (tmp_path / "out/figures/losses.png").is_file()
    assert "Losses of the training" in (tmp_path / "out/report.html").read_text()
