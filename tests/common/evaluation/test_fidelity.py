"""Scores of sets whose scores are known."""

import pytest

from common.evaluation.fidelity import Fidelity
from common.metrics.frechet import frechet_distance
from common.metrics.neighbourhoods import precision

QUICK = {"replicates": 20, "splits": 4}


def fidelity(**scores):
    return Fidelity(scores or {"fid": frechet_distance, "precision": precision}, **QUICK)


def test_equal_distributions_lie_at_the_floor_and_brighter_images_do_not(build_sets, tmp_path):
    same = fidelity()(build_sets(), tmp_path).metrics
    bright = fidelity()(build_sets(brightness=300), tmp_path).metrics
    row = same["fid/image/octants"]
    assert row["matched"]["value"] < 3 * row["floor"]["value"]
    assert row["n_real"] == 24 and row["n_generated"] == 16 and row["floor"]["n"] == 12
    # eight octant means, each 300 HU · 144 of 256 voxels of the body brighter, in thousands
    assert bright["fid/image/octants"]["value"] == pytest.approx(8 * (0.3 * 144 / 256) ** 2, rel=0.05)
    assert bright["fid/mask/octants"]["value"] == pytest.approx(same["fid/mask/octants"]["value"])
    assert bright["precision/image/octants"]["value"] == 0


def test_fidelity_draws_a_picture_and_rows_for_every_view(build_sets, tmp_path):
    findings = fidelity(fid=frechet_distance)(build_sets(), tmp_path)
    assert set(findings.metrics) == {f"fid/{view}/octants" for view in ("pair", "image", "mask")}
    assert [path.name for path in findings.figures] == ["scores.png"]
    assert all(path.is_file() for path in findings.figures)
    assert len(findings.tables["Scores of two sets"]) == 3
