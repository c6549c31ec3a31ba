"""Arms of an experiment: which there are, what each trains, and with how many of the experiment's updates."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from ..data.choose_real import count_training
from ..data.generated_set import LIST_NAME
from ..files import read_json
from .workflow_run import Options

logger = logging.getLogger(__name__)
EPOCHS = 100  # that a number of updates is cut into, where the settings say nothing
_FILES = ("overlays", "evaluate_overlays")
_LARGEST = 1000  # denominator of a share: 0.3333 is a third


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment.

    Attributes:
        name: In the table; also the name of its folder.
        options: Flat keys of the training's config that this arm sets.
        start_from: Name of the arm whose models this one's trainings start from (``init_from``).
        baseline: Name of the arm that this one is compared with; by default the first.
        overlays: Config files laid over those of this arm's trainings, and not over its evaluation.
        evaluate_overlays: Config files laid over those of its evaluation, such as that of another network.
        updates: Share of the experiment's updates that its own training takes; by default what the arm that it starts
            from leaves, or all. An arm that takes a part of them, and that others start from, is a pre-training: it is
            not compared.
    """

    name: str
    options: Options = field(default_factory=dict)
    start_from: str | None = None
    baseline: str | None = None
    overlays: Sequence[str] = ()
    evaluate_overlays: Sequence[str] = ()
    updates: float | None = None


def read_arms(entries: Sequence[Mapping[str, Any]]) -> list[Arm]:
    """Arms of a config.

    Raises:
        ValueError: There is none, or one has no name, a key that no arm has, or a value of another kind.
    """
    known = [part.name for part in fields(Arm)]
    if not isinstance(entries, list | tuple) or not entries:
        raise ValueError(f"arms is {entries!r}, expected one or more in a list: name them, as [{{'name': 'real'}}]")
    for number, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not any(letter.isalnum() for letter in name):
            raise ValueError(
                f"arm {number} of arms is {entry!r}, expected a mapping with a name of letters: give it one"
            )
        if unknown := sorted(entry.keys() - set(known)):
            found = f"arm '{name}' of arms has {', '.join(unknown)}"
            raise ValueError(f"{found}, expected some of {', '.join(known)}: mend or leave it out")
        kinds = {"options": (dict, "a mapping"), **dict.fromkeys(_FILES, (list, "a list of files"))}
        for key, (kind, words) in kinds.items():
            if not isinstance(value := entry.get(key, kind()), kind):
                raise ValueError(f"arm '{name}' of arms has {key} {value!r}, expected {words}: write it so")
    return [Arm(**entry) for entry in entries]


