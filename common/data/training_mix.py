"""What a segmentation training is given: real cases, generated ones, or both (thesis 5.7)."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes

from .cases import OnBadCase, find_problems, keep_good, resolve_cases
from .check import Limits
from .datalist import datalist_hash, generator_cases, label_values, read_datalist, select_cases, source_case
from .generated_set import GeneratedSet, read_generated_set
from .leakage import LeakageReport, check_leakage, check_strangers

logger = logging.getLogger(__name__)
Entry = dict[str, Any]
HU_WINDOW = (-1024, 600)  # of a set without provenance; thesis 3.4.3
_KEYS = ("case_id", "image", "label", "centre")  # the same in every entry, so that batches collate
_SPACING_FACTOR = 6  # 64 generated slices of a 384 mm head and neck are four times as coarse as 1.5 mm
_WINDOW_SHARE = 0.5  # of the segmenter's window that the generator's must cover, and of voxels inside it
_LOOKED_AT = 8  # images whose voxels are compared with the window


@dataclass(frozen=True)
class TrainingMix:
    """Entries of a training and of its validation, and what is kept out of both.

    Entries have ``case_id``, ``image``, ``label`` (absolute paths), ``centre`` and ``source``, real or generated.

    Attributes:
        training: Real and generated.
        validation: Real, of the fold; empty without one, and then the last epoch's weights are the model.
        held_out: Case ids of the validation fold and of the test cases, sorted.
        settings: Plain values that `describe` adds to.
        generated: The set drawn from.
        leakage: What is known of the generator's training cases.
        empty_masks: Generated training cases without foreground; they are kept.
    """

    training: list[Entry]
    validation: list[Entry]
    held_out: list[str]
    settings: Mapping[str, Any]
    generated: GeneratedSet | None = None
    leakage: LeakageReport | None = None
    empty_masks: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Number of training cases by source, and of validation cases."""
        by_source = {source: len(self._ids(source)) for source in ("real", "generated")}
        return {**by_source, "validation": len(self.validation)}

    @property
    def stamp(self) -> str | None:
        """For every table made from this training, where held-out cases leaked."""
        return self.leakage.stamp if self.leakage else None

    def describe(self) -> dict[str, Any]:
        """Plain values for the model file and for tables; ``case_ids`` are the real training cases."""
        return {
            **self.settings,
            "counts": self.counts,
            "case_ids": self._ids("real"),
            "validation": f"fold {self.settings['fold']}" if self.validation else "none: the last epoch is the model",
            "held_out": list(self.held_out),
            "generated": self._describe_generated() if self.generated else None,
            "leakage": self.stamp,
        }

    def _ids(self, source: str) -> list[str]:
        return sorted({source_case(entry) for entry in self.training if entry["source"] == source})

    def _describe_generated(self) -> dict[str, Any]:
        seen = self.generated.seen_ids
        return {
            "directory": str(self.generated.directory),
            "case_ids": self._ids("generated"),
            "generator_case_ids": None if seen is None else sorted(seen),
            "generator_cases_beyond_real": None if seen is None else len(seen - set(self._ids("real"))),
            "empty_masks": self.empty_masks,
            "provenance": self.leakage.provenance,
            "leaked": list(self.leakage.leaked),
        }


