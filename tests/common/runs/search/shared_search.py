"""A search whose trials take a second, as one of several machines that share a study in a database."""

import time
from pathlib import Path

from common.runs.search import search as module
from common.runs.search import study
from common.runs.search.objective import Objective
from common.runs.search.plan import SearchPlan
from common.runs.search.space import SearchSpace
from common.runs.search.steps import Step
from tests.common.runs.search.quadratic import STEPS, Runner

SPACE = {"x": [-1, 0, 2], "y": [0.5, 1.5]}


class Slow(Runner):
    """Notes who trains which trial, and takes a second."""

    def __init__(self, host):
        super().__init__()
        self.host = host

    def train(self, options, folder, watch):
        with (folder / "hosts").open("a") as file:
            file.write(f"{self.host}\n")
        for _ in range(5):
            time.sleep(0.2)
            watch()
        super().train(options, folder, watch)


def work(folder, *, storage, host, patience=4.0):
    """Take part as the machine `host`, whose processes other machines cannot see; the rows at the end."""
    module._BEAT = 0.5  # seconds
    study.socket.gethostname = lambda: host
    config = Path(folder) / "train.yaml"
    config.write_text("x: 0\ny: 0\noutput_dir: .\n")
    steps = [Step(config_files=[str(config)], **step) for step in STEPS]
    plan = SearchPlan(SearchSpace(SPACE), steps, Objective("scores.a/b.value"))
    (Path(folder) / f"{host}.ready").touch()
    while len(list(Path(folder).glob("*.ready"))) < 2:  # so that one has not done all the work before the other comes
        time.sleep(0.1)
    given = {"storage": storage, "runner": Slow(host), "patience": patience, "interval": 0.2}
    return module.Search(plan, module.Execution(Path(folder) / "search", **given)).run()
