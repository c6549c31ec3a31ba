"""The cases of an evaluator's iteration."""

from types import SimpleNamespace

import pytest

from common.handlers.decollated import decollated


def test_items_come_with_their_outputs():
    engine = SimpleNamespace(
        state=SimpleNamespace(batch=[{"case_id": "a"}, {"case_id": "b"}], output=[{"pred": 1}, {}])
    )
    assert list(decollated(engine)) == [({"case_id": "a"}, {"pred": 1}), ({"case_id": "b"}, {})]


def test_an_output_too_few_is_no_case_left_out():
    engine = SimpleNamespace(state=SimpleNamespace(batch=[{}, {}], output=[{}]))
    with pytest.raises(ValueError, match="shorter"):
        list(decollated(engine))
