import pytest

from common.evaluation.diversity import Diversity


def test_diversity_of_repeated_volumes_is_one(build_sets, tmp_path):
    sets = build_sets()
    repeated = build_sets(generated=sets.real.select([0, 0, 0, 0], name="generated"))
    rows = Diversity(pairs=4)(repeated, tmp_path).metrics["ms_ssim/image"]
    assert rows["generated"]["value"] == pytest.approx(1, abs=1e-4)
    assert rows["real"]["value"] < 0.99
