"""Which real cases train a segmenter, which validate it, and which it must not have seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .cases import OnBadCase, resolve_cases
from .datalist import read_datalist, select_cases, source_case
from .nested_order import nested_order

Entry = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RealOptions:
    """Which of the real cases are asked for; messages name them as the config's keys do.

    Attributes:
        datalist: Path of the real list.
        dataset_dir: Folder that its paths are relative to; by default its own.
        fold: Validates, the others train, the test cases do neither; ``all`` or None trains on all, without validation.
        use: False trains on none of them, and still validates on the fold.
        fraction: Of the training cases, in (0, 1]; smaller subsets of one seed lie in larger ones, each centre in
            proportion.
        count: Of the training cases, in place of a fraction; nested in the same way.
        folds: Folds that train, such as those of another site than the generator's; by default all but the validation
            fold.

    Raises:
        ValueError: The fraction is no share, or stands beside a count; the count is below 1; the fold is neither a
            number nor ``all``, or it also trains.
    """

    datalist: str | Path
    dataset_dir: str | Path | None = None
    fold: int | Literal["all"] | None
    use: bool = True
    fraction: float = 1.0
    count: int | None = None
    folds: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise ValueError(
                f"real_fraction is {self.fraction}, expected a share in (0, 1]; --use_real False takes none"
            )
        if self.count is not None and self.fraction != 1:
            raise ValueError(f"real_fraction is {self.fraction} and real_count {self.count}, expected one of the two")
        if self.count is not None and self.count < 1:
            raise ValueError(f"real_count is {self.count}, expected at least 1; --use_real False takes none")
        if self.fold != "all" and (not isinstance(self.fold, int | None) or isinstance(self.fold, bool)):
            raise ValueError(
                f"fold is {self.fold!r}, expected the number of the validation fold, or all to train on all"
            )
        if self.folds is not None:
            _require_other(self.folds, self.validation_fold)

    @property
    def validation_fold(self) -> int | None:
        """Number of the fold that validates; None where all train."""
        return None if self.fold == "all" else self.fold


@dataclass(frozen=True)
class RealCases:
    """Checked entries, with absolute paths, and what is kept out of the training.

    Attributes:
        datalist: Content of the list.
        good: Its good cases, of all folds.
        training: Those that train, unless `RealOptions.use` is false.
        site: Case ids of all good cases of the folds that train, of which `training` may be a subset, sorted.
        validation: Those of the fold; empty without one.
        held_out: Case ids of the validation fold and of the test cases, good or bad, sorted.
    """

    datalist: Mapping[str, Any]
    good: list[Entry]
    training: list[Entry]
    site: list[str]
    validation: list[Entry]
    held_out: list[str]


def choose_real(
    options: RealOptions, *, seed: int = 0, on_bad_case: OnBadCase = "error", record: str | Path | None = None
) -> RealCases:
    """The real cases of a training.

    Args:
        options: Which.
        seed: Of the subset.
        on_bad_case, record: As for `resolve_cases`.

    Raises:
        FileNotFoundError, ValueError, BadCasesError: See `resolve_cases`; or no good case trains or validates, or fewer
            train than are asked for.
    """
    content, fold = read_datalist(options.datalist), options.validation_fold
    root = Path(options.dataset_dir) if options.dataset_dir is not None else Path(options.datalist).parent
    held_out = held_out_cases(content, fold=fold)
    good = resolve_cases(options.datalist, dataset_dir=root, on_bad_case=on_bad_case, record=record)
    validation = [entry for entry in good if fold is not None and entry.get("fold", 0) == fold]
    training = [entry for entry in good if entry not in validation]
    if options.folds is not None:
        _require_folds(content, options.folds, options.datalist)
        training = [entry for entry in training if entry.get("fold", 0) in options.folds]
    if not training or (fold is not None and not validation):
        raise ValueError(
            f"{options.datalist} has {len(training)} good training cases beside fold {fold} and {len(validation)} in "
            "it, expected some of each: split it again (`prepare --folds 5`), or train on all with --fold all"
        )
    if options.count is not None and options.count > len(training):
        raise ValueError(
            f"real_count is {options.count}, but {options.datalist} has {len(training)} good training cases"
            f"{'' if options.folds is None else f' in the folds {list(options.folds)}'}: set --real_count lower"
        )
    count = options.count or max(1, int(options.fraction * len(training) + 0.5))
    chosen, site = nested_order(training, seed=seed)[:count], sorted({source_case(entry) for entry in training})
    return RealCases(content, good, chosen, site, validation, held_out)


def held_out_cases(datalist: Mapping[str, Any], *, fold: int | None) -> list[str]:
    """Case ids of the validation fold and of the test cases, sorted.

    Raises:
        ValueError: There is no such fold.
    """
    in_fold = [] if fold is None else select_cases(datalist, folds=fold, dataset_dir=".")
    return sorted({source_case(entry) for entry in [*in_fold, *datalist["testing"]]})


def count_training(datalist: str | Path, *, fold: int | str | None, folds: Sequence[int] | None = None) -> int:
    """How many entries of a list train beside the validation fold, or those of `folds`, before any is looked at.

    Raises:
        ValueError: A fold is not in the list, or validates.
    """
    content = read_datalist(datalist)
    entries = content["training"]
    _require_folds(content, folds or (), datalist, fold=fold)
    return sum(entry.get("fold", 0) != fold and (folds is None or entry.get("fold", 0) in folds) for entry in entries)


def _require_folds(
    content: Mapping[str, Any], folds: Sequence[int], datalist: str | Path, *, fold: int | str | None = None
) -> None:
    there = sorted({entry.get("fold", 0) for entry in content["training"]})
    if isinstance(fold, int) and fold not in there:
        raise ValueError(
            f"fold {fold} is to validate, but {datalist} has the folds {there}, expected one of these: name another"
        )
    if strange := [number for number in folds if number not in there]:
        raise ValueError(
            f"real_folds: folds {strange} are not in the data list {datalist}, expected some of its folds {there}: "
            "name others"
        )
    _require_other(folds, fold)


def _require_other(folds: Sequence[int], validation: int | str | None) -> None:
    if validation in folds:
        raise ValueError(
            f"fold {validation} is to validate and stands in real_folds {list(folds)}, expected others: take it out, "
            "or name another --fold"
        )
