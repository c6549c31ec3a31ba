"""Which cases of a generated set train a segmenter, checked against the leakage guard and what the segmenter takes."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from nibabel.affines import voxel_sizes

from .cases import CHECKED_NAME, OnBadCase, find_problems, keep_good
from .cases_beside import cases_as_listed
from .check import EMPTY, OUTSIDE, Limits
from .choose_real import RealCases
from .datalist import SIDES, label_values
from .drawn_pairs import PairSource
from .generated_set import GeneratedSet, read_generated_set
from .label_map import ordered_values
from .leakage import LeakageReport, check_leakage, check_other_site, check_strangers
from .nested_order import nested_order
from .segmenter_fit import SegmenterInput, check_grid, check_masks, check_values, check_window
from .volume_file import open_volume

logger = logging.getLogger(__name__)
HU_WINDOW = (-1024, 600)  # of a set without provenance; thesis 3.4.3
_LOOKED_AT = 8  # images whose voxels are compared with the window
_DRAWN = 2  # pairs that are drawn for it, where there are no files: one network makes them all


@dataclass(frozen=True, kw_only=True)
class GeneratedOptions:
    """Which generated cases are asked for; messages name the options as the configs' keys do.

    Attributes:
        directory: Of the set; None adds none.
        pairs: A generator in place of a set.
        count: Of the set's cases, or ``all``; by default as many as the real ones, and all where there is a share.
            Smaller counts of one seed lie in larger ones. Of a generator that many pairs, its first ones; by default,
            or with ``all``, each draw is a new pair, and without a share as many draws as those of the real cases.
        share: Of the draws of a training that are generated, see `MixBatchSampler`; by default all cases, real and
            generated, are drawn equally often.
        share_end: The share at the end of the training; by default `share`.
        allow_leakage, declared: See `check_leakage`.
        other_site: See `check_other_site`.

    Raises:
        ValueError: The count is below 1, a share is none, or there is no set to draw from, or a generator beside it.
    """

    directory: str | Path | None = None
    pairs: PairSource | None = None
    count: int | Literal["all"] | None = None
    share: float | None = None
    share_end: float | None = None
    allow_leakage: bool = False
    declared: bool = False
    other_site: bool = False

    @property
    def named(self) -> bool:
        """Whether there is something to draw from."""
        return self.directory is not None or self.pairs is not None

    def __post_init__(self) -> None:
        if self.directory is not None and self.pairs is not None:
            raise ValueError(
                f"generated_dir is {self.directory} and generator {self.pairs.describe()['generator']}, expected one "
                "of the two: a written set, or pairs that are drawn while the segmenter trains"
            )
        if self.count is not None and not self.named:
            raise ValueError(
                f"generated_count is {self.count}, but there is no generated_dir, and no generator: name the set to "
                "draw from"
            )
        if self.count not in (None, "all") and (isinstance(self.count, str) or self.count < 1):
            raise ValueError(
                f"generated_count is {self.count}, expected at least 1, or all; leave --generated_dir out to add none"
            )
        if self.share_end is not None and self.share is None:
            raise ValueError(f"generated_share_end is {self.share_end}, but there is no generated_share to begin with")
        if self.share is None:
            return
        if not self.named:
            raise ValueError(
                f"generated_share is {self.share}, but there is no generated_dir, and no generator: name the set to "
                "draw from"
            )
        for key, share in (("generated_share", self.share), ("generated_share_end", self.share_end)):
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"{key} is {share}, expected a share of each batch in [0, 1]")


@dataclass(frozen=True)
class GeneratedCases:
    """Cases of a generated set that train.

    Attributes:
        training: Entries with absolute paths, or with the numbers of pairs that are still to be drawn.
        source: The set drawn from.
        leakage: What is known of its generator's training cases.
        empty_masks: Training cases without foreground; they are kept. None where they are not drawn yet.
        pairs: Of a generator in place of a set.
    """

    training: list[dict[str, Any]]
    source: GeneratedSet
    leakage: LeakageReport
    empty_masks: int | None
    pairs: PairSource | None = None

    @property
    def endless(self) -> bool:
        """Whether each draw is a new pair."""
        return any(case.get("renewed") for case in self.training)


def choose_generated(
    options: GeneratedOptions,
    real: RealCases,
    segmenter: SegmenterInput,
    *,
    seed: int = 0,
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
) -> GeneratedCases | None:
    """The generated cases of a training; None where neither a set nor a generator is named.

    Args:
        options: Which.
        real: Cases that they are added to; what is held out of these must not have trained the generator.
        segmenter: What it takes.
        seed: Of the subset.
        on_bad_case: Stop, or leave a bad case out, which is replaced by the next.
        record: JSON file of the real cases that were left out; ``…_generated`` beside it is that of the generated ones.

    Raises:
        FileNotFoundError, ValueError, BadCasesError, LeakageError: The set cannot be used, with what to do.
    """
    if options.pairs is not None:
        number = options.count if isinstance(options.count, int) else None
        source = options.pairs.generated_set(number or len(real.training), renewed=number is None)
    elif options.directory is not None:
        low, high = segmenter.hu_window or HU_WINDOW
        source = read_generated_set(options.directory, hu_window=(low, high), check=False)  # `_draw` looks at it
    else:
        return None
    source = replace(source, cases=cases_as_listed(source, real.datalist["labels"]))
    check_masks(source, label_values(real.datalist), binary_mask=segmenter.binary_mask)
    check_strangers(source, real=[case["case_id"] for side in SIDES for case in real.datalist[side]])
    leakage = check_leakage(
        source, held_out=real.held_out, allow_leakage=options.allow_leakage, declared=options.declared
    )
    if options.other_site:
        check_other_site(source, site=real.site)
    note = Path(record).with_stem(f"{Path(record).stem}_generated") if record else None
    if options.pairs is not None:
        _check_labels(options.pairs, source, label_values(real.datalist))
        training = keep_good(nested_order(source.cases, seed=seed), [], on_bad_case=on_bad_case, record=note)
        empty_masks = None
    else:
        count = len(real.training) if options.count is None and options.share is None else options.count
        count = None if count == "all" else count
        low, high = source.hu_window
        limits = Limits(  # a young generator may know no air
            labels=label_values(real.datalist), min_slices=1, share=0, window=(low, high)
        )
        training, empty_masks = _draw(source, count, limits=limits, seed=seed, on_bad_case=on_bad_case, note=note)
    window = segmenter.hu_window or source.hu_window
    spacing = segmenter.spacing or np.median(
        [voxel_sizes(open_volume(case["image"]).affine) for case in real.good], axis=0
    )
    check_window(source, window)
    for number, case in enumerate(training[: None if options.pairs is None else _DRAWN]):
        if options.pairs is None:
            volume = open_volume(case["image"])
            affine, image = volume.affine, volume.dataobj
        else:
            drawn = options.pairs.draw(case["pair"])["image"]
            affine, image = drawn.affine.numpy(), drawn[0].numpy()
        check_grid(case["image"], affine, spacing)
        if number < _LOOKED_AT:
            check_values(case["image"], np.asanyarray(image), window)
    return GeneratedCases(training, source, leakage, empty_masks, options.pairs)


def _check_labels(pairs: PairSource, source: GeneratedSet, known: tuple[int, ...]) -> None:
    """Refuse a generator of labels that the real list does not have; a set's masks are looked at in place of this."""
    if unknown := [value for value in ordered_values(pairs.labels) if value not in known]:
        raise ValueError(
            f"{source.directory} draws masks of the labels {dict(pairs.labels)}, of which the real list has no "
            f"{unknown}, only {list(known)}: name them under 'labels' of the data list, or join them with "
            "--generator_options \"{'binary': True}\""
        )


