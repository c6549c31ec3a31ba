import pytest

from common.evaluation import consistency


def test_the_first_cases_of_each_side_are_segmented(build_sets, tmp_path, monkeypatch):
    given = {}

    def segmented(segmenter, generated, *, real, **_):
        given.update(generated=generated, real=real)
        return {}

    monkeypatch.setattr(consistency, "pair_consistency", segmented)
    sets = build_sets()
    consistency.PairConsistency("bundles/segresnet_auto3dseg", cases=3)(sets, tmp_path)
    assert given == {"generated": sets.generated.cases[:3], "real": sets.held_out.cases[:3]}


@pytest.mark.parametrize("joined,labels", [(False, [1, 2]), (True, [])])
def test_labels_that_the_set_has_joined_are_not_compared_one_by_one(build_sets, tmp_path, monkeypatch, joined, labels):
    """The real files keep theirs, so that their label 1 is a part of what label 1 of the set is."""
    given = []
    monkeypatch.setattr(consistency, "pair_consistency", lambda *_, labels, **__: given.extend(labels) or {})
    consistency.PairConsistency("bundles/segresnet_auto3dseg", joined=joined)(build_sets(), tmp_path)
    assert given == labels


def test_without_a_real_case_to_compare_the_generated_ones_are_told(build_sets, tmp_path, monkeypatch):
    """The generator may have been trained on all of them."""
    row = {"generated": {"n": 4, "empty_predictions": 4, "value": 0.0}}
    monkeypatch.setattr(consistency, "pair_consistency", lambda *_, **__: {"foreground": row, "label_1": row})
    text = consistency.PairConsistency("bundles/segresnet_auto3dseg")(build_sets(), tmp_path).text
    assert "drew none of label_1." in " ".join(text)


@pytest.mark.parametrize("found,told", [((4, 4), True), ((4, 3), False), ((0, 4), False)])
def test_a_label_that_the_segmenter_never_draws_is_told(build_sets, tmp_path, monkeypatch, found, told):
    """`found`: predictions without label 2, of four generated and four real masks that have it."""
    rows = {
        side: {"n": 4, "empty_predictions": empty} for side, empty in zip(("generated", "real"), found, strict=True)
    }
    drawn = {side: {"n": 4, "empty_predictions": 0} for side in rows}
    result = {"foreground": drawn, "label_1": drawn, "label_2": rows}
    monkeypatch.setattr(consistency, "pair_consistency", lambda *_, **__: result)
    text = " ".join(consistency.PairConsistency("bundles/segresnet_auto3dseg")(build_sets(), tmp_path).text)
    assert ("drew none of label_2." in text) == told
