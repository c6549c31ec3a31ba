"""What a check found, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "FAILED", "not checked"]


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Args:
        check: What was looked at.
        status: Not checked is never passed.
        note: Why it failed or was not checked; a figure where it passed.
    """

    check: str
    status: Status
    note: str = ""


def from_problems(check: str, problems: Sequence[str], note: str = "") -> Finding:
    """Failed with the first problems named, passed with `note` where there are none."""
    if not problems:
        return Finding(check, "passed", note)
    more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
    return Finding(check, "FAILED", "; ".join(problems[:3]) + more)


def as_table(findings: Sequence[Finding], *, title: str) -> str:
    """Markdown table of findings, with a line that counts them."""
    widths = [
        max(len(value) for value in column) for column in ([f.check for f in findings], [f.status for f in findings])
    ]
    rows = [f"| {f.check:<{widths[0]}} | {f.status:<{widths[1]}} | {f.note} |" for f in findings]
    counts = [f"{sum(f.status == status for f in findings)} {status}" for status in ("passed", "FAILED", "not checked")]
    head = [
        f"| {'check':<{widths[0]}} | {'':<{widths[1]}} | |",
        f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 2)}|---|",
    ]
    return "\n".join([title, "", *head, *rows, "", ", ".join(counts)]) + "\n"
