"""Facts of a case are computed once for its content, and kept in a file."""

import numpy as np
import pytest

from common.evaluation import sets as module
from common.evaluation.case_facts import CaseFacts, facts_key, kept_facts, write_facts


@pytest.mark.parametrize("position", [None, np.full((2, 2), np.nan)])
def test_a_file_gives_back_what_was_written(tmp_path, position):
    facts = CaseFacts(
        {"a/volume": 1.5, "a/air": float("nan")}, position, np.ones(3, np.float32), np.array([0.25, 0.75])
    )
    write_facts(facts, tmp_path / "a.npz")
    found = kept_facts(tmp_path / "a.npz")
    assert list(found.statistics) == list(facts.statistics) and found.small.dtype == np.float32
    np.testing.assert_equal(vars(found), vars(facts))


def test_what_cannot_be_read_is_made_again(tmp_path, caplog):
    assert kept_facts(tmp_path / "none.npz") is None and not caplog.text
    for content in (b"", b"no archive", b"PK\x03\x04half"):
        (tmp_path / "a.npz").write_bytes(content)
        assert kept_facts(tmp_path / "a.npz") is None
        assert "made again" in caplog.text


def test_other_windows_and_labels_are_other_facts():
    keys = {
        facts_key(key, window=window, labels=labels)
        for key, window, labels in (("a", (-1024, 600), [1]), ("b", (-1024, 600), [1]), ("a", (0, 1), [1]))
    }
    assert len(keys | {facts_key("a", window=(-1024, 600), labels=[1, 2])}) == 4


def test_a_second_evaluation_reads_them(build_sets, tmp_path, monkeypatch):
    first = build_sets()
    first.reader.cache_dir = tmp_path / "cache"
    facts = first.facts(first.generated)
    monkeypatch.setattr(module, "read_facts", None)  # an error where it is called
    again = build_sets()
    again.reader.cache_dir = tmp_path / "cache"
    for one, other in zip(again.facts(again.generated), facts, strict=True):
        np.testing.assert_equal(vars(one), vars(other))
    with pytest.raises(TypeError):
        again.facts(again.real)
