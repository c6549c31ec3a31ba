"""The leakage guard: nothing that trains a segmenter may have seen the cases that it is judged on (design 4)."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .generated_set import GeneratedSet, LeakageError, require_no_real_cases
from .provenance import FILE_NAME

logger = logging.getLogger(__name__)
_SHOWN = 5


@dataclass(frozen=True)
class LeakageReport:
    """What is known of the cases behind a generated set, or behind initial weights.

    Attributes:
        leaked: Held-out case ids that were trained on, sorted; none where nothing is known.
        provenance: ``known`` by record, or ``declared`` by the user.
        stamp: For every table made from it; None where nothing leaked.
    """

    leaked: tuple[str, ...]
    provenance: Literal["known", "declared"]
    stamp: str | None = None


def check_leakage(
    generated: GeneratedSet, *, held_out: Sequence[str], allow_leakage: bool = False, declared: bool = False
) -> LeakageReport:
    """Refuse a generated set whose generator was trained on a held-out case.

    Args:
        generated: The set; its provenance names the cases.
        held_out: Case ids of the segmenter's validation fold and of its test cases.
        allow_leakage: Take the set all the same, with a stamp: the thesis, whose GAN had seen the test images (5.7).
        declared: Take a set without provenance; the user answers for it.

    Raises:
        LeakageError: Held-out cases leaked, or the set has no provenance and is not declared.
    """
    where, seen = generated.directory, generated.seen_ids
    if seen is None:
        if not declared:
            raise LeakageError(
                f"{where} has no {FILE_NAME}, so nothing tells whether its generator has seen the {len(held_out)} "
                "held-out cases: generate it again with `run inferring`, which writes one, or declare with "
                "--declared True that it has seen none of them"
            )
        stamp = f"LEAKAGE NOT RULED OUT: {where.name} has no provenance" if allow_leakage else None
        return LeakageReport((), "declared", stamp)
    remedy = (
        "Generate from a GAN trained on this data list with --folds that leave the validation fold out, "
        "or reproduce the thesis with --allow_leakage True, which marks every table"
    )
    return _report("the generator of", where, seen, held_out, allow_leakage, remedy)


def check_strangers(generated: GeneratedSet, *, real: Sequence[str]) -> None:
    """Refuse a set that holds cases of the real list; warn where the guard has no id in common to compare.

    Args:
        generated: The set.
        real: All case ids of the real list.

    Raises:
        LeakageError: The set is not generated, or not only.
    """
    require_no_real_cases(generated, real)
    if generated.seen_ids and not generated.seen_ids & set(real):
        logger.warning(
            "%s: its generator was trained on none of the real list's case ids; make sure they are other patients",
            generated.directory,
        )


def check_other_site(generated: GeneratedSet, *, site: Sequence[str]) -> None:
    """Refuse a set whose generator was trained at the site that the segmenter's real cases are from.

    Args:
        generated: The set; its provenance names the cases. One without has been declared by the user.
        site: Case ids of all folds that the real training cases may be drawn from.

    Raises:
        LeakageError: The generator has seen a case of the site.
    """
    if shared := sorted(set(generated.seen_ids or ()) & set(site)):
        raise LeakageError(
            f"other_site is true, but the generator of {generated.directory} was trained on {len(shared)} of the "
            f"{len(site)} cases of the folds that give the real training cases, such as {shared[0]}: name other folds "
            "with --real_folds, or train the generator with --folds that leave them out"
        )


def check_initial_weights(
    training: Mapping[str, Any], *, path: str | Path, held_out: Sequence[str], allow_leakage: bool = False
) -> LeakageReport:
    """Refuse to fine-tune a model that was trained on a held-out case, itself or through its generated set.

    Args:
        training: What the model file says of its training, see `TrainingMix.describe`.
        path: Of the model file, for messages.
        held_out: As for `check_leakage`.
        allow_leakage: Take it all the same; the stamp it carries is handed on in any case.

    Raises:
        LeakageError: Held-out cases leaked.
        ValueError: The model file does not say what it was trained on.
    """
    if "case_ids" not in training:
        raise ValueError(
            f"{path} does not say which cases it was trained on, expected 'case_ids' among {sorted(training)}: name "
            "the model.pt of a training with --init_from"
        )
    remedy = "Start from a model trained with the same --fold, or mark every table with --allow_leakage True"
    report = _report("the initial model", Path(path), seen_cases(training), held_out, allow_leakage, remedy)
    provenance = (training.get("generated") or {}).get("provenance", "known")
    return LeakageReport(report.leaked, provenance, report.stamp or training.get("leakage"))


def seen_cases(training: Mapping[str, Any]) -> set[str]:
    """Real case ids behind a model, by `TrainingMix.describe`: its own and those of the generators of its pairs."""
    generator = (training.get("generated") or {}).get("generator_case_ids") or ()
    return {*training["case_ids"], *generator, *training.get("generator_case_ids", ())}


def _report(
    what: str, where: Path, seen: Iterable[str], held_out: Sequence[str], allowed: bool, remedy: str
) -> LeakageReport:
    leaked = sorted(set(seen) & set(held_out))
    if not leaked:
        return LeakageReport((), "known")
    extent = f"was trained on {len(leaked)} of the {len(set(held_out))} held-out cases"
    if not allowed:
        named = ", ".join(leaked[:_SHOWN]) + (", …" if len(leaked) > _SHOWN else "")
        raise LeakageError(f"{what} {where} {extent} (validation fold and test cases): {named}. {remedy}")
    return LeakageReport(tuple(leaked), "known", f"LEAKAGE: {what} {where.name} {extent}")
