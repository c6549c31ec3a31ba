"""What an export is made of: checked real cases of a data list, pairs of a generated set, and what these have seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..ambiguous import ambiguous_files
from ..cases import OnBadCase, resolve_cases
from ..cases_beside import cases_beside
from ..datalist import read_datalist
from ..generated_set import LIST_NAME, GeneratedSet, read_generated_set
from ..leakage import check_leakage, check_strangers


@dataclass(frozen=True)
class Gathered:
    """Entries with absolute paths.

    Attributes:
        training: Real ones, with their fold where the list has folds.
        testing: Real ones.
        generated: Pairs of the generated set.
        labels: Value, as text, to name.
        generator: The generated set.
        listed: The data list's own ``generator_case_ids``, behind entries that it calls generated.
    """

    training: list[dict[str, Any]]
    testing: list[dict[str, Any]]
    generated: list[dict[str, Any]]
    labels: Mapping[str, str]
    generator: GeneratedSet | None = None
    listed: frozenset[str] = field(default_factory=frozenset)

    @property
    def cases(self) -> list[dict[str, Any]]:
        """All of them."""
        return [*self.training, *self.testing, *self.generated]


def gather(
    *,
    datalist: str | Path | None,
    dataset_dir: str | Path | None,
    generated_dir: str | Path | None,
    declared: bool = False,
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
    workers: int = 2,
) -> Gathered:
    """Checked cases of a list, of a generated set, or of both.

    Raises:
        ValueError: Neither is named; masks of both do not fit; readers differ about a file.
        BadCasesError: A case is bad and `on_bad_case` is ``error``, or none is left.
        LeakageError: The generator has seen test cases of the list, or nothing tells that it has not.
    """
    if datalist is None and dataset_dir is not None:
        datalist = Path(dataset_dir) / "datalist.json"
    if datalist is None and generated_dir is None:
        raise ValueError(
            "nothing to export: name a data list with --datalist, a generated set with --generated_dir, or both"
        )
    content = read_datalist(datalist) if datalist is not None else {"labels": {}, "training": [], "testing": []}
    sides: dict[str, list[dict[str, Any]]] = {"training": [], "testing": []}
    if datalist is not None:
        good = resolve_cases(
            datalist,
            dataset_dir=dataset_dir,
            folds="everything",
            on_bad_case=on_bad_case,
            record=record,
            workers=workers,
        )
        kept = {e["case_id"]: e for e in good}
        sides = {side: [kept[e["case_id"]] for e in content[side] if e["case_id"] in kept] for side in sides}
    generator, pairs, labels = None, [], content["labels"]
    if generated_dir is not None:
        generator = read_generated_set(generated_dir, on_bad_case=on_bad_case)
        pairs = cases_beside(generator, content) if datalist is not None else generator.cases
        labels = _common_labels(generator, labels)
        if datalist is not None:
            check_strangers(generator, real=[e["case_id"] for side in sides.values() for e in side])
            check_leakage(generator, held_out=[e["case_id"] for e in content["testing"]], declared=declared)
    listed = frozenset(content.get("generator_case_ids", ()))
    gathered = Gathered(sides["training"], sides["testing"], pairs, labels, generator, listed)
    if lacking := [case["case_id"] for case in gathered.cases if "label" not in case]:
        raise ValueError(f"{len(lacking)} cases have no mask, such as {lacking[0]}, expected pairs: leave them out")
    if odd := ambiguous_files(gathered.cases, workers=workers):
        raise ValueError(
            f"{len(odd)} things are read otherwise by other software, the first in {odd[0].file}: {odd[0].found}; mend "
            "them with `python -m common.data check --datalist FILE --repair True`"
        )
    return gathered


def _common_labels(generator: GeneratedSet, labels: Mapping[str, str]) -> Mapping[str, str]:
    """Labels of the masks of both.

    Raises:
        ValueError: The set knows one foreground, and the list several.
    """
    own = read_datalist(generator.directory / LIST_NAME, masks=False)["labels"]
    if labels and generator.binary_mask and len(labels) > 2:
        raise ValueError(
            f"{generator.directory} has masks of one foreground, the list the labels {dict(labels)}: export them "
            "apart, or take a generator of all labels"
        )
    return labels or own
