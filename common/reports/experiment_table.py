"""The rows of an experiment's table, and whether the table has head-room."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..files import read_json
from ..metrics.arms import COMPARISON, Scores, compare_arms
from ..metrics.head_room import HeadRoom, Loss, head_room
from ..runs.arms import Arm, chain
from ..runs.experiment import Experiment
from .learning_curves import LOSSES
from .loss_curves import read_losses

Row = dict[str, Any]
_NUMBER_OF_CASES = ("real_count", "real_fraction")


class ExperimentTable:
    """Compares the arms of an experiment on their test cases.

    Args:
        experiment: Its arms have run.
        scores: What its `run` returned.
        replicates: Of the bootstrap over cases and seeds.
        seed: Of it.
    """

    def __init__(
        self, experiment: Experiment, scores: Mapping[str, Sequence[Scores]], *, replicates: int, seed: int
    ) -> None:
        self.experiment = experiment
        self.scores = scores
        self.bootstrap = {"replicates": replicates, "seed": seed}
        first = experiment.compared[0].name
        self.baselines = {arm.name: arm.baseline or first for arm in experiment.compared}

    def rows(self) -> list[Row]:
        """A row an arm: `compare_arms` with its own baseline, the scores beside Dice, what it was trained on."""
        first = self.experiment.compared[0].name
        compared: dict[str, Row] = {}
        for baseline in dict.fromkeys(self.baselines.values()):
            family = {baseline: self.scores[baseline]}
            family |= {name: self.scores[name] for name, other in self.baselines.items() if other == baseline}
            found = compare_arms(family, baseline=baseline, **self.bootstrap)
            compared |= {row["arm"]: row for row in found if row["arm"] != baseline or row["arm"] == first}
        return [self._row(arm, compared[arm.name]) for arm in self.experiment.compared]

    def alike(self) -> set[str]:
        """Arms that differ from their baseline in the number of real cases alone, so that they try out nothing."""
        arms = {arm.name: arm for arm in self.experiment.compared}
        return {name for name, other in self.baselines.items() if kind(arms[name]) == kind(arms[other])}

    def head_rooms(self, rows: Sequence[Row]) -> dict[str, HeadRoom]:
        """By baseline, whether it leaves room for a gain, see `head_room`.

        Baselines of arms that differ in more than the number of real cases; where there are none, as in a learning
        curve, every arm.
        """
        arms = {arm.name: arm for arm in self.experiment.compared}
        real = {row["arm"]: int(row["real"]) for row in rows}
        tried_on = [self.baselines[name] for name in arms if name not in self.alike()]
        found = {}
        for baseline in dict.fromkeys(tried_on or arms):
            alike = [name for name, arm in arms.items() if kind(arm) == kind(arms[baseline])]
            family = {name: self.scores[name] for name in alike if real[name] < real[baseline]}
            family[baseline] = self.scores[baseline]
            fewer = compare_arms(family, baseline=baseline, **self.bootstrap)
            found[baseline] = head_room(
                real[baseline], [_loss(real[row["arm"]], row) for row in fewer if row["arm"] != baseline]
            )
        return found

    def notes(self) -> list[str]:
        """What the trainings say of how their real cases were prepared beside generated ones, each once."""
        models = [
            model for arm in self.experiment.compared for one in self._metrics(arm) for model in one["checkpoints"]
        ]
        return sorted({f"Note: {note}." for model in models for note in model["training"].get("notes") or []})

    def _metrics(self, arm: Arm) -> list[dict[str, Any]]:
        """What the evaluation of each seed found."""
        folders = [self.experiment.evaluation_dir(arm.name, seed) for seed in self.experiment.seeds]
        remedy = "remove its folder, and start the experiment again"
        keys = ("scores", "checkpoints")
        return [read_json(folder / "metrics.json", remedy=remedy, keys=keys) for folder in folders]

    def _row(self, arm: Arm, compared: Row) -> Row:
        metrics = self._metrics(arm)
        scores = [one["scores"]["foreground"] for one in metrics]
        models = [model for one in metrics for model in one["checkpoints"]]
        training = models[0]["training"]
        return {
            **{key: value for key, value in compared.items() if key not in COMPARISON},
            "aggregated_dice": _mean([one["aggregated_dice"]["value"] for one in scores]),
            "hd95_mm": _mean([one["hd95_mm"]["value"] for one in scores]),
            "nsd": _mean([one["nsd"]["value"] for one in scores if "nsd" in one]),  # older evaluations lack these
            "lesion_f1": _mean([one["lesion_f1"]["value"] for one in scores if "lesion_f1" in one]),
            "empty_predictions": sum(one["empty_predictions"] for one in scores),
            "baseline": None if compared["difference"] is None else self.baselines[arm.name],
            **{key: compared[key] for key in COMPARISON},
            "models": len(models),
            "real": training["counts"]["real"],
            "generated": training["counts"]["generated"],
            "generated_share": " → ".join(f"{share:.0%}" for share in training.get("generated_share") or []) or None,
            "generator_cases_beyond_real": (training.get("generated") or {}).get("generator_cases_beyond_real"),
            "updates": self._updates(arm),
            "minutes": round(self.experiment.seconds(arm.name) / 60, 1),
            "leakage": "; ".join(sorted({model["leakage"] for model in models if model["leakage"]})) or None,
        }

    def _updates(self, arm: Arm) -> int | None:
        """Steps of one of the arm's trainings, those of its pre-trainings included; None where no file tells."""
        seed = self.experiment.seeds[0]
        parts = [self.experiment.training_dirs(part.name, seed)[0] for part in chain(arm, self.experiment.arms)]
        if not all((folder / LOSSES).is_file() for folder in parts):
            return None
        return sum(int(read_losses(folder / LOSSES)[0][-1]) for folder in parts)


def kind(arm: Arm) -> str:
    """What an arm is beside its number of real cases: arms of one kind lie on one curve."""
    options = {key: value for key, value in arm.options.items() if key not in _NUMBER_OF_CASES}
    rest = [sorted(options.items()), list(arm.overlays), list(arm.evaluate_overlays), arm.start_from, arm.updates]
    return json.dumps(rest, default=str)


def curves_over_cases(arms: Sequence[Arm], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of arms that differ in their number of real cases alone, by what they have in common; two rows at least.

    The curve of real cases alone comes first. Others are named after their arm of most cases.
    """
    series: dict[str, list[tuple[Arm, Row]]] = {}
    for arm, row in zip(arms, rows, strict=True):
        if row["real"]:
            series.setdefault(kind(arm), []).append((arm, row))
    alone = kind(Arm("real", updates=1.0))
    curves: dict[str, list[Row]] = {}
    for key, line in sorted(series.items(), key=lambda item: item[0] != alone):
        if len({row["real"] for _, row in line}) > 1:
            largest = max(line, key=lambda item: item[1]["real"])[0]
            curves["real cases alone" if key == alone else largest.name] = [row for _, row in line]
    return curves


def _loss(cases: int, row: Row) -> Loss:
    low, high = row["difference_low"], row["difference_high"]
    return Loss(cases, -row["difference"], None if high is None else -high, None if low is None else -low)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
