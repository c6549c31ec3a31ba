"""Makes a set of generated pairs for release: ordinary runs of `inferring`, bad pairs and copies replaced."""

import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...data.case import Case
from ...data.generated_set import LIST_NAME
from ...data.mask_source import MaskSource
from ...data.provenance import FILE_NAME
from ...data.sources.nifti_pair import pair_paths
from ...files import content_sha256, file_sha256
from ...options.ahead import require_ahead
from ..engine import Engine
from ..tasks import Task, run_tasks
from ..workflow_run import Runner, Workflow, end_orphans, run_workflow
from .pair import read_pair, write_small_pair
from .record import PublishedPair, SetDescription, write_record
from .selection import Selection
from .source import PairSource
from .verdicts import Verdict, Verdicts

logger = logging.getLogger(__name__)
# what each run of the generator is given
_OWN = ("checkpoint", "seed", "output_dir", "indices", "num_samples", "batch_size", "preview_count")
_CHUNK = 1000  # pairs a run: their numbers stand on its command line


class PublishedSet:
    """Pairs of one or more checkpoints as one generated set; started again, it makes what is missing.

    Candidates of a checkpoint are numbered, and each has a latent seed of its own: the first good ones make its share,
    so that the set does not depend on interruptions. Leaves ``images/<name>_<n>.nii.gz`` (int16 HU), ``labels/``
    (uint8), ``dataset.json``, ``provenance.json``.

    Args:
        sources: See `read_sources`.
        about: What the record says of the set.
        output_dir: Of the set.
        work_dir: Gets candidates and verdicts; a folder that is not released.
        inferring: Makes the candidates of a checkpoint.
        selection: Which of them are good.
        runner: Runs a workflow; by default a process of its own.
        engine: Where candidates are made; by default in one run after the other.
    """

    def __init__(
        self,
        sources: Sequence[PairSource],
        about: SetDescription,
        *,
        output_dir: str | Path,
        work_dir: str | Path,
        inferring: Workflow,
        selection: Selection,
        runner: Runner | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.sources = list(sources)
        self.about = about
        self.directory = Path(output_dir)
        self.work_dir = Path(work_dir)
        if self.directory.resolve() in (self.work_dir.resolve(), *self.work_dir.resolve().parents):
            raise ValueError(
                f"work_dir {self.work_dir} is output_dir {self.directory} or lies in it, expected a folder outside of "
                "the set, as it keeps what is not handed on: name another --work_dir"
            )
        self.inferring = inferring
        self.selection = selection
        if taken := [f"{key} {inferring.options[key]!r}" for key in _OWN if key in inferring.options]:
            raise ValueError(
                f"options: found {', '.join(taken)}, expected options other than {', '.join(_OWN)}, which the set "
                "gives to each run: leave it out, and see --checkpoints, --seed, --num_samples and --output_dir"
            )
        self.runner = runner or run_workflow
        self.engine = engine or Engine()
        if runner is None:
            require_ahead([("inferring", inferring.config_files, inferring.options)])
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
        pairs = [PublishedPair(f"{self.about.name}_{n:05d}", *pair) for n, pair in enumerate(chosen)]
        for source in self.sources:
            self._publish(source, [pair for pair in pairs if pair.source is source])
        verdicts = [verdict for source in self.sources for verdict in self.verdicts.of(source.number)]
        logger.info("%s: %d pairs of %d candidates", self.directory, len(pairs), len(verdicts))
        return write_record(
            self.directory,
            pairs,
            sources=self.sources,
            verdicts=verdicts,
            made=[self._part(source) for source in self.sources],
            about=self.about,
            copy_filter=self.selection.copy_filter,
            mask_filter=self.selection.mask_filter,
        )

    def _choose(self, source: PairSource) -> list[Verdict]:
        """Verdicts on the pairs of its share: the first good ones of its candidates."""
        verdicts = self.verdicts.of(source.number)
        most = self.selection.candidates * source.count
        while missing := source.count - sum(verdict.good for verdict in verdicts):
            if len(verdicts) >= most:
                reasons = dict(Counter(verdict.reason for verdict in verdicts if not verdict.good))
                raise ValueError(
                    f"{source.path}: of {most} candidates {most - sum(reasons.values())} are good, {source.count} are "
                    f"wanted; left out: {reasons}. Train it longer, ask for fewer, or set --candidates higher"
                )
            indices = list(range(len(verdicts), min(len(verdicts) + missing, most)))
            self._generate(source, indices)
            candidates = {index: self._candidate(source, index) for index in indices}
            verdicts += self.selection.judge(candidates, source, hu_step=self.about.hu_step)
            self.verdicts.save()
            self._discard(source, [verdict.index for verdict in verdicts if not verdict.good])
        return [verdict for verdict in verdicts if verdict.good]

    def _generate(self, source: PairSource, indices: Sequence[int]) -> None:
        """Run `inferring` for those candidates that are not there yet."""
        missing = [index for index in indices if not _is_there(self._candidate(source, index))]
        if not missing and not (self._part(source) / FILE_NAME).is_file():  # killed after its last pair
            missing = list(indices[:1])
        size = min(_CHUNK, -(-len(missing) // (self.engine.slots if missing else 1)))
        chunks = [missing[start : start + size] for start in range(0, len(missing), size or 1)]
        if self.engine.one_by_one:
            for chunk in chunks:
                given = self._inferring(source, chunk).options
                log = self._part(source) / "inferring.log"
                options = {**given, "output_dir": str(self._part(source))}
                self.runner(self.inferring.run_id, self.inferring.config_files, options, log)
        else:
            self._generate_at_once(source, chunks)
        if lost := [index for index in missing if not _is_there(self._candidate(source, index))]:
            raise RuntimeError(f"`run inferring` left no pair {lost[0]} in {self._part(source)}: see its inferring.log")

    def _generate_at_once(self, source: PairSource, chunks: Sequence[Sequence[int]]) -> None:
        """Each chunk in a folder of its own, from which its files then come into that of all candidates."""
        folder = self._part(source) / "chunks"
        tasks = [Task(folder / content_sha256(list(chunk))[:12], self._inferring(source, chunk)) for chunk in chunks]
        run_tasks(tasks, runner=self.runner, engine=self.engine, desc=f"candidates of {source.path}")
        for task in tasks:
            for file in sorted(path for path in task.folder.rglob("*") if path.is_file()):
                if file.parent.name in ("images", "labels") or file.name in (FILE_NAME, LIST_NAME):
                    target = self._part(source) / file.relative_to(task.folder)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(target)
        shutil.rmtree(folder, ignore_errors=True)

    def _inferring(self, source: PairSource, indices: Sequence[int]) -> Workflow:
        """The run that makes these candidates, but for its folder."""
        given = {"checkpoint": str(source.path), "seed": source.seed}
        # one by one: what a pair is drawn with may change its last bits, and interruptions change that
        chunk = {"indices": list(indices), "batch_size": 1, "preview_count": 0}
        return replace(self.inferring, options={**self.inferring.options, **given, **chunk})

    def _publish(self, source: PairSource, pairs: Sequence[PublishedPair]) -> None:
        """Bring pairs that the set lacks into it; their candidates go."""
        lacking = [pair for pair in pairs if not _is_there(self._target(pair))]
        self._generate(source, [pair.verdict.index for pair in lacking])
        low, high = source.settings["hu_window"]
        for pair in lacking:
            made = self._candidate(source, pair.verdict.index)
            write_small_pair(self._target(pair), *read_pair(made, hu_step=self.about.hu_step, window=(low, high)))
        self._discard(source, [pair.verdict.index for pair in pairs])

    def _discard(self, source: PairSource, indices: Sequence[int]) -> None:
        for case in (self._candidate(source, index) for index in indices):
            case.image.unlink(missing_ok=True)
            case.label.unlink(missing_ok=True)

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
            "configs": [file_sha256(path) for path in self.inferring.config_files],
            "options": self.inferring.options,
            "name": self.about.name,
            "hu_step": self.about.hu_step,
            "checks": [self.selection.air_share, self.selection.empty_masks],
            "filter": self.selection.copy_filter and self.selection.copy_filter.identity,
            "masks": self.selection.mask_filter and self.selection.mask_filter.identity,
            **({"flagged": sorted(self.selection.flagged)} if self.selection.flagged else {}),
            **({"given_masks": given} if (given := self._given_masks()) else {}),
        }

    def _given_masks(self) -> list[str]:
        """Hashes of the masks that each checkpoint draws images for; none where masks are drawn, too."""
        options = self.inferring.options
        if (masks := options.get("masks")) is None:
            return []
        about = [{"settings": source.settings, "training": source.training} for source in self.sources]
        return [MaskSource(masks, masks_dir=options.get("masks_dir"), **each).describe()["sha256"] for each in about]


def _is_there(case: Case) -> bool:
    return case.image.is_file() and case.label.is_file()
