import hashlib
import json
import re

import numpy as np
import pytest

from common.checksums import verify_checksums
from common.data.generated_set import read_generated_set
from common.reports.data_card import DataCard
from tests.quick_pictures import draw_quickly

SCORES = {
    "fid/pair/organs": {"value": 2.5, "interval": [2.0, 3.0], "floor": {"value": 0.25, "interval": [0.2, 0.3]}},
    "mask/label_2/volume": {"value": 1.0},
    "consistency/foreground": {"generated": {"value": 0.625, "interval": [0.5, 0.75]}, "real": {"value": 0.75}},
    "kid/mask/organs": {"value": None, "interval": None, "floor": None},
    "memorisation/organs": {
        **{"copy_rate": 0.125, "interval": [0.0, 0.3], "expected_rate": 0.09},
        **{"smallest_distance": 7.5, "threshold": 6.25},
    },
}


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """What is on a picture is tested with the module that draws it."""
    draw_quickly(monkeypatch)


@pytest.fixture
def card(released, tmp_path):
    """Function (folder or None, **options) -> text of the card that is written into a set of four pairs."""
    licence = tmp_path / "LICENCE.txt"
    licence.write_text("Do as you please.\n")

    def write(folder=None, **options):
        options = {"title": "Pairs", "licence": "CC0-1.0", "licence_file": licence, "preview_count": 0, **options}
        return DataCard(folder or released(4), **options).write().read_text()

    return write


@pytest.fixture
def evaluation(tmp_path):
    """Function (n_generated) -> folder of an evaluation."""

    def write(n_generated=4):
        protocol = {"hash": "abc123", "n_real": 9, "n_generated": n_generated}
        metrics = {"protocol": protocol, "warnings": ["UNTRAINED EXTRACTOR"], "scores": SCORES}
        (tmp_path / "metrics.json").write_text(json.dumps(metrics))
        return tmp_path

    return write


def rows(text):
    """Cells of the rows of all tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_the_card_says_what_the_set_is_and_how_it_was_made(card, released, model_file):
    folder = released(4, checkpoints=[model_file("a"), model_file("b", ("p3",))], hu_step=8)
    text = card(folder)
    assert text.startswith("# Pairs\n\n**4 synthetic pairs")
    assert "int16, Hounsfield units in steps of 8" in text
    assert "uint8: 0 background, 1 tumour" in text
    assert "32×32×16 voxels of about 6×6×6 mm" in text
    assert "-1024 to 600" in text
    assert "By `run dataset` of hagan_128 0.1.0, seed 0. 4 candidates were drawn, 0 of them left out" in text
    for number, (name, cases) in enumerate((("a", "2"), ("b", "1"))):
        sha256 = hashlib.sha256((folder.parent / name / "model.pt").read_bytes()).hexdigest()
        made_by = ["model.pt", f"`{sha256}`", "hagan_128 0.1.0", "7", cases, "5", str(number), "2"]
        assert made_by in rows(text)
    assert f"trained on 3 cases of the data list with SHA-256 {'d' * 64}" in text


def test_licence_and_uses_are_named_and_patients_are_not(card, released):
    folder = released(4)
    text = card(folder, training_data="a hospital's, by contract")
    assert "CC0-1.0, see `LICENSE`" in text
    assert (folder / "LICENSE").read_text() == "Do as you please.\n"
    assert "Training data: a hospital's, by contract" in text
    for section in ("Licence", "Intended use", "What it must not be used for", "How it was made", "Loading"):
        assert f"\n\n## {section}\n" in text
    assert "Diagnosis, treatment, or any decision on a patient" in text
    assert not re.search(r"\bp[12]\b", text)
    assert str(folder.parent) not in text


def test_without_training_data_it_says_that_nobody_looked_for_copies(card):
    text = card()
    assert "**Not checked**: the training data were not given" in text
    assert "None: the set has not been evaluated." in text


def test_what_was_compared_and_rejected_is_said(card, released):
    folder = released(4)
    path = folder / "provenance.json"
    provenance = json.loads(path.read_text())
    compared = {"quantile": 0.01, "threshold": 30.5, "n_train": 186, "n_held_out": 47, "smallest_distance": 31.25}
    compared |= {"median_distance": 40, "smallest_held_out_distance": 30.0, "median_held_out_distance": 35}
    rejected = {"empty mask": 2, "near a training case": 3}
    provenance["filter"] = {"candidates": 9, "rejected": rejected, "compared": compared}
    path.write_text(json.dumps(provenance))
    text = card(folder)
    assert "9 candidates were drawn, 5 of them left out and replaced (2 empty mask, 3 near a training case)" in text
    assert "compared with all 186 training cases" in text
    assert "than 30.5 was left out: **3 of 9 candidates**. 1 % of 47 real cases" in text
    assert ["this set", "31.25", "40"] in rows(text)
    assert "Not checked" not in text


def test_scores_and_memorisation_come_from_the_evaluation(card, evaluation):
    text = card(evaluation=evaluation())
    assert "9 real cases against this set, protocol abc123" in text
    assert "**UNTRAINED EXTRACTOR**" in text
    assert ["fid/pair/organs", "2.5", "[2, 3]", "0.25"] in rows(text)
    assert ["Dice of mask and segmenter", "0.625", "[0.5, 0.75]", "0.75"] in rows(text)
    assert ["memorisation/organs", "0.125", "[0, 0.3]", "0.09", "7.5", "6.25"] in rows(text)
    assert {row[0] for row in rows(text)} & set(SCORES) == {"fid/pair/organs", "memorisation/organs"}


def test_an_evaluation_of_another_set_or_none_is_refused(card, evaluation, tmp_path):
    with pytest.raises(ValueError, match=r"metrics.json is of 16 generated pairs, this set has 4"):
        card(evaluation=evaluation(16))
    with pytest.raises(FileNotFoundError, match="no evaluation at"):
        card(evaluation=tmp_path / "nowhere")


def test_the_example_loads_a_pair(card, released, monkeypatch):
    folder = released(4)
    code = re.search(r"```python\n(.*?)```", card(folder), re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line]) == 3
    monkeypatch.chdir(folder)
    found = {}
    exec(code, found)
    assert found["image"].shape == found["mask"].shape == (32, 32, 16)
    assert set(np.unique(found["mask"])) == {0, 1}


def test_checksums_hold_every_file_of_the_finished_set(card, released):
    folder = released(4)
    card(folder, preview_count=2)
    sums = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    del files["SHA256SUMS"]
    assert sums == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert {"README.md", "LICENSE", "previews/pairs.png", "provenance.json"} < set(verify_checksums(folder))
    before = (folder / "SHA256SUMS").read_bytes()
    card(folder, preview_count=2)
    assert (folder / "SHA256SUMS").read_bytes() == before


def test_a_card_without_preview(card, released):
    folder = released(1)
    card(folder)
    assert not (folder / "previews").exists()
    assert len(read_generated_set(folder).cases) == 1


def test_a_licence_that_is_not_there_is_told_before_the_set_is_made(tmp_path):
    options = {"title": "Pairs", "licence": "CC0-1.0", "preview_count": 0}
    with pytest.raises(FileNotFoundError, match=r"licence_file is .*none.txt, .*: name another --licence_file"):
        DataCard(tmp_path / "set", licence_file=tmp_path / "none.txt", **options).require_files()
    (tmp_path / "text").write_text("free")
    DataCard(tmp_path / "set", licence_file=tmp_path / "text", **options).require_files()
