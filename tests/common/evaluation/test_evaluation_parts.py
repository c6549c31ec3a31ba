"""Each part of an evaluation on volumes whose scores are known."""

import numpy as np
import pytest

from common.evaluation import consistency
from common.evaluation.copies import Copies
from common.evaluation.diversity import Diversity
from common.evaluation.fidelity import Fidelity
from common.evaluation.masks import MaskRealism
from common.evaluation.pictures import Embedding, Pictures
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


def test_copies_are_found_and_shown(build_sets, tmp_path):
    """A generated set of training cases: all are copies; independent volumes are not."""
    sets = build_sets()
    copied = build_sets(generated=sets.training.select(range(8), name="generated"))
    findings = Copies(count=2)(copied, tmp_path)
    assert findings.metrics["memorisation/volumes"]["copy_rate"] == 1
    assert findings.metrics["memorisation/octants"]["smallest_distance"] == 0
    assert findings.metrics["memorisation/volumes"]["n_held_out"] == 16
    independent = Copies()(sets, tmp_path).metrics["memorisation/volumes"]
    assert independent["copy_rate"] < 0.5
    assert {path.name for path in findings.figures} >= {"closest_volumes.png", "nearest_octants.png"}


def test_memorisation_says_why_it_is_left_out(build_sets, tmp_path):
    findings = Copies()(build_sets(training=False), tmp_path)
    assert "nothing tells which cases" in findings.text[0]
    assert not findings.metrics


def test_masks_of_one_size_have_no_distance_in_volume(build_sets, tmp_path):
    metrics = MaskRealism(**QUICK)(build_sets(), tmp_path).metrics
    assert metrics["mask/label_1/volume"]["value"] == 0
    assert metrics["mask/label_1/volume"]["real_mean"] == pytest.approx(64 * 8 / 1000)  # ml of 4³ voxels of 2 mm
    assert metrics["mask/label_2/present"]["generated_mean"] == 1
    brighter = MaskRealism(**QUICK)(build_sets(brightness=100), tmp_path).metrics
    assert brighter["mask/foreground/hu_mean"]["value"] == pytest.approx(100, abs=6)


def test_diversity_of_repeated_volumes_is_one(build_sets, tmp_path):
    sets = build_sets()
    repeated = build_sets(generated=sets.real.select([0, 0, 0, 0], name="generated"))
    rows = Diversity(pairs=4)(repeated, tmp_path).metrics["ms_ssim/image"]
    assert rows["generated"]["value"] == pytest.approx(1, abs=1e-4)
    assert rows["real"]["value"] < 0.99


def test_pictures_and_embedding(build_sets, tmp_path):
    findings = Pictures(count=2)(build_sets(), tmp_path)
    names = {"real.png", "generated.png", "real_slices.png", "generated_slices.png", "hu.png"}
    assert {path.name for path in findings.figures} == names
    embedding = Embedding(perplexity=5)(build_sets(), tmp_path)
    assert {path.name for path in embedding.figures} == {"tsne_octants_origin.png", "tsne_octants_centre.png"}


def test_without_cases_the_histograms_are_left(build_sets, tmp_path):
    findings = Pictures(count=0)(build_sets(), tmp_path)
    assert [path.name for path in findings.figures] == ["hu.png"]


def test_too_few_volumes_for_the_embedding_are_told(build_sets, tmp_path):
    findings = Embedding(perplexity=50)(build_sets(), tmp_path)
    assert not findings.figures
    assert "No t-SNE of octants" in findings.text[0]


def test_the_first_cases_of_each_side_are_segmented(build_sets, tmp_path, monkeypatch):
    given = {}

    def segmented(segmenter, generated, *, real, **_):
        given.update(generated=generated, real=real)
        return {}

    monkeypatch.setattr(consistency, "pair_consistency", segmented)
    sets = build_sets()
    consistency.PairConsistency("bundle", cases=3)(sets, tmp_path)
    assert given == {"generated": sets.generated.cases[:3], "real": sets.held_out.cases[:3]}


@pytest.mark.parametrize("found,told", [((4, 4), True), ((4, 3), False), ((0, 4), False)])
def test_a_label_that_the_segmenter_never_draws_is_told(build_sets, tmp_path, monkeypatch, found, told):
    """`found`: predictions without label 2, of four generated and four real masks that have it."""
    rows = {
        side: {"n": 4, "empty_predictions": empty} for side, empty in zip(("generated", "real"), found, strict=True)
    }
    drawn = {side: {"n": 4, "empty_predictions": 0} for side in rows}
    result = {"foreground": drawn, "label_1": drawn, "label_2": rows}
    monkeypatch.setattr(consistency, "pair_consistency", lambda *_, **__: result)
    text = " ".join(consistency.PairConsistency("bundle")(build_sets(), tmp_path).text)
    assert ("drew none of label_2." in text) == told


def test_facts_are_read_once_and_shared(build_sets):
    sets = build_sets()
    facts = sets.facts(sets.real)
    assert sets.facts(sets.held_out) == facts[:16]
    assert np.isclose(facts[0].histogram.sum(), 1)
    assert facts[0].small.shape == (2 * 32 * 32 * 16,)
