"""The checkpoints of a published set, and the share of the pairs that each makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import file_sha256
from ...networks.model_file import read_model_file

_EQUAL = ("image_size", "hu_window", "label_names", "binary_mask", "preprocessing")


@dataclass(frozen=True)
class PairSource:
    """One checkpoint.

    Attributes:
        number: Its place among the checkpoints, from 0.
        path: Of the model file.
        sha256: Of the same.
        settings, training: What it says of itself.
        seed: Of its candidates.
        count: Pairs that the set gets from it.
    """

    number: int
    path: Path
    sha256: str
    settings: Mapping[str, Any]
    training: Mapping[str, Any]
    seed: int
    count: int

    def describe(self) -> dict[str, Any]:
        """Plain values for the provenance."""
        made = {"seed": self.seed, "count": self.count, "training": dict(self.training)}
        return {"file": self.path.name, "sha256": self.sha256, "step": self.training["step"], **made}


def read_sources(checkpoints: str | Path | Sequence[str], *, num_samples: int, seed: int) -> list[PairSource]:
    """Checkpoints with shares that differ by one pair at most; checkpoint k draws by the seed `seed` + k.

    Raises:
        FileNotFoundError: A checkpoint is missing.
        ValueError: None is named, one is named twice, one makes no masks, they make different volumes, or there are
            fewer pairs than checkpoints.
    """
    paths = [Path(path) for path in ([checkpoints] if isinstance(checkpoints, str | Path) else checkpoints)]
    if not paths or num_samples < len(paths):
        raise ValueError(
            f"checkpoints is {[str(path) for path in paths]}, and num_samples {num_samples}, expected one or more, "
            f"and a pair of each: name one or more with --checkpoints \"['a/model.pt']\" "
            "and at least as many pairs with --num_samples"
        )
    contents = [read_model_file(path) for path in paths]
    sources = [
        PairSource(
            number=number,
            path=path,
            sha256=file_sha256(path),
            settings=content["settings"],
            training=content["training"],
            seed=seed + number,
            count=num_samples // len(paths) + (number < num_samples % len(paths)),
        )
        for number, (path, content) in enumerate(zip(paths, contents, strict=True))
    ]
    _check(sources)
    return sources


def merge_training(sources: Sequence[PairSource]) -> dict[str, Any]:
    """What all checkpoints together were trained on: ids, sorted; the data list's hash where they share one."""
    merged = {"case_ids": _union(sources, "case_ids")}
    if behind := _union(sources, "generator_case_ids"):
        merged["generator_case_ids"] = behind
    hashes = {source.training.get("datalist_sha256") for source in sources}
    return {**merged, "datalist_sha256": hashes.pop() if len(hashes) == 1 else None}


def _union(sources: Sequence[PairSource], key: str) -> list[str]:
    return sorted({case_id for source in sources for case_id in source.training.get(key, ())})


def _check(sources: Sequence[PairSource]) -> None:
    first = sources[0]
    hashes = [source.sha256 for source in sources]
    for source in sources:
        if hashes.index(source.sha256) < source.number:
            same = sources[hashes.index(source.sha256)].path
            raise ValueError(f"{source.path} and {same} are one checkpoint: name each once")
        if "pairing" not in source.settings:
            raise ValueError(
                f"{source.path} is no generator's, as its settings name no pairing, expected the model.pt of a "
                "generator's training: name another with --checkpoints"
            )
        if source.settings["pairing"] == "image_only":
            raise ValueError(f"{source.path} makes images without masks: name checkpoints of generators of pairs")
        for key in _EQUAL:
            found, expected = source.settings.get(key), first.settings.get(key)
            if found != expected:
                raise ValueError(
                    f"{source.path} has {key} {found}, {first.path} {expected}: make a set of each, or name "
                    "checkpoints of equal volumes"
                )
