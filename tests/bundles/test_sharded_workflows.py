"""Generation and evaluation by two processes leave what one process leaves."""

import json

import pytest

from common.data.set_part import SetPart
from common.files import file_sha256

SECTIONS = ["fidelity", "masks", "copies"]  # the others draw, or read what these read


class KilledError(Exception):
    """Stands for a kill -9."""


def content(folder):
    return {str(path.relative_to(folder)): file_sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def model(run_workflow, phantom_dir, tmp_path_factory):
    """A model file of a HA-GAN."""
    folder = tmp_path_factory.mktemp("trained")
    options = {"dataset_dir": str(phantom_dir), "output_dir": str(folder), "max_steps": 1}
    return run_workflow("hagan_128", ["train", "smoke"], **options) / "model.pt"


@pytest.fixture
def killed_after(run_workflow, monkeypatch):
    """Function (cases, **options) that generates and dies when that many cases are written."""

    def run(cases, **options):
        add = SetPart.add

        def die(part, record):
            if len(list((part.directory / "unfinished").iterdir())) > cases:  # the request is there too
                raise KilledError
            add(part, record)

        with monkeypatch.context() as patch:
            patch.setattr(SetPart, "add", die)
            with pytest.raises(RuntimeError):
                run_workflow("hagan_128", ["inference", "smoke"], workflow_type="infer", **options)

    return run


def test_two_processes_go_on_with_a_killed_generation_to_the_set_of_one(
    run_workflow, killed_after, in_two_processes, model, tmp_path
):
    options = {"checkpoint": str(model), "num_samples": 5, "batch_size": 2}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    here = {"workflow_type": "infer", "pictures": True}
    run_workflow("hagan_128", ["inference", "smoke"], output_dir=str(whole), **here, **options)
    killed_after(3, output_dir=str(killed), **options)
    assert not (killed / "dataset.json").exists()
    first = killed / "images" / "generated_00000.nii.gz"
    written = first.stat().st_mtime_ns
    in_two_processes("inferring", ["inference", "smoke", "multi_gpu_inference"], output_dir=killed, **options)
    assert first.stat().st_mtime_ns == written
    assert len(content(whole)) == 5 * 2 + 3
    assert content(killed) == content(whole)


def test_two_processes_score_what_one_scores(run_workflow, in_two_processes, phantom_dir, generated_dir, tmp_path):
    options = {"dataset_dir": str(phantom_dir), "generated_dir": str(generated_dir), "allow_untrained": True}
    options |= {"weights": str(tmp_path / "none.pt"), "folds": "everything", "sections": SECTIONS}
    one, two = tmp_path / "one", tmp_path / "two"
    run_workflow("evaluation", ["evaluate", "smoke"], output_dir=str(one), **options)
    in_two_processes(
        "evaluating", ["evaluate", "smoke", "multi_gpu_evaluate"], bundle="evaluation", output_dir=two, **options
    )
    expected, found = (json.loads((folder / "metrics.json").read_text()) for folder in (one, two))
    assert found["protocol"] == expected["protocol"]
    assert "memorisation/organs" in found["scores"]
    assert_close(found["scores"], expected["scores"])


def assert_close(found, expected):
    """Equal but for rounding, at any depth."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_close(found[key], expected[key])
    elif isinstance(expected, list):
        for pair in zip(found, expected, strict=True):
            assert_close(*pair)
    else:
        assert found == (pytest.approx(expected, rel=1e-5, abs=1e-8) if isinstance(expected, float) else expected)
