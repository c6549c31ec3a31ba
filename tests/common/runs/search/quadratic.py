"""A training and its score that take no time, and what is searched in the tests of this folder."""

import json

from common.runs.search.objective import Series

SPACE = {"x": [-1, 0, 2], "y": [0.5, 1.5]}
STEPS = [{"run_id": "training"}, {"run_id": "evaluating"}]
SERIES = Series("score", file="{trial_dir}/training/series.csv", step="step")


class Runner:
    """Trains in no time: the score is (x - 0.3)² + y, its series falls towards it; remembers the calls."""

    def __init__(self, fail=lambda options: False, kill=lambda options: False):
        self.calls, self.fail, self.kill = [], fail, kill

    def __call__(self, run_id, configs, options, log, *, watch, interval):
        self.calls.append((run_id, dict(options), log))
        log.parent.mkdir(parents=True, exist_ok=True)
        if run_id == "training":
            self.train(options, log.parent, watch)
        else:
            score = json.loads((log.parents[1] / "training" / "score.json").read_text())
            (log.parent / "metrics.json").write_text(json.dumps({"scores": {"a/b": {"value": score}, "n": [3, 4]}}))

    def train(self, options, folder, watch):
        if self.fail(options):
            raise RuntimeError("out of memory\nat line 3")
        score = (options["x"] - 0.3) ** 2 + options.get("y", 0)
        with (folder / "series.csv").open("w") as file:
            file.write("step,score\n")
            for step in range(5):
                file.write(f"{step},{score + 1 / (step + 1)}\n")
                file.flush()
                watch()
            if self.kill(options):
                raise KeyboardInterrupt
        (folder / "score.json").write_text(json.dumps(score))

    def trained(self):
        return [(options["x"], options.get("y")) for run_id, options, _ in self.calls if run_id == "training"]
