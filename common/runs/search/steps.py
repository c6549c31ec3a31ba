"""Steps of a search's trial: a chain of ordinary runs of bundles, such as training, inferring and evaluating."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from ...files import read_json, write_json
from ..engine import WANTED
from ..workflow_run import Options, Runner, Workflow, end_orphans

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step(Workflow):
    """One run of a bundle's workflow, whose ``run_id`` is also the name of the step and of its folder.

    ``{trial_dir}`` in the text of an option is replaced by the trial's folder; ``output_dir`` is by default the step's
    folder in it.

    Attributes:
        takes: Sampled keys that it gets; keys that no step takes go to the first.
        name: Where two steps run the same workflow.
    """

    takes: Sequence[str] = ()
    name: str | None = None

    @property
    def label(self) -> str:
        """Name of the step."""
        return self.name or self.run_id


def read_steps(entries: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Steps of a config.

    Raises:
        ValueError: One is no mapping, or has a key that no step has, or lacks one.
    """
    known, needed = [part.name for part in fields(Step)], {"run_id", "config_files"}
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not needed <= entry.keys() <= set(known):
            raise ValueError(
                f"step {number} of steps is {entry!r}, expected a mapping with run_id and config_files, and some of "
                f"{', '.join(known)}: write it so, or leave --steps out"
            )
    return [Step(**entry) for entry in entries]


def share_out(steps: Sequence[Step], keys: Sequence[str]) -> list[list[str]]:
    """Sampled keys of each step.

    Raises:
        ValueError: There is no step, two have one name, or one takes a key that is not sampled, or sets one that is.
    """
    labels = [step.label for step in steps]
    if not steps or len(set(labels)) < len(labels):
        raise ValueError(f"expected steps with names of their own, found {labels}: write them so, or leave --steps out")
    taken = {key for step in steps for key in step.takes}
    if taken - set(keys):
        raise ValueError(f"steps take {sorted(taken - set(keys))}, but the search space has only {list(keys)}")
    shares = [[key for key in keys if key in step.takes] for step in steps]
    shares[0] = [key for key in keys if key in shares[0] or key not in taken]
    for step, share in zip(steps, shares, strict=True):
        if both := [key for key in share if key in step.options]:
            raise ValueError(
                f"settings of the step {step.label} have {both[0]} {step.options[both[0]]!r}, which is sampled, "
                f"expected keys that are not: leave it out, or take {both[0]} out of the search space"
            )
    return shares


def require_apart(steps: Sequence[Step]) -> None:
    """No step is scored on the folds of the training: the best of such a search is the one that copies most."""
    trained = next(
        (step.options["folds"] for step in steps if step.run_id == "training" and "folds" in step.options), ()
    )
    for step in steps:
        if step.run_id == "training" or "folds" not in step.options:
            continue
        scored = step.options["folds"]
        one, other = _chosen(trained), _chosen(scored)
        if one & other or ("training" in one and other - {"testing"}) or ("training" in other and one - {"testing"}):
            raise ValueError(
                f"step {step.label} scores on folds {scored!r} (score_folds), and trials train on {trained!r} "
                "(train_folds), expected folds apart, as cases that a trial has seen do not tell how good it is: set "
                "--score_folds or --train_folds"
            )


def _chosen(folds: Any) -> set[int | str]:
    """Folds that an option names; ``training`` is all of them, ``testing`` the test cases."""
    sides: dict[Any, set[int | str]] = {"everything": {"training", "testing"}, "testing": {"testing"}}
    if folds is None or isinstance(folds, str):
        return sides.get(folds, {"training"})
    return set(folds) if isinstance(folds, list | tuple) else {folds}


def run_steps(
    steps: Sequence[Step],
    shares: Sequence[Sequence[str]],
    values: Mapping[str, Any],
    *,
    folder: Path,
    runner: Callable[[str, Sequence[str], Options, Path], None],
) -> float:
    """Run the steps that `folder` has not finished; the seconds they took, each from its last start.

    Args:
        steps: In their order.
        shares: Sampled keys of each.
        values: Of the sampled keys.
        folder: Of the trial.
        runner: Such as `run_workflow`, with what it shall watch.
    """
    end_orphans(folder)
    seconds = 0.0
    for step, share in zip(steps, shares, strict=True):
        done = folder / step.label / "done.json"
        if not done.is_file():
            start = time.monotonic()
            given = {"output_dir": f"{folder}/{step.label}", **step.options, **{key: values[key] for key in share}}
            # a null is given as an expression: MONAI's command line drops what is None
            options = _filled({key: "$None" if value is None else value for key, value in given.items()}, folder)
            log = folder / step.label / f"{step.run_id}.log"
            runner(step.run_id, list(step.config_files), options, log)
            write_json({"options": options, "seconds": round(time.monotonic() - start, 1)}, done)
        remedy = f"remove {done}, and the step is run again"
        seconds += read_json(done, remedy=remedy, keys=("seconds",))["seconds"]
    return seconds


def work_on_steps(
    steps: Sequence[Step],
    shares: Sequence[Sequence[str]],
    values: Mapping[str, Any],
    folder: Path,
    runner: Runner,
    *,
    watch: Callable[[], None],
) -> float:
    """On a worker of an engine: `run_steps`, while they are wanted."""
    return run_steps(steps, shares, values, folder=folder, runner=partial(runner, watch=watch, interval=WANTED))


def _filled(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return value.replace("{trial_dir}", str(folder))
    if isinstance(value, Mapping):
        return {key: _filled(item, folder) for key, item in value.items()}
    return [_filled(item, folder) for item in value] if isinstance(value, list | tuple) else value
