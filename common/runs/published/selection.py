"""Which candidates of a published set are good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ...data.case import Case
from ...data.check import Limits, check_case
from ...data.latents import latent_seed
from .copy_filter import CopyFilter
from .mask_filter import MaskFilter
from .pair import read_pair
from .source import PairSource
from .verdicts import COPY, FLAGGED, Verdict


@dataclass(frozen=True)
class Selection:
    """What a pair must be like to be taken.

    Attributes:
        air_share: Of the voxels that must be air, and soft tissue, see `Limits`.
        empty_masks: Whether pairs without foreground stay.
        copy_filter: None where the training data are not at hand.
        mask_filter: None takes masks as they are.
        candidates: At most, for each pair wanted.
        flagged: Checkpoint and latent seed of pairs that somebody does not want, see `flagged_pairs`.
    """

    air_share: float = 0.001
    empty_masks: bool = False
    copy_filter: CopyFilter | None = None
    mask_filter: MaskFilter | None = None
    candidates: int = 4
    flagged: frozenset[tuple[str, int]] = frozenset()

    def judge(self, candidates: Mapping[int, Case], source: PairSource, *, hu_step: int) -> list[Verdict]:
        """Verdicts on numbered candidates of a checkpoint, compared with the training cases as the set will have them.

        Args:
            candidates: Index → files.
            source: Their checkpoint.
            hu_step: HU that images will be rounded to.
        """
        distances: Sequence[float | None] = [None] * len(candidates)
        if self.copy_filter is not None:
            low, high = source.settings["hu_window"]
            pairs = (read_pair(case, hu_step=hu_step, window=(low, high)) for case in candidates.values())
            items = ({"image": torch.from_numpy(i)[None], "label": torch.from_numpy(m)[None]} for i, m, _ in pairs)
            distances = [float(distance) for distance in self.copy_filter.distances(items, window=(low, high))]
        labels = tuple(int(label) for label in source.settings["label_names"])
        limits = Limits(labels=labels, min_slices=1, share=self.air_share)
        entries = {
            index: {"case_id": case.case_id, "image": str(case.image), "label": str(case.label)}
            for index, case in candidates.items()
        }
        verdicts = []
        for (index, entry), distance in zip(entries.items(), distances, strict=True):
            kinds = [problem.kind for problem in check_case(entry, limits)]
            unwanted = bool(self.flagged) and (source.sha256, latent_seed(source.seed, index)) in self.flagged
            reasons = [FLAGGED] * unwanted + [kind for kind in kinds if kind != "empty mask" or not self.empty_masks]
            if self.copy_filter and distance is not None and distance < self.copy_filter.threshold:
                reasons.append(COPY)
            verdicts.append(Verdict(index, reasons[0] if reasons else None, distance))
        return verdicts if self.mask_filter is None else self._with_masks(verdicts, entries, self.mask_filter)

    @staticmethod
    def _with_masks(
        verdicts: Sequence[Verdict], entries: Mapping[int, Mapping[str, str]], mask_filter: MaskFilter
    ) -> list[Verdict]:
        """Those verdicts, and of the pairs that are good so far those on their masks."""
        asked = [verdict.index for verdict in verdicts if verdict.good]
        found = dict(zip(asked, mask_filter.reasons([entries[index] for index in asked]), strict=True))
        return [
            replace(verdict, dice=found[verdict.index][0], reason=found[verdict.index][1])
            if verdict.index in found
            else verdict
            for verdict in verdicts
        ]