def training_length(
    updates: int | None,
    settings: Options,
    configs: Sequence[str | Path],
    *,
    datalist: str | Path,
    fold: int | str,
    equal_updates: bool = True,
) -> dict[str, int]:
    """Flat keys that give the trainings of all arms one length, ``max_epochs`` and ``epoch_steps``.

    Args:
        updates: Steps of a training; None is as many as ``max_epochs`` passes over the real training cases.
        settings: Flat keys of all trainings; what they say of the two keys stays.
        configs: Of the trainings, in their order, whose flat keys hold where the settings say nothing.
        datalist, fold: Which real training cases there are.
        equal_updates: False leaves the length of an epoch to each arm, which has its own cases.

    Raises:
        ValueError: The settings have ``epoch_steps`` beside `updates`, or the epochs do not divide the updates.
    """
    if updates is not None:
        epochs = settings.get("max_epochs", EPOCHS)
        if "epoch_steps" in settings:
            raise ValueError(
                f"updates is {updates}, and settings have epoch_steps {settings['epoch_steps']}: leave one out"
            )
        if updates < 1 or updates % epochs:
            raise ValueError(f"updates is {updates}, expected a multiple of {epochs} epochs (max_epochs): set it so")
        return {"max_epochs": epochs, "epoch_steps": updates // epochs}
    if missing := [str(path) for path in configs if not Path(path).is_file()]:
        raise ValueError(f"overlays: no config files {missing}, expected YAML files: name others")
    flat = {**ConfigParser.load_config_files(list(map(str, configs))), **settings}
    found = {key: flat[key] for key in ("max_epochs", "epoch_steps") if isinstance(flat.get(key), int)}
    if "epoch_steps" not in found and equal_updates:
        cases = count_training(datalist, fold=fold, folds=settings.get("real_folds"))
        found["epoch_steps"] = max(1, cases // int(flat["batch_size"]))
    return found


def planned_arms(
    arms: Sequence[Arm], *, settings: Options, seeds: Sequence[int | None] = (None,), equal_updates: bool = False
) -> list[Arm]:
    """The arms with their shares of the updates written out, and the length of the trainings that take a part.

    Args:
        arms: One that others start from, or are compared with, stands before them.
        settings: Flat keys of all trainings; an arm's own win.
        seeds: Of the trainings of every arm.
        equal_updates: Every arm that is compared takes the same updates in all, its pre-training's included.

    Raises:
        ValueError: Arms of one name or folder, an arm that needs one that does not stand before it, an option without
            value, a seed of its own beside several seeds, a share that is none or that leaves nothing, or unequal
            updates.
    """
    _check(arms, seeds)
    planned: dict[str, Arm] = {}
    for arm in arms:
        start = planned.get(arm.start_from or "")
        left = 1 - _total(start, planned) if start and equal_updates else Fraction(1)
        share = left if arm.updates is None else Fraction(arm.updates).limit_denominator(_LARGEST)
        if share <= 0:
            raise ValueError(
                f"arm '{arm.name}' starts from '{arm.start_from}', which takes all updates, so that none are left: let "
                "it start from a pre-training of its own with `updates: 0.5`, or set --equal_updates False"
            )
        options = dict(arm.options)
        if share != 1:
            options |= _part(arm, share, {**settings, **options})
        planned[arm.name] = replace(arm, updates=float(share), options=options)
    if equal_updates:
        _check_equal(list(planned.values()), settings)
    return list(planned.values())


def compared_arms(arms: Sequence[Arm]) -> list[Arm]:
    """The planned arms without pre-trainings: those that others start from, at a part of the updates."""
    by_name = {arm.name: arm for arm in arms}
    starts = {arm.start_from for arm in arms}
    return [arm for arm in arms if not (arm.name in starts and _total(arm, by_name) < 1)]


def chain(arm: Arm, arms: Sequence[Arm]) -> list[Arm]:
    """The arm and those that it starts from at a part of the updates, its pre-trainings, the first one first."""
    by_name, compared = {one.name: one for one in arms}, {one.name for one in compared_arms(arms)}
    found = [arm]
    while (start := by_name.get(found[0].start_from or "")) and start.name not in compared:
        found.insert(0, start)
    return found


def without_too_large(
    arms: Sequence[Arm], *, settings: Options, datalist: str | Path, folds: Sequence[int | str]
) -> tuple[list[Arm], dict[str, str]]:
    """The arms that the data suffice for, and by name of the others why they are left out.

    Args:
        arms: In their order; what is compared with an arm that is left out, or starts from it, is left out too.
        settings: Flat keys of all trainings; an arm's own win.
        datalist: Of the real cases.
        folds: Validation folds.

    Raises:
        ValueError: An arm names a fold that the list does not have, or one that validates.
    """
    reasons: dict[str, str] = {}
    for arm in arms:
        options = {**settings, **arm.options}
        if gone := [name for name in (arm.start_from, arm.baseline) if name in reasons]:
            reasons[arm.name] = f"it needs the arm '{gone[0]}'"
        elif lack := next(filter(None, (_lack(options, datalist, fold) for fold in folds)), None):
            reasons[arm.name] = lack
    for name, reason in reasons.items():
        logger.warning("arm '%s' is left out: %s", name, reason)
    return [arm for arm in arms if arm.name not in reasons], reasons


def _lack(options: Options, datalist: str | Path, fold: int | str) -> str | None:
    """What a training wants that there is not, in words."""
    real, generated, folds = options.get("real_count"), options.get("generated_count"), options.get("real_folds")
    there = count_training(datalist, fold=fold, folds=folds)
    if real is not None and real > there:
        return f"it needs {real} real training cases, there are {there}"
    listed = Path(str(options.get("generated_dir")).replace("{fold}", str(fold))) / LIST_NAME
    if isinstance(generated, int) and listed.is_file():  # what is no set, the training says
        remedy = "make the set again with `run inferring`"
        there = len(read_json(listed, remedy=remedy, keys=("training",))["training"])
        return f"it needs {generated} generated cases, {listed.parent} has {there}" if generated > there else None
    return None


def slug(name: str) -> str:
    """Name of an arm's folder."""
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)


def selected(arms: Sequence[Arm], only: Sequence[str] | None) -> list[Arm]:
    """The arms named and the pre-trainings that they start from, in their order; None is all.

    Raises:
        ValueError: A name that there is not, or none.
    """
    names = [arm.name for arm in arms]
    if only is not None and (unknown := [name for name in only if name not in names]):
        raise ValueError(f"only has no arms {unknown}, expected some of {names}: name these")
    if only is not None and len(set(only)) < len(only):
        raise ValueError(f"only is {list(only)}, expected each arm once: leave the others out")
    wanted = set(names if only is None else only)
    for arm in reversed(arms):  # a start stands before
        if arm.updates is not None and arm.name in {one.start_from for one in arms if one.name in wanted}:
            wanted.add(arm.name)
    if not wanted:
        raise ValueError(f"only is [], expected some of {names}: name these, or leave --only out")
    return [arm for arm in arms if arm.name in wanted]


def _check(arms: Sequence[Arm], seeds: Sequence[int | None]) -> None:
    seen: dict[str, str] = {}
    for arm in arms:
        if slug(arm.name) in seen:
            raise ValueError(f"arms '{seen[slug(arm.name)]}' and '{arm.name}' have one folder: give each its own name")
        for verb, other in (("starts from", arm.start_from), ("is compared with", arm.baseline)):
            if other is not None and other not in seen.values():
                raise ValueError(f"arm '{arm.name}' {verb} '{other}', which must be run too and stand before it")
        for key in (key for key, value in arm.options.items() if value is None):
            raise ValueError(f"arm '{arm.name}' needs {key}: set --{key}, or leave such arms out with --only")
        if "seed" in arm.options and len(seeds) > 1:
            raise ValueError(
                f"arm '{arm.name}' has a seed of its own, but the seeds are {list(seeds)}, expected one of the "
                "two: leave it out of the arm, or set --seeds '$None'"
            )
        seen[slug(arm.name)] = arm.name


def _total(arm: Arm | None, by_name: Mapping[str, Arm]) -> Fraction:
    """Share of the updates behind an arm's models, those that it starts from included."""
    if arm is None:
        return Fraction(0)
    return Fraction(arm.updates or 0).limit_denominator(_LARGEST) + _total(by_name.get(arm.start_from or ""), by_name)


def _part(arm: Arm, share: Fraction, options: Options) -> dict[str, int]:
    """``max_epochs``, and ``epoch_steps`` where it is known, of a training that takes a share of the updates.

    Epochs are as long as those of other arms where that goes up, and else as near to it as whole numbers allow.
    """
    epochs, steps = options.get("max_epochs"), _steps(options)
    if epochs is None:
        raise ValueError(
            f"arm '{arm.name}' takes {float(share):g} of the updates, but nothing says how many there are: set "
            "--updates, or max_epochs in --settings"
        )
    own = share * (epochs if steps is None else steps)
    if own < 1 or own.denominator != 1:
        unit = f"{epochs} epochs" if steps is None else f"{steps} updates"
        raise ValueError(f"arm '{arm.name}' takes {float(share):g} of {unit}, which is no whole number")
    if steps is None:
        return {"max_epochs": int(own)}
    whole = min((n for n in range(1, int(own) + 1) if own % n == 0), key=lambda n: abs(n - share * epochs))
    return {"max_epochs": whole, "epoch_steps": int(own) // whole}


def _check_equal(arms: Sequence[Arm], settings: Options) -> None:
    """Refuse shares, or known numbers of steps, that differ between the arms that are compared."""
    by_name, lengths = {arm.name: arm for arm in arms}, {}
    for arm in compared_arms(arms):
        if (total := _total(arm, by_name)) != 1:
            raise ValueError(
                f"arm '{arm.name}' takes {float(total):g} of the updates, its pre-training's included, expected a "
                "share of 1: mend its `updates`, or set --equal_updates False"
            )
        steps = [_steps({**settings, **part.options}) for part in chain(arm, arms)]
        if None not in steps:
            lengths[arm.name] = sum(step for step in steps if step is not None)
    if len(set(lengths.values())) > 1:
        (first, wanted), *others = lengths.items()
        name, found = next(item for item in others if item[1] != wanted)
        raise ValueError(
            f"arm '{name}' has {found} updates in all, '{first}' has {wanted}: arms compare at equal updates alone. "
            "Mend max_epochs or epoch_steps in its options, or set --equal_updates False"
        )


def _steps(options: Options) -> int | None:
    """Length of a training where its options tell."""
    epochs, steps = options.get("max_epochs"), options.get("epoch_steps")
    return None if epochs is None or steps is None else epochs * steps
