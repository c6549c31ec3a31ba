"""What an experiment's table says, in words that need no statistics: what helps, what does not, what it cannot tell."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..metrics.head_room import MINIMUM, HeadRoom, Loss
from .convergence_figure import ArmCurve

Row = Mapping[str, Any]
_FEW_CASES = 20
_LEARNED = 0.2  # Dice, chosen: below it a network outlines hardly anything that is there
SIGNIFICANT = 0.05


def verdict(
    rows: Sequence[Row],
    head_rooms: Mapping[str, HeadRoom],
    curves: Mapping[str, ArmCurve],
    *,
    alike: Collection[str] = (),
    left_out: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Sentences by heading, in the order in which a page says them.

    Args:
        rows: Of `ExperimentTable.rows`.
        head_rooms: By baseline.
        curves: By arm, where there are any.
        alike: Arms that differ from their baseline in the number of real cases alone: what these lose is head-room.
        left_out: Why an arm was not run, by its name.
    """
    compared = [row for row in rows if row["baseline"] is not None and row["arm"] not in alike]
    answers = {row["arm"]: _answer(row) for row in compared}
    helps = [_gain(row) for row in compared if answers[row["arm"]] == "helps"]
    harms = [_gain(row) for row in compared if answers[row["arm"]] == "harms"]
    unclear = [_unclear(row, head_rooms) for row in compared if answers[row["arm"]] == "unclear"]
    parts = {
        "Can this table show a gain?": [
            *_nothing_learned(rows),
            *(_room(name, room) for name, room in head_rooms.items() if room.cases),
        ],
        "What helps": helps or (["No arm is better than its baseline beyond doubt."] if compared else []),
        "What does harm": harms,
        "What makes no difference that the test cases could show": unclear,
        "What the numbers cannot tell": list(_limits(rows, curves, left_out or {})),
    }
    return {heading: sentences for heading, sentences in parts.items() if sentences}


def _nothing_learned(rows: Sequence[Row]) -> list[str]:
    best = max(rows, key=lambda row: row["mean"])
    if best["mean"] >= _LEARNED:
        return []
    return [
        f"No, this table means nothing yet: no network has learned the task. The best arm, '{best['arm']}', reaches "
        f"{best['mean']:.2f} Dice, and which arm is ahead there is chance. Train longer before you read on."
    ]


def _room(name: str, room: HeadRoom) -> str:
    """Whether there is room, and how that is known; begins with yes, no or unknown in words."""
    cases = f"{room.cases} real cases of '{name}'"
    if room.shown_by is None:
        return (
            f"Unknown for the {cases}: no arm was trained on half of them, so that nobody knows whether more cases "
            f"would help here. Add an arm with `real_count: {max(1, room.cases // 2)}`."
        )
    fewer, needed = _fewer(room.shown_by), f"{MINIMUM} Dice, with an interval above 0"
    if room.state == "no":
        return (
            f"No, the table cannot show a gain on the {cases}: {fewer}. At least {needed}, would be needed. Where more "
            "real scans do not help, generated ones have nothing to add, so an arm without a gain says nothing against "
            "its method here. Take fewer real cases, a larger or longer trained network, or a harder task."
        )
    if room.state == "yes":
        return f"Yes, there is room for a gain on the {cases}: {fewer}."
    open_ = f"Unknown for the {cases}: {fewer}, which leaves open whether half of them would lose {needed}."
    if 2 * room.shown_by.cases <= room.cases + 1 and not room.shown_by.small and not room.shown_by.clear:
        return f"{open_} Too few test cases or seeds to tell: take more of them."
    return f"{open_} Add an arm with `real_count: {max(1, room.cases // 2)}`."


def _fewer(loss: Loss) -> str:
    changes = f"changes by {-loss.loss:+.3f} Dice"
    if loss.low is not None and loss.high is not None:
        changes += f" (95 % interval {-loss.high:+.3f} to {-loss.low:+.3f})"
    return f"with {loss.cases} of them alone, the overlap with the true masks {changes}"


def _answer(row: Row) -> str:
    low, high = row["difference_low"], row["difference_high"]
    if low is None or row["p_holm"] >= SIGNIFICANT:
        return "unclear"
    return "helps" if low > 0 else "harms" if high < 0 else "unclear"


def _gain(row: Row) -> str:
    better = "better" if row["difference"] > 0 else "worse"
    return (
        f"'{row['arm']}' is {better} than '{row['baseline']}': {row['difference']:+.3f} Dice (95 % interval "
        f"{row['difference_low']:+.3f} to {row['difference_high']:+.3f}), {better} in "
        f"{row['better' if better == 'better' else 'worse']} of {row['n']} test cases."
    )


def _unclear(row: Row, head_rooms: Mapping[str, HeadRoom]) -> str:
    text = f"'{row['arm']}' against '{row['baseline']}': {row['difference']:+.3f} Dice"
    if row["difference_low"] is not None:
        text += f"; anything from {row['difference_low']:+.3f} to {row['difference_high']:+.3f} fits these test cases"
    room = head_rooms.get(row["baseline"])
    return f"{text}{', and the table has no room for a gain' if room and room.state == 'no' else ''}."


def _limits(rows: Sequence[Row], curves: Mapping[str, ArmCurve], left_out: Mapping[str, str]) -> list[str]:
    first, sentences = rows[0], []
    if first["seeds"] == 1:
        sentences.append(
            "Each arm was trained with one seed. Another one would give other figures, and a small difference may be "
            "luck: train with three at least (`--seeds`)."
        )
    if first["n"] < _FEW_CASES:
        sentences.append(f"There are {first['n']} test cases, which is too few to find small differences.")
    rising = [name for name, curve in curves.items() if curve.convergence.state == "still rising"]
    if rising:
        sentences.append(
            f"Training had not ended for {_named(rising)}: the curves still improved at the end, and a longer training "
            "may change who is ahead."
        )
    untold = [row["arm"] for row in rows if _state(curves.get(row["arm"])) == "unknown"]
    if untold:
        sentences.append(f"Whether training had ended is not known for {_named(untold)}: too few points, or too noisy.")
    updates = {row["updates"] for row in rows} - {None}
    if len(updates) > 1:
        sentences.append(
            f"The arms had from {min(updates)} to {max(updates)} updates, so that a difference may come from the "
            "longer training: `--updates` makes them equal."
        )
    further = {row["arm"]: row.get("generator_cases_beyond_real") or 0 for row in rows}
    if any(further.values()):
        sentences.append(
            f"The generator has learned from up to {max(further.values())} real cases that the arm itself did not have "
            f"({_named([name for name, cases in further.items() if cases])}). A gain is then that of pairs which "
            "somebody with more cases hands on, and not more made out of the same cases."
        )
    sentences += [f"The arm '{name}' was not run: {reason}." for name, reason in left_out.items()]
    sentences.append(
        "It holds for these test cases and this network: a second one (`dynunet.yaml`) should confirm what is claimed. "
        "Overlap is not the doctor's question; look at the worst cases below."
    )
    return sentences


def _state(curve: ArmCurve | None) -> str:
    return "unknown" if curve is None else curve.convergence.state


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")
