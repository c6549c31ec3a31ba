"""Lets all processes compute what the parts of an evaluation read of each case."""

from collections.abc import Iterable

from .findings import Part, Read, Reads
from .sets import EvaluationSets
from .volume_set import VolumeSet


def share(sets: EvaluationSets, parts: Iterable[Part]) -> None:
    """Compute, each process its share, what `parts` name in ``reads``; all processes have all of it then.

    ``reads`` maps the names of sets (``real``, ``generated``, ``training``) to what is read of them: ``facts``,
    ``features`` (every view) or ``pair_features`` (the first view alone). All processes call this.
    """
    for part in parts:
        reads: Reads = getattr(part, "reads", {})
        for role, kinds in reads.items():
            if (volumes := getattr(sets, role)) is not None:
                for kind in kinds:
                    _share(sets, volumes, kind)


def _share(sets: EvaluationSets, volumes: VolumeSet, kind: Read) -> None:
    if kind == "facts":
        sets.share_facts(volumes)
        return
    for extractor in sets.reader.extractors:
        sets.reader.share(volumes, extractor, names=sets.views[:1] if kind == "pair_features" else None)