def training_mix(
    datalist: str | Path,
    *,
    dataset_dir: str | Path | None = None,
    fold: int | Literal["all"] | None,
    generated_dir: str | Path | None = None,
    generated_count: int | None = None,
    use_real: bool = True,
    real_fraction: float = 1.0,
    binary_mask: bool = True,
    allow_leakage: bool = False,
    declared: bool = False,
    spacing: Sequence[float] | None = None,
    hu_window: Sequence[float] | None = None,
    seed: int = 0,
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
) -> TrainingMix:
    """Checked cases of a segmentation training, with the leakage guard passed.

    Args:
        datalist: Path of the real list.
        dataset_dir: Folder that its paths are relative to; by default its own.
        fold: Validates, the others train, the test cases do neither; ``all`` or None trains on all, without validation.
        generated_dir: A generated set to add.
        generated_count: Of its cases; by default as many as the real ones of `real_fraction`.
        use_real: False trains on generated cases alone, and still validates on the real fold.
        real_fraction: Of the real training cases, in (0, 1]; smaller subsets of one seed lie in larger ones, each
            centre in proportion, and so do smaller counts of generated cases.
        binary_mask: Whether the segmenter knows foreground and background alone.
        allow_leakage, declared: See `check_leakage`.
        spacing: In mm, that the segmenter resamples to; by default the median of the real cases.
        hu_window: Of the segmenter; by default the generator's.
        seed: Of both subsets.
        on_bad_case: Of either source: stop, or leave out; a generated case left out is replaced by the next.
        record: JSON file that says which real cases were left out; ``…_generated`` beside it for generated ones.

    Raises:
        FileNotFoundError, ValueError, BadCasesError, LeakageError: Before anything is trained, with what to do.
    """
    fold = None if fold == "all" else fold
    _check_options(generated_dir, generated_count, use_real, real_fraction)
    root = Path(dataset_dir) if dataset_dir is not None else Path(datalist).parent
    content = read_datalist(datalist)
    held_out = _held_out(content, fold, root)
    generated = leakage = None
    if generated_dir is not None:
        generated = read_generated_set(generated_dir, hu_window=tuple(hu_window or HU_WINDOW))
        _check_masks(generated, label_values(content), binary_mask=binary_mask)
        check_strangers(generated, real=[entry["case_id"] for entry in [*content["training"], *content["testing"]]])
        leakage = check_leakage(generated, held_out=held_out, allow_leakage=allow_leakage, declared=declared)
    entries = resolve_cases(datalist, dataset_dir=root, on_bad_case=on_bad_case, record=record)
    training, validation = _split(entries, fold, datalist)
    subset = nested_order(training, seed=seed)[: max(1, int(real_fraction * len(training) + 0.5))]
    chosen, empty = [], 0
    if generated is not None:
        count = len(subset) if generated_count is None else generated_count
        labels = label_values(content)
        chosen, empty = _draw(generated, count, seed=seed, labels=labels, on_bad_case=on_bad_case, record=record)
        _check_fit(generated, chosen, spacing or _typical_spacing(entries), hu_window or generated.hu_window)
    settings = {"fold": fold, "seed": seed, "use_real": use_real, "real_fraction": float(real_fraction)}
    settings |= {"binary_mask": binary_mask, "datalist_sha256": datalist_hash(content)}
    settings |= {"generator_case_ids": behind} if (behind := generator_cases(entries)) else {}
    mixed = [*_tag(subset if use_real else [], "real"), *_tag(chosen, "generated")]
    return TrainingMix(mixed, _tag(validation, "real"), held_out, settings, generated, leakage, empty)


def nested_order(entries: Sequence[Mapping[str, Any]], *, seed: int) -> list[Entry]:
    """Seeded order whose every beginning holds each centre in proportion: the one furthest behind comes next."""
    rng = np.random.default_rng(seed)
    by_centre = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry["case_id"]):
        by_centre[str(entry["centre"])].append(entry)
    queues = {centre: [group[i] for i in rng.permutation(len(group))] for centre, group in sorted(by_centre.items())}
    centres = [list(queues)[i] for i in rng.permutation(len(queues))]  # breaks ties
    taken = dict.fromkeys(centres, 0)
    order = []
    for step in range(1, len(entries) + 1):
        left = [centre for centre in centres if taken[centre] < len(queues[centre])]
        lag = {centre: step * len(queues[centre]) - len(entries) * taken[centre] for centre in left}
        centre = max(left, key=lag.__getitem__)
        order.append(dict(queues[centre][taken[centre]]))
        taken[centre] += 1
    return order


def _check_options(directory: Any, count: int | None, use_real: bool, fraction: float) -> None:
    if not 0 < fraction <= 1:
        raise ValueError(f"real_fraction is {fraction}, expected a share in (0, 1]; --use_real False takes none")
    if directory is None and not use_real:
        raise ValueError("use_real is false and generated_dir null, so nothing trains: name a generated set")
    if directory is None and count is not None:
        raise ValueError(f"generated_count is {count}, but there is no generated_dir: name the set to draw from")
    if count is not None and count < 1:
        raise ValueError(f"generated_count is {count}, expected at least 1; leave --generated_dir out to add none")


def _held_out(content: Mapping[str, Any], fold: int | None, root: Path) -> list[str]:
    """Case ids of the fold and of the test cases, good or bad."""
    if not isinstance(fold, int | None) or isinstance(fold, bool):
        raise ValueError(f"fold is {fold!r}, expected the number of the validation fold, or all to train on all")
    validation = [] if fold is None else select_cases(content, folds=fold, dataset_dir=root)
    return sorted({source_case(entry) for entry in [*validation, *content["testing"]]})


def _split(entries: Sequence[Entry], fold: int | None, datalist: str | Path) -> tuple[list[Entry], list[Entry]]:
    """Training and validation entries; without a fold, all and none."""
    validation = [entry for entry in entries if fold is not None and entry.get("fold", 0) == fold]
    training = [entry for entry in entries if entry not in validation]
    if not training or (fold is not None and not validation):
        raise ValueError(
            f"{datalist} has {len(training)} good training cases beside fold {fold} and {len(validation)} in it, "
            "expected some of each: split it again (`prepare --folds 5`), or train on all with --fold all"
        )
    return training, validation


