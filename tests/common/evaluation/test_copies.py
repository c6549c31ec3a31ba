from common.evaluation.copies import Copies


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
    assert "nothing tells which cases" in findings.text[0] and "--train_datalist" in findings.text[0]
    assert not findings.metrics
    findings = Copies()(build_sets(training=False, no_training="none of the 8 cases is listed"), tmp_path)
    assert findings.text[0].startswith("Left out: none of the 8 cases is listed; ")
