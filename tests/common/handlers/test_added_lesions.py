import logging

import pytest
from ignite.engine import Engine

from common.handlers.added_lesions import AddedLesions
from common.transforms import PasteLesiond
from tests.common.transforms.lesion_cases import donors


@pytest.fixture
def run(caplog):
    """Function (batches of texts) -> the training's record and the messages of a run over them."""

    def run(batches):
        caplog.set_level(logging.INFO)
        engine, record = Engine(lambda engine, batch: None), {}
        AddedLesions(record, PasteLesiond(donors()), {"prob": 0.5}).attach(engine)
        engine.run([{"lesion_from": batch} for batch in batches], max_epochs=1)
        return record["added_lesions"], [(r.levelname, r.getMessage()) for r in caplog.records if "draws" in r.msg]

    return run


def test_the_record_says_how_from_whom_and_how_often(run):
    record, ((level, message),) = run([["", "c0"], ["no place", "c0"]])
    assert record == {
        **{"transform": "PasteLesiond", "prob": 0.5, "donors": ["c0"]},
        **{"draws": 4, "added": 2, "no_place": 1},
    }
    assert level == "INFO" and message.startswith("2 of 4 draws were given a lesion; in 1 more")


def test_a_run_whose_lesions_mostly_find_no_place_is_warned_of(run):
    _, ((level, _),) = run([["no place", "c0"], ["no place", ""]])
    assert level == "WARNING"
