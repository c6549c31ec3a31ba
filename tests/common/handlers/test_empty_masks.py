import pytest
from ignite.engine import Engine

from common.handlers.empty_masks import EmptyMasks


@pytest.fixture
def run(caplog):
    """Function (batches of names, number of cases) -> the handler's names and the warnings of a run over them."""

    def run(batches, num_cases):
        engine, handler = Engine(lambda engine, batch: None), EmptyMasks(num_cases)
        handler.attach(engine)
        record = {"empty_masks": handler.names}
        engine.run([{"empty_mask": batch} for batch in batches], max_epochs=1)
        assert record["empty_masks"] is handler.names
        return handler.names, [entry.getMessage() for entry in caplog.records]

    return run


def test_one_warning_counts_and_names_the_cases_once_all_were_drawn(run):
    names, warnings = run([["", "b"], ["a", ""], ["b", ""]], 4)
    assert names == ["a", "b"]
    (warning,) = warnings
    assert warning.startswith("2 of 4 training cases have a mask that is empty on the grid of this training: a, b. ")


def test_a_run_that_ends_before_warns_at_its_end(run):
    names, warnings = run([[f"c{i}", ""] for i in range(7)], 100)
    assert names == [f"c{i}" for i in range(7)]
    (warning,) = warnings
    assert "7 of 100 training cases" in warning and "c0, c1, c2, c3, c4, …. " in warning


def test_nothing_is_said_of_masks_that_are_there(run):
    assert run([["", ""], ["", ""]], 4) == ([], [])


def test_a_run_that_goes_on_knows_what_was_found_before(run):
    first, second = EmptyMasks(4), EmptyMasks(4)
    first.names[:], first._seen = ["a"], 3
    kept = second.names
    second.load_state_dict(first.state_dict())
    assert (second.names, second._seen) == (["a"], 3)
    assert second.names is kept  # which the training's record holds
