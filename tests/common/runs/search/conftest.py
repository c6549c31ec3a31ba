"""Searches whose trainings take no time."""

import collections
from dataclasses import fields

import optuna
import pytest

from common.runs.search.objective import Objective
from common.runs.search.plan import SearchPlan
from common.runs.search.search import Execution, Search
from common.runs.search.space import SearchSpace
from common.runs.search.steps import Step
from tests.common.runs.search.quadratic import SPACE, STEPS, Runner

EXECUTION = [field.name for field in fields(Execution)]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("x: 0\ny: 0\nlr_g: 1\noutput_dir: .\nmax_steps: 1\nwindow: null\n")
    return str(path)


@pytest.fixture
def search(tmp_path, config):
    """Function (runner, **options) -> the search in tmp_path / search; its storages are in memory, one a folder."""
    storages = collections.defaultdict(optuna.storages.InMemoryStorage)

    def build(runner=None, space=SPACE, steps=STEPS, key="scores.a/b.value", direction="minimize", **options):
        steps = [Step(**{"config_files": [config], **step}) for step in steps]
        settings = {"output_dir": tmp_path / "search", "runner": runner or Runner()}
        settings |= {name: options.pop(name) for name in EXECUTION if name in options}
        settings.setdefault("storage", storages[settings["output_dir"]])
        plan = SearchPlan(SearchSpace(space), steps, Objective(key, direction=direction), **options)
        return Search(plan, Execution(**settings))

    return build