def _draw(
    source: GeneratedSet, count: int | None, *, limits: Limits, seed: int, on_bad_case: OnBadCase, note: Path | None
) -> tuple[list[dict[str, Any]], int]:
    """The first `count` good cases of the seeded order, or all, and how many have an empty mask, as a GAN may draw."""
    where, order = source.directory, nested_order(source.cases, seed=seed)
    looked = order[:count] if on_bad_case == "error" else order
    found = find_problems(looked, limits=limits, known=where / CHECKED_NAME)
    problems = [problem for problem in found if problem.kind != EMPTY]
    if all(problem.kind == OUTSIDE for problem in problems) and len(problems) == len(looked):
        problems = []  # not cases, but the set: `check_values` compares it with the segmenter's window
    good = keep_good(looked, problems, on_bad_case=on_bad_case, record=note)[:count]
    if count is not None and len(good) < count:
        raise ValueError(
            f"{where} has {len(good)} good cases, {count} are asked for: generate more with `run inferring "
            f"--num_samples {count}`, or set --generated_count"
        )
    without = {problem.case_id for problem in found if problem.kind == EMPTY}
    if empty := sum(entry["case_id"] in without for entry in good):
        logger.warning("%s: %d of %d generated cases have an empty mask and are kept", where, empty, len(good))
    return good, empty