def _tag(entries: Sequence[Mapping[str, Any]], source: str) -> list[Entry]:
    return [
        {**{key: entry[key] for key in _KEYS}, "source": source, "source_case": source_case(entry)} for entry in entries
    ]


def _check_masks(generated: GeneratedSet, labels: Sequence[int], *, binary_mask: bool) -> None:
    """Refuse a set without masks, or without the labels that the segmenter tells apart."""
    where = generated.directory
    if not generated.has_labels:
        raise ValueError(f"{where} has images without masks: generate with a GAN of pairs (not --pairing image_only)")
    if generated.binary_mask and not binary_mask and len(labels) > 2:
        raise ValueError(
            f"{where} has masks of one foreground, the segmenter expects the labels {list(labels)}: train with "
            "--binary_mask True, or generate with a GAN of all labels"
        )


def _draw(
    generated: GeneratedSet, count: int, *, seed: int, labels: tuple[int, ...], on_bad_case: OnBadCase, record: Any
) -> tuple[list[Entry], int]:
    """The first `count` good cases of the seeded order, and how many have an empty mask: what a GAN may draw."""
    where, order = generated.directory, nested_order(generated.cases, seed=seed)
    looked = order[:count] if on_bad_case == "error" else order
    limits = Limits(labels=labels, min_slices=1, share=0)  # a young generator may know no air
    found = find_problems(looked, limits=limits, known=where / ".checked.json")
    problems = [problem for problem in found if problem.kind != "empty mask"]
    note = Path(record).with_stem(f"{Path(record).stem}_generated") if record else None
    good = keep_good(looked, problems, on_bad_case=on_bad_case, record=note)[:count]
    if len(good) < count:
        raise ValueError(
            f"{where} has {len(good)} good cases, {count} are asked for: generate more with `run inferring "
            f"--num_samples {count}`, or set --generated_count"
        )
    without = {problem.case_id for problem in found if problem.kind == "empty mask"}
    if empty := sum(entry["case_id"] in without for entry in good):
        logger.warning("%s: %d of %d generated cases have an empty mask and are kept", where, empty, count)
    return good, empty


def _typical_spacing(entries: Sequence[Entry]) -> np.ndarray:
    return np.median([voxel_sizes(nib.load(entry["image"]).affine) for entry in entries], axis=0)


def _check_fit(generated: GeneratedSet, chosen: list[Entry], spacing: Sequence[float], window: Sequence[float]) -> None:
    _check_window(generated, window)
    for entry in chosen:
        _check_grid(entry, spacing)
    for entry in chosen[:_LOOKED_AT]:
        _check_values(entry, window)


def _check_grid(entry: Entry, spacing: Sequence[float]) -> None:
    """Refuse an image that is not RAS, or much coarser or finer than what the segmenter sees."""
    affine = nib.load(entry["image"]).affine
    if (axes := "".join(nib.aff2axcodes(affine))) != "RAS":
        raise ValueError(
            f"{entry['image']} has the orientation {axes}, expected RAS: reorient image and mask, as "
            "nibabel.as_closest_canonical does"
        )
    factors = voxel_sizes(affine) / np.asarray(spacing, dtype=float)
    if max(factors.max(), (1 / factors).max()) > _SPACING_FACTOR:
        raise ValueError(
            f"{entry['image']} has voxels of {voxel_sizes(affine).round(2).tolist()} mm, more than {_SPACING_FACTOR} "
            f"times off the segmenter's {np.round(spacing, 2).tolist()}: set --spacing, or generate at that resolution"
        )


def _check_window(generated: GeneratedSet, window: Sequence[float]) -> None:
    """Refuse a generator whose HU window leaves out most of the segmenter's."""
    (low, high), (bottom, top) = window, generated.hu_window
    covered = max(0, min(high, top) - max(low, bottom)) / (high - low)
    if covered < _WINDOW_SHARE:
        raise ValueError(
            f"{generated.directory} was generated in the HU window [{bottom:g}, {top:g}], which covers {covered:.0%} "
            f"of the segmenter's [{low:g}, {high:g}]: set --hu_window, or generate with a GAN of that window"
        )


def _check_values(entry: Entry, window: Sequence[float]) -> None:
    """Refuse an image whose values are not HU of about the window, but a network's or a picture's."""
    low, high = window
    image = np.asanyarray(nib.load(entry["image"]).dataobj)
    margin = (high - low) / 4
    inside = np.mean((image >= low - margin) & (image <= high + margin))
    rescaled = low < -2 and (image.min() >= 0 or np.abs(image).max() <= 2)
    if inside < _WINDOW_SHARE or rescaled:
        raise ValueError(
            f"{entry['image']} holds values {image.min():g} to {image.max():g}, {inside:.0%} of them near the "
            f"segmenter's window [{low:g}, {high:g}] HU, expected Hounsfield units with air below 0: generate again "
            "with `run inferring`, which writes HU, or set --hu_window"
        )
