"""Search space: flat keys of a config with the values that a hyperparameter search tries."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from optuna import Trial
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

_NUMBER = re.compile(r"[-+]?\d*\.?\d+e[-+]?\d+", re.IGNORECASE)
Distribution = CategoricalDistribution | IntDistribution | FloatDistribution
_RANGE = {"low", "high", "log", "step"}


class SearchSpace:
    """Flat keys with what is tried for each: a list of values, or a range ``{low, high, log, step}``.

    A range between whole numbers is drawn in whole numbers. Lists may hold lists, such as HU windows; a list of one
    value fixes a key. A list of combinations, each with a value for every key, is a grid of these alone: a fraction of
    a factorial design, or experiments that were chosen by hand.

    Args:
        keys: Mapping of them, a list of combinations, or a YAML file with either.

    Raises:
        ValueError: No key, an empty list, a value twice, a range that is none, or combinations of unequal keys.
    """

    def __init__(self, keys: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | Path) -> None:
        found = _read(keys)
        self.combinations = found if isinstance(found, list) else None
        self.content = _columns(found) if isinstance(found, list) else found
        self._values: dict[str, dict[Any, Any]] = {}
        self.distributions = {key: self._distribution(key, tried) for key, tried in self.content.items()}

    def varying(self) -> list[str]:
        """Keys of which more than one value is tried."""
        return [key for key, distribution in self.distributions.items() if not distribution.single()]

    def grid(self) -> list[dict[str, Any]]:
        """All combinations, the last key fastest, or those that were listed, as a study stores them.

        Raises:
            ValueError: A key has a range.
        """
        if self.combinations is not None:
            return [{key: _label(value) for key, value in point.items()} for point in self.combinations]
        ranges = [key for key in self.content if key not in self._values]
        if ranges:
            raise ValueError(f"a grid needs value lists, but {', '.join(ranges)} has a range: use --sampler tpe")
        return [dict(zip(self._values, point, strict=True)) for point in itertools.product(*self._values.values())]

    def suggest(self, trial: Trial) -> dict[str, Any]:
        """Values of a trial, as its study stores them."""
        values: dict[str, Any] = {}
        for key, tried in self.distributions.items():
            if isinstance(tried, CategoricalDistribution):
                values[key] = trial.suggest_categorical(key, tried.choices)
            elif isinstance(tried, IntDistribution):
                values[key] = trial.suggest_int(key, tried.low, tried.high, step=tried.step, log=tried.log)
            else:
                values[key] = trial.suggest_float(key, tried.low, tried.high, step=tried.step, log=tried.log)
        return values

    def decode(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the config takes them, from those of a study."""
        return {key: self._values[key][params[key]] if key in self._values else params[key] for key in params}

    def _distribution(self, key: str, tried: Any) -> Distribution:
        if isinstance(tried, Mapping):
            if not {"low", "high"} <= set(tried) <= _RANGE:
                raise ValueError(
                    f"{key}: a range has low and high, and may have log and step, found {dict(tried)}: mend --space"
                )
            whole = all(isinstance(tried.get(part, 1), int) for part in ("low", "high", "step"))
            try:
                return IntDistribution(**tried) if whole else FloatDistribution(**tried)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{key}: {dict(tried)} is no range: {error} Set low to at most high.") from error
        if not isinstance(tried, list) or not tried:
            raise ValueError(
                f"{key}: expected a list of values or {{low, high, log, step}}, found {tried!r}: mend --space"
            )
        values = {_label(value): value for value in tried}
        if len(values) != len(tried):
            raise ValueError(f"{key}: a value stands twice in {tried}, expected each once: leave one out")
        self._values[key] = values
        return CategoricalDistribution(list(values))


def _read(keys: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | Path) -> Any:
    if isinstance(keys, str | Path):
        path = Path(keys)
        if not path.is_file():
            raise ValueError(
                f"no search space at {path}: expected a YAML file of flat keys with value lists or "
                "ranges: name another --space"
            )
        keys = yaml.safe_load(path.read_text())
    if not isinstance(keys, Mapping | list | tuple) or not keys:
        raise ValueError(
            f"expected a search space of flat keys with value lists or ranges, found {keys!r}: set --space"
        )
    return _numbers(keys)


def _columns(points: Sequence[Any]) -> dict[str, list[Any]]:
    """Each key's values, in the order of the combinations.

    Raises:
        ValueError: A combination is none, has other keys than the first, or stands twice.
    """
    for place, point in enumerate(points):
        if not isinstance(point, Mapping) or point.keys() != points[0].keys() or not point:
            raise ValueError(
                f"combination {place}: expected a value for each key of the first one, found {point!r}: mend --space"
            )
        if point in points[:place]:
            raise ValueError(f"combination {place} stands twice: {point}, expected each once: leave one out")
    return {key: list({json.dumps(point[key]): point[key] for point in points}.values()) for key in points[0]}


def _numbers(value: Any) -> Any:
    """YAML reads 1e-4 as text."""
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _label(value: Any) -> Any:
    """What a study can store: lists as JSON."""
    return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)
