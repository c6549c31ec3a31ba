"""What a release has decided so far, kept beside its candidates so that a killed one goes on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...files import read_json, write_json
from ...same_settings import require_same_settings

COPY = "near a training case"
FLAGGED = "flagged by a viewer"


@dataclass(frozen=True)
class Verdict:
    """On one candidate.

    Attributes:
        index: Its number among those of its checkpoint.
        reason: Why it is left out; None where it is taken.
        distance: To its nearest training case; None where that was not looked for.
        dice: Of its mask with a segmenter's; None where none was asked, or the mask is empty.
    """

    index: int
    reason: str | None = None
    distance: float | None = None
    dice: float | None = None

    @property
    def good(self) -> bool:
        """Whether the pair is taken."""
        return self.reason is None


class Verdicts:
    """Verdicts by checkpoint, in ``verdicts.json``, beside ``request.json``, what the set is made with.

    Args:
        work_dir: Of both files.
        output_dir: Of the set.
        request: Plain values that decide the set's files.
    """

    def __init__(self, work_dir: Path, *, output_dir: Path, request: Mapping[str, Any]) -> None:
        self.path = work_dir / "verdicts.json"
        self.request_path = work_dir / "request.json"
        self.output_dir = output_dir
        self.request = json.loads(json.dumps(dict(request), default=str))
        self.content: dict[int, list[Verdict]] = {}

    def open(self) -> None:
        """Read what there is; note the request where there is nothing.

        Raises:
            ValueError: The set was made with another request, or not by this work folder.
        """
        if self.request_path.is_file():
            remedy = f"Repeat its settings, name another --output_dir, or remove {self.output_dir} and its --work_dir."
            found = read_json(self.request_path, remedy=remedy)
            require_same_settings(found, self.request, source=self.request_path, remedy=remedy)
        elif (self.output_dir / "images").is_dir():
            raise ValueError(
                f"{self.output_dir} holds a set, but {self.request_path} is missing, which it needs to go on: name "
                "another --output_dir, or the --work_dir of that set"
            )
        else:
            write_json(self.request, self.request_path)
        if self.path.is_file():
            rows = read_json(self.path, remedy=f"remove {self.path}, and its pairs are judged again")
            self.content = {int(number): [Verdict(**row) for row in part] for number, part in rows.items()}

    def of(self, number: int) -> list[Verdict]:
        """Verdicts on the candidates of checkpoint `number`, in their order; a list to add to."""
        return self.content.setdefault(number, [])

    def save(self) -> None:
        """Write all of them, whole or not at all."""
        write_json({number: [asdict(verdict) for verdict in part] for number, part in self.content.items()}, self.path)
