"""Which cases of a generated set train a segmenter, checked against the leakage guard and what the segmenter takes."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from nibabel.affines import voxel_sizes

from .cases import CHECKED_NAME, OnBadCase, find_problems, keep_good
from .check import EMPTY, OUTSIDE, Limits
from .choose_real import RealCases
from .datalist import SIDES, label_values
from .generated_set import GeneratedSet, cases_as_listed, read_generated_set
from .leakage import LeakageReport, check_leakage, check_other_site, check_strangers
from .nested_order import nested_order
from .segmenter_fit import SegmenterInput, check_grid, check_masks, check_values, check_window
from .volume_file import open_volume

logger = logging.getLogger(__name__)
HU_WINDOW = (-1024, 600)  # of a set without provenance; thesis 3.4.3
_LOOKED_AT = 8  # images whose voxels are compared with the window


@dataclass(frozen=True, kw_only=True)
class GeneratedOptions:
    """Which generated cases are asked for; messages name the options as the configs' keys do.

    Attributes:
        directory: Of the set; None adds none.
        count: Of its cases, or ``all``; by default as many as the real ones, and all where there is a share. Smaller
            counts of one seed lie in larger ones.
        share: Of the draws of a training that are generated, see `MixBatchSampler`; by default all cases, real and
            generated, are drawn equally often.
        share_end: The share at the end of the training; by default `share`.
        allow_leakage, declared: See `check_leakage`.
        other_site: See `check_other_site`.

    Raises:
        ValueError: The count is below 1, a share is none, or there is no set to draw from.
    """

    directory: str | Path | None = None
    count: int | Literal["all"] | None = None
    share: float | None = None
    share_end: float | None = None
    allow_leakage: bool = False
    declared: bool = False
    other_site: bool = False

    def __post_init__(self) -> None:
        if self.count is not None and self.directory is None:
            raise ValueError(
                f"generated_count is {self.count}, but there is no generated_dir: name the set to draw from"
            )
        if self.count not in (None, "all") and (isinstance(self.count, str) or self.count < 1):
            raise ValueError(
                f"generated_count is {self.count}, expected at least 1, or all; leave --generated_dir out to add none"
            )
        if self.share_end is not None and self.share is None:
            raise ValueError(f"generated_share_end is {self.share_end}, but there is no generated_share to begin with")
        if self.share is None:
            return
        if self.directory is None:
            raise ValueError(
                f"generated_share is {self.share}, but there is no generated_dir: name the set to draw from"
            )
        for key, share in (("generated_share", self.share), ("generated_share_end", self.share_end)):
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"{key} is {share}, expected a share of each batch in [0, 1]")


@dataclass(frozen=True)
class GeneratedCases:
    """Cases of a generated set that train.

    Attributes:
        training: Entries with absolute paths.
        source: The set drawn from.
        leakage: What is known of its generator's training cases.
        empty_masks: Training cases without foreground; they are kept.
    """

    training: list[dict[str, Any]]
    source: GeneratedSet
    leakage: LeakageReport
    empty_masks: int


def choose_generated(
    options: GeneratedOptions,
    real: RealCases,
    segmenter: SegmenterInput,
    *,
    seed: int = 0,
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
) -> GeneratedCases | None:
    """The generated cases of a training; None where no set is named.

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
    if options.directory is None:
        return None
    low, high = segmenter.hu_window or HU_WINDOW
    source = read_generated_set(options.directory, hu_window=(low, high), check=False)  # `_draw` looks at what it draws
    source = replace(source, cases=cases_as_listed(source, real.datalist["labels"]))
    check_masks(source, label_values(real.datalist), binary_mask=segmenter.binary_mask)
    check_strangers(source, real=[case["case_id"] for side in SIDES for case in real.datalist[side]])
    leakage = check_leakage(
        source, held_out=real.held_out, allow_leakage=options.allow_leakage, declared=options.declared
    )
    if options.other_site:
        check_other_site(source, site=real.site)
    count = len(real.training) if options.count is None and options.share is None else options.count
    count = None if count == "all" else count
    low, high = source.hu_window
    limits = Limits(  # a young generator may know no air
        labels=label_values(real.datalist), min_slices=1, share=0, window=(low, high)
    )
    training, empty_masks = _draw(source, count, limits=limits, seed=seed, on_bad_case=on_bad_case, record=record)
    window = segmenter.hu_window or source.hu_window
    spacing = segmenter.spacing or np.median(
        [voxel_sizes(open_volume(case["image"]).affine) for case in real.good], axis=0
    )
    check_window(source, window)
    for case in training:
        check_grid(case, spacing)
    for case in training[:_LOOKED_AT]:
        check_values(case, window)
    return GeneratedCases(training, source, leakage, empty_masks)


def _draw(
    source: GeneratedSet,
    count: int | None,
    *,
    limits: Limits,
    seed: int,
    on_bad_case: OnBadCase,
    record: str | Path | None,
) -> tuple[list[dict[str, Any]], int]:
    """The first `count` good cases of the seeded order, or all, and how many have an empty mask, as a GAN may draw."""
    where, order = source.directory, nested_order(source.cases, seed=seed)
    looked = order[:count] if on_bad_case == "error" else order
    found = find_problems(looked, limits=limits, known=where / CHECKED_NAME)
    problems = [problem for problem in found if problem.kind != EMPTY]
    if all(problem.kind == OUTSIDE for problem in problems) and len(problems) == len(looked):
        problems = []  # not cases, but the set: `check_values` compares it with the segmenter's window
    note = Path(record).with_stem(f"{Path(record).stem}_generated") if record else None
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
