"""Generated pairs that somebody has looked at and does not want: a file that outlives their set."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files import read_json, write_json
from .generated_set import GeneratedSet
from .provenance import FILE_NAME, read_provenance

_REMEDY = "name the file that `run viewing` writes, flagged.json"


@dataclass(frozen=True, order=True)
class Flag:
    """A pair, by what makes it again.

    Attributes:
        case_id: In the set where it was seen.
        checkpoint: SHA-256 of its generator's model file.
        seed: Of its latents, see `latent_seed`.
    """

    case_id: str
    checkpoint: str
    seed: int

    @property
    def pair(self) -> tuple[str, int]:
        """The same for every set that holds the pair."""
        return self.checkpoint, self.seed


def read_flags(path: str | Path) -> list[Flag]:
    """What `Flags` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is something else.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no flagged pairs at {path}: {_REMEDY}")
    content = read_json(path, remedy=_REMEDY, keys=("flagged",))
    try:
        return [Flag(str(row["case_id"]), str(row["checkpoint"]), int(row["seed"])) for row in content["flagged"]]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} holds a pair without case_id, checkpoint or seed ({error!r}), expected all three: {_REMEDY}"
        ) from error


def flagged_pairs(path: str | Path | None) -> frozenset[tuple[str, int]]:
    """Checkpoint and seed of the pairs in the file; none without a file."""
    return frozenset(flag.pair for flag in read_flags(path)) if path is not None else frozenset()


def pair_origins(generated: GeneratedSet | None) -> dict[str, Flag]:
    """By case id, what each pair of a set would be flagged as; those that nothing is known of are not there."""
    if generated is None or not (generated.directory / FILE_NAME).is_file():
        return {}
    provenance = read_provenance(generated.directory)
    one = (provenance["checkpoint"] or {}).get("sha256")
    made: Collection[Mapping[str, Any]] = provenance["cases"] or ()
    return {
        case["case_id"]: Flag(case["case_id"], case.get("checkpoint", one), case["seed"])
        for case in made
        if case.get("checkpoint", one) and isinstance(case.get("seed"), int)
    }


class Flags:
    """The flagged pairs in the file `path`; each change is on disk, whole, before `set` returns.

    Those of other sets stay, so that one file may gather what several sets show.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._flags = {flag.pair: flag for flag in read_flags(self.path)} if self.path.is_file() else {}

    def __contains__(self, flag: Flag | None) -> bool:
        return flag is not None and flag.pair in self._flags

    def __len__(self) -> int:
        return len(self._flags)

    def set(self, flag: Flag, flagged: bool) -> None:
        """Flag a pair, or take that back."""
        with self._lock:
            flags = {pair: other for pair, other in self._flags.items() if pair != flag.pair}
            if flagged:
                flags[flag.pair] = flag
            write_json({"flagged": [asdict(each) for each in sorted(flags.values())]}, self.path)
            self._flags = flags
