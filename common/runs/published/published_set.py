"""Makes a set of generated pairs for release: ordinary runs of `inferring`, bad pairs and copies replaced."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data.case import Case
from ...data.check import Limits, check_case
from ...data.provenance import FILE_NAME
from ...data.sources.nifti_pair import pair_paths
from ...files import file_sha256
from ..workflow_run import Options, Runner, end_orphans, run_workflow
from .copy_filter import CopyFilter
from .pair import read_pair, write_small_pair
from .record import PublishedPair, write_record
from .source import PairSource
from .verdicts import COPY, Verdict, Verdicts

logger = logging.getLogger(__name__)
_CHUNK = 1000  # pairs a run: their numbers stand on its command line


class PublishedSet:
    """Pairs of one or more checkpoints as one generated set; started again, it makes what is missing.

    Candidates of a checkpoint are numbered, and each has a latent seed of its own: the first good ones make its share,
    so that the set does not depend on interruptions. Leaves ``images/<name>_<n>.nii.gz`` (int16 HU), ``labels/``
    (uint8), ``dataset.json``, ``provenance.json``.

    Args:
        sources: See `read_sources`.
        output_dir: Of the set.
        work_dir: Gets candidates and verdicts; a folder that is not released.
        config_files: Of `run inferring`.
        options: Flat keys of it.
        name: Case ids begin with it.
        seed: Of the set.
        bundle: ``{"name": …, "version": …}``.
        hu_step: HU that images are rounded to.
        air_share: Of the voxels that must be air, and soft tissue, see `Limits`.
        empty_masks: Whether pairs without foreground stay.
        copy_filter: None where the training data are not at hand.
        candidates: At most, for each pair wanted.
        runner: Runs a workflow; by default a process of its own.
    """

    def __init__(
        self,
        sources: Sequence[PairSource],
        *,
        output_dir: str | Path,
        work_dir: str | Path,
        config_files: Sequence[str],
        options: Options | None = None,
        name: str,
        seed: int,
        bundle: Mapping[str, str],
        hu_step: int = 1,
        air_share: float = 0.001,
        empty_masks: bool = False,
        copy_filter: CopyFilter | None = None,
        candidates: int = 4,
        runner: Runner | None = None,
    ) -> None:
        self.sources = list(sources)
        self.directory = Path(output_dir)
        self.work_dir = Path(work_dir)
        self.config_files = list(config_files)
        self.options = dict(options or {})
        self.name = name
        self.seed = seed
        self.bundle = dict(bundle)
        self.hu_step = hu_step
        self.air_share = air_share
        self.empty_masks = empty_masks
        self.copy_filter = copy_filter
        self.candidates = candidates
        self.runner = runner or run_workflow
        self.verdicts = Verdicts(self.work_dir, output_dir=self.directory, request=self._request())

    def make(self) -> dict[str, Any]:
        """Make what is missing; the set's provenance.

        Raises:
            ValueError: Too few candidates are good, or the folders hold a set that was made otherwise.
            RuntimeError: A run failed.
        """
        self.verdicts.open()
        end_orphans(self.work_dir)
        chosen = [(source, verdict) for source in self.sources for verdict in self._choose(source)]
        pairs = [PublishedPair(f"{self.name}_{n:05d}", *pair) for n, pair in enumerate(chosen)]
        for source in self.sources:
            self._publish(source, [pair for pair in pairs if pair.source is source])
        verdicts = [verdict for source in self.sources for verdict in self.verdicts.of(source.number)]
        logger.info("%s: %d pairs of %d candidates", self.directory, len(pairs), len(verdicts))
        return write_record(
            self.directory,
            pairs,
            sources=self.sources,
            verdicts=verdicts,
            made=self._part(self.sources[0]),
            bundle=self.bundle,
            seed=self.seed,
            hu_step=self.hu_step,
            copy_filter=self.copy_filter,
        )

    def _choose(self, source: PairSource) -> list[Verdict]:
        """Verdicts on the pairs of its share: the first good ones of its candidates."""
        verdicts = self.verdicts.of(source.number)
        most = self.candidates * source.count
        while missing := source.count - sum(verdict.good for verdict in verdicts):
            if len(verdicts) >= most:
                reasons = dict(Counter(verdict.reason for verdict in verdicts if not verdict.good))
                raise ValueError(
                    f"{source.path}: of {most} candidates {most - sum(reasons.values())} are good, {source.count} are "
                    f"wanted; left out: {reasons}. Train it longer, ask for fewer, or set --candidates higher"
                )
            indices = list(range(len(verdicts), min(len(verdicts) + missing, most)))
            self._generate(source, indices)
            verdicts += self._judge(source, indices)
            self.verdicts.save()
            self._discard(source, [verdict.index for verdict in verdicts if not verdict.good])
        return [verdict for verdict in verdicts if verdict.good]

    def _generate(self, source: PairSource, indices: Sequence[int]) -> None:
        """Run `inferring` for those candidates that are not there yet."""
        missing = [index for index in indices if not _is_there(self._candidate(source, index))]
        if not missing and not (self._part(source) / FILE_NAME).is_file():  # killed after its last pair
            missing = list(indices[:1])
        for start in range(0, len(missing), _CHUNK):
            given = {"checkpoint": str(source.path), "seed": source.seed, "output_dir": str(self._part(source))}
            # one by one: what a pair is drawn with may change its last bits, and interruptions change that
            chunk = {"indices": missing[start : start + _CHUNK], "batch_size": 1, "preview_count": 0}
            log = self._part(source) / "inferring.log"
            self.runner("inferring", self.config_files, {**self.options, **given, **chunk}, log)
        if lost := [index for index in missing if not _is_there(self._candidate(source, index))]:
            raise RuntimeError(f"`run inferring` left no pair {lost[0]} in {self._part(source)}: see its inferring.log")

    def _judge(self, source: PairSource, indices: Sequence[int]) -> list[Verdict]:
        distances = self._distances(source, indices)
        return [Verdict(i, self._reason(source, i, distances.get(i)), distances.get(i)) for i in indices]

    def _distances(self, source: PairSource, indices: Sequence[int]) -> dict[int, float]:
        """Of each candidate to its nearest training case; none without a filter."""
        if self.copy_filter is None:
            return {}
        pairs = (self._read(source, index) for index in indices)
        items = [{"image": torch.from_numpy(i)[None], "label": torch.from_numpy(m)[None]} for i, m, _ in pairs]
        found = self.copy_filter.distances(items, window=tuple(source.settings["hu_window"]))
        return dict(zip(indices, map(float, found), strict=True))

    def _reason(self, source: PairSource, index: int, distance: float | None) -> str | None:
        """Why a candidate is left out; None for a good one."""
        case = self._candidate(source, index)
        labels = tuple(int(label) for label in source.settings["label_names"])
        limits = Limits(labels=labels, min_slices=1, share=self.air_share)
        entry = {"case_id": case.case_id, "image": str(case.image), "label": str(case.label)}
        kinds = [problem.kind for problem in check_case(entry, limits)]
        kinds = [kind for kind in kinds if kind != "empty mask" or not self.empty_masks]
        if not kinds and distance is not None and distance < self.copy_filter.threshold:
            return COPY
        return kinds[0] if kinds else None

    def _publish(self, source: PairSource, pairs: Sequence[PublishedPair]) -> None:
        """Bring pairs that the set lacks into it; their candidates go."""
        lacking = [pair for pair in pairs if not _is_there(self._target(pair))]
        self._generate(source, [pair.verdict.index for pair in lacking])
        for pair in lacking:
            write_small_pair(self._target(pair), *self._read(source, pair.verdict.index))
        self._discard(source, [pair.verdict.index for pair in pairs])

    def _discard(self, source: PairSource, indices: Sequence[int]) -> None:
        for case in (self._candidate(source, index) for index in indices):
            case.image.unlink(missing_ok=True)
            case.label.unlink(missing_ok=True)

    def _read(self, source: PairSource, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        window = tuple(source.settings["hu_window"])
        return read_pair(self._candidate(source, index), hu_step=self.hu_step, window=window)

    def _part(self, source: PairSource) -> Path:
        return self.work_dir / f"checkpoint_{source.number}"

    def _candidate(self, source: PairSource, index: int) -> Case:
        name = f"generated_{index:05d}"
        return Case(name, *pair_paths(self._part(source), name))

    def _target(self, pair: PublishedPair) -> Case:
        return Case(pair.case_id, *pair_paths(self.directory, pair.case_id))

    def _request(self) -> dict[str, Any]:
        """What decides the set's files."""
        return {
            "checkpoints": [[source.sha256, source.seed, source.count] for source in self.sources],
            "configs": [file_sha256(path) for path in self.config_files],
            "options": self.options,
            "name": self.name,
            "hu_step": self.hu_step,
            "checks": [self.air_share, self.empty_masks],
            "filter": self.copy_filter and self.copy_filter.identity,
        }


def _is_there(case: Case) -> bool:
    return case.image.is_file() and case.label.is_file()
