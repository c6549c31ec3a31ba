"""What a hyperparameter search searches, and how its trials are chosen, scored and ended early."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from optuna import pruners

from ...options.ahead import require_ahead
from ..config_content import config_content
from .objective import Objective, Series
from .space import SearchSpace
from .steps import Step, require_apart, share_out

Sampler = Literal["grid", "tpe"]
_PRUNERS = {"none": pruners.NopPruner, "median": pruners.MedianPruner, "hyperband": pruners.HyperbandPruner}
_PLACES = ("dataset_dir", "datalist", "cache_dir", "device", "num_workers")  # may differ between machines


@dataclass
class Pruning:
    """What ends a trial early.

    Attributes:
        pruner: ``none``, ``median`` or ``hyperband``.
        options: Of Optuna's class.
        series: By which trials are pruned.
    """

    pruner: str = "none"
    options: Mapping[str, Any] | None = None
    series: Series | None = None

    def build(self) -> pruners.BasePruner:
        """Optuna's pruner.

        Raises:
            ValueError: There is none of this name, or it has no series to go by.
        """
        if self.pruner not in _PRUNERS:
            raise ValueError(f"pruner '{self.pruner}': expected {', '.join(_PRUNERS)}")
        if self.pruner != "none" and self.series is None:
            raise ValueError(
                f"pruner '{self.pruner}' has series None, expected a file and column of a score that grows with "
                "the trial: set --series"
            )
        return _PRUNERS[self.pruner](**(self.options or {}))


@dataclass
class SearchPlan:
    """What is searched: all that two searches must share for their trials to be comparable, but places and pruning.

    Attributes:
        space: Sampled keys and what is tried for each.
        steps: Of a trial.
        objective: By which trials are compared.
        sampler: All combinations, or the tree-structured Parzen estimator.
        trials: How many with ``tpe``; a grid may be cut to its first ones.
        seed: Of the sampler; each trial's own is the sum of it and the trial's place.
        pruning: What ends trials early; by default nothing.
        marks: Name → values of a combination that the report points out.
        points: Values of the first trials, as a study stores them; none where the sampler draws them.
        shares: Sampled keys of each step.

    Raises:
        ValueError: What cannot be searched: see `share_out`, `check_steps`, `SearchSpace.grid`.
    """

    space: SearchSpace
    steps: Sequence[Step]
    objective: Objective
    sampler: Sampler = "grid"
    trials: int | None = None
    seed: int = 0
    pruning: Pruning = field(default_factory=Pruning)
    marks: Mapping[str, Mapping[str, Any]] | None = None
    points: list[dict[str, Any]] = field(init=False)
    shares: list[list[str]] = field(init=False)

    def __post_init__(self) -> None:
        if self.sampler not in get_args(Sampler):
            raise ValueError(f"sampler '{self.sampler}': expected {' or '.join(get_args(Sampler))}")
        if self.sampler == "tpe" and self.space.combinations is not None:
            raise ValueError("a list of combinations is a grid: use --sampler grid")
        if self.sampler == "tpe" and not self.trials:
            raise ValueError("how many trials? set --trials, such as 50")
        self.points = self.space.grid()[: self.trials] if self.sampler == "grid" else []
        self.shares = share_out(self.steps, list(self.space.content))
        check_steps(self.steps, self.shares, self.space.content)

    @property
    def count(self) -> int:
        """Number of trials."""
        return self.trials or len(self.points)

    def describe(self) -> dict[str, Any]:
        """What must be equal for trials to be comparable, as plain values."""
        steps = [
            {
                "run_id": step.run_id,
                "config_files": [Path(path).name for path in step.config_files],
                "content": config_content(step.config_files),
                "options": {key: value for key, value in step.options.items() if key not in _PLACES},
            }
            for step in self.steps
        ]
        return {
            "space": self.space.combinations or self.space.content,
            "objective": self.objective.key,
            "direction": self.objective.direction,
            "sampler": self.sampler,
            "seed": self.seed,
            "steps": steps,
        }


def check_steps(steps: Sequence[Step], shares: Sequence[Sequence[str]], tried: Mapping[str, Any]) -> None:
    """Every key that a step is given must be one of its config, with values that it may have.

    Args:
        steps: In their order.
        shares: Sampled keys of each.
        tried: Values of the sampled keys: a list, or a range with ``low`` and ``high``.

    Raises:
        ValueError: A config file is missing, or lacks a key, or a value is none that the key may have; or trials are
            scored on cases that they train on.
    """
    require_apart(steps)
    runs = []
    for step, share in zip(steps, shares, strict=True):
        values = {key: [tried[key]["low"], tried[key]["high"]] if "low" in tried[key] else tried[key] for key in share}
        for number in range(max(map(len, values.values()), default=1)):  # one of each key at a time: each at least once
            options = {key: listed[min(number, len(listed) - 1)] for key, listed in values.items()}
            runs.append((f"step {step.label}", step.config_files, {**step.options, **options}))
    require_ahead(runs)
