"""What a segmentation training is given: real cases, generated ones, or both (thesis 5.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from ..files import file_sha256
from .cases import OnBadCase
from .centre_names import require_boxes_of
from .choose_generated import GeneratedCases, GeneratedOptions, choose_generated
from .choose_real import RealOptions, choose_real
from .datalist import datalist_hash, generator_cases, source_case
from .generated_set import LIST_NAME
from .preprocessing import ASSUMED, Preprocessing, preprocessing_notes
from .provenance import FILE_NAME
from .segmenter_fit import SegmenterInput

Entry = dict[str, Any]
_OF_PAIRS = ("pair", "renewed", "generator")  # of entries without files
_KEYS = ("case_id", "image", "label", "centre")  # the same in every entry, so that batches collate


class MixSettings(TypedDict):
    """What was asked for, as the record of a training keeps it: plain values."""

    fold: int | Literal["given"] | None
    seed: int
    use_real: bool
    real_fraction: float
    real_count: NotRequired[int]  # where it was asked for in place of the fraction
    real_folds: NotRequired[list[int]]  # where not all but the validation fold train
    generated_share: NotRequired[list[float]]  # of the draws, at the first step and at the last
    binary_mask: bool
    datalist_sha256: NotRequired[str]  # where the cases are those of a list
    generator_case_ids: NotRequired[list[str]]  # where cases of the list were generated: the real ones behind them


@dataclass(frozen=True)
class TrainingMix:
    """Entries of a training and of its validation, and what is kept out of both.

    Entries have ``case_id``, ``image``, ``label`` (absolute paths), ``centre`` and ``source``, real or generated.

    Attributes:
        training: Real and generated.
        validation: Real, of the fold; empty without one, and then the last epoch's weights are the model.
        held_out: Case ids of the validation fold and of the test cases, sorted.
        settings: What was asked for.
        generated: The generated cases among them, and the set they are from.
    """

    training: list[Entry]
    validation: list[Entry]
    held_out: list[str]
    settings: MixSettings
    generated: GeneratedCases | None = None

    @property
    def counts(self) -> dict[str, int | str]:
        """Number of training cases by source, and of validation cases; in words where each draw is a new pair."""
        counts: dict[str, int | str] = {source: len(self._ids(source)) for source in ("real", "generated")}
        if self.generated and self.generated.endless:
            counts["generated"] = "a new pair each draw"
        return {**counts, "validation": len(self.validation)}

    @property
    def stamp(self) -> str | None:
        """For every table made from this training, where held-out cases leaked."""
        return self.generated.leakage.stamp if self.generated else None

    @property
    def generated_sha256(self) -> str | None:
        """Of what the generated set says of how it was made: sets of equal names differ in it; None without files."""
        if self.generated is None or self.generated.pairs is not None:
            return None
        folder = self.generated.source.directory
        return file_sha256(next(path for path in (folder / FILE_NAME, folder / LIST_NAME) if path.is_file()))

    @property
    def preprocessing(self) -> Preprocessing:
        """What was done to the real cases that the generator learned from; as in the thesis where nothing tells."""
        return self.generated.source.preprocessing if self.generated else ASSUMED

    def region_notes(self, centre_bounds: Mapping[str, Any], crop: str) -> list[str]:
        """What a page must say where real cases are cropped otherwise than those that the generator learned from.

        Raises:
            ValueError: See `require_boxes_of`.
        """
        real = [entry for entry in self.training if entry["source"] == "real"]
        require_boxes_of(centre_bounds, [*real, *self.validation])
        if self.generated is None:
            return []
        used = {**self.preprocessing, "centre_bounds": centre_bounds, "crop": crop}
        return preprocessing_notes(used, self.generated.source.recorded)

    def describe(self) -> dict[str, Any]:
        """Plain values for the model file and for tables; ``case_ids`` are the real training cases."""
        return {
            **self.settings,
            "counts": self.counts,
            "case_ids": self._ids("real"),
            "validation": f"fold {self.settings['fold']}" if self.validation else "none: the last epoch is the model",
            "held_out": list(self.held_out),
            "generated": self._describe_generated(self.generated) if self.generated else None,
            "leakage": self.stamp,
        }

    def _ids(self, source: str) -> list[str]:
        return sorted({source_case(entry) for entry in self.training if entry["source"] == source})

    def _describe_generated(self, generated: GeneratedCases) -> dict[str, Any]:
        seen, pairs = generated.source.seen_ids, generated.pairs
        return {
            "directory": str(generated.source.directory),
            **({} if pairs is None else {"generator": pairs.describe()}),
            "case_ids": None if generated.endless else self._ids("generated"),
            "generator_case_ids": None if seen is None else sorted(seen),
            "generator_cases_beyond_real": None if seen is None else len(seen - set(self._ids("real"))),
            "empty_masks": generated.empty_masks,
            "provenance": generated.leakage.provenance,
            "leaked": list(generated.leakage.leaked),
        }


def training_mix(
    real: RealOptions,
    generated: GeneratedOptions | None = None,
    segmenter: SegmenterInput | None = None,
    *,
    seed: int = 0,
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
) -> TrainingMix:
    """Checked cases of a segmentation training, with the leakage guard passed.

    Args:
        real: Which real cases.
        generated: Which generated ones; by default none.
        segmenter: What it takes; by default binary masks, at the real cases' spacing, in the generator's HU window.
        seed: Of the subsets of both.
        on_bad_case: Of either source: stop, or leave out; a generated case left out is replaced by the next.
        record: JSON file that says which real cases were left out; ``…_generated`` beside it for generated ones.

    Raises:
        FileNotFoundError, ValueError, BadCasesError, LeakageError: Before anything is trained, with what to do.
    """
    generated, segmenter = generated or GeneratedOptions(), segmenter or SegmenterInput()
    if not real.use and not generated.named:
        raise ValueError(
            "use_real is false and generated_dir null, as is generator, so nothing trains: name a generated set"
        )
    if not real.use and generated.share is not None:
        raise ValueError("use_real is false, so all cases are generated: leave generated_share out")
    cases = choose_real(real, seed=seed, on_bad_case=on_bad_case, record=record)
    added = choose_generated(generated, cases, segmenter, seed=seed, on_bad_case=on_bad_case, record=record)
    settings = MixSettings(
        fold=real.validation_fold,
        seed=seed,
        use_real=real.use,
        real_fraction=float(real.fraction),
        binary_mask=segmenter.binary_mask,
        datalist_sha256=datalist_hash(cases.datalist),
    )
    if real.count is not None:
        settings["real_count"] = real.count
    if real.folds is not None:
        settings["real_folds"] = list(real.folds)
    if generated.share is not None:
        end = generated.share if generated.share_end is None else generated.share_end
        settings["generated_share"] = [float(generated.share), float(end)]
    if behind := generator_cases(cases.good):
        settings["generator_case_ids"] = behind
    training = _tag(cases.training if real.use else [], "real") + _tag(added.training if added else [], "generated")
    return TrainingMix(training, _tag(cases.validation, "real"), cases.held_out, settings, added)


def _tag(entries: Sequence[Mapping[str, Any]], source: str) -> list[Entry]:
    return [
        {
            **{key: entry[key] for key in _KEYS},
            "cropped": entry.get("cropped", False),
            **{key: entry[key] for key in ("label_values", *_OF_PAIRS) if key in entry},
            "source": source,
            "source_case": source_case(entry),
        }
        for entry in entries
    ]
