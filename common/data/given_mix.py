"""A segmentation training on cases that something else has chosen, such as the labelled studies of MONAI Label."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .training_mix import MixSettings, TrainingMix


def given_mix(
    training: Sequence[Mapping[str, Any]],
    validation: Sequence[Mapping[str, Any]] = (),
    *,
    binary_mask: bool,
    seed: int,
    validation_share: float = 0.2,
) -> TrainingMix:
    """The mix of given cases, all real, without a data list; their ids are the names of the label files.

    MONAI Label names those after the study; an image may be a link to a file of another name. It shuffles the cases
    anew for each training, and the next one goes on from the last one's model: a case that validates would have been
    trained on before. So where some are held back, which ones is decided by a hash of the id, in every training alike.

    Args:
        training: With ``image`` and ``label``, paths.
        validation: The same; with none, all train.
        binary_mask: Whether the segmenter knows foreground and background alone.
        seed: Of the training.
        validation_share: Of all cases that validate, about; their ids decide.

    Raises:
        ValueError: Nothing trains.
    """
    if not training:
        raise ValueError(
            "no case to train on: label a study and submit it, or lower val_split, which holds "
            f"{len(validation)} labelled studies back for validation"
        )
    cases = sorted(_entries([*training, *validation]), key=lambda entry: entry["case_id"])
    held_back = [case for case in cases if validation and _place(case["case_id"]) < validation_share]
    trained = [case for case in cases if case not in held_back]
    if not trained:
        raise ValueError(
            f"all {len(cases)} labelled studies are held back for validation by their names, such as "
            f"{cases[0]['case_id']}: label another study and submit it, or set val_split to 0"
        )
    settings = MixSettings(fold="given", seed=seed, use_real=True, real_fraction=1.0, binary_mask=binary_mask)
    held_out = sorted(entry["case_id"] for entry in held_back)
    return TrainingMix(trained, held_back, held_out, settings)


def _place(case_id: str) -> float:
    """Of an id, always the same number in [0, 1)."""
    return int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:8], "big") / 2**64


def _entries(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = [Path(case["label"]).name.removesuffix(".gz").removesuffix(".nii") for case in cases]
    rest = {"centre": "unknown", "source": "real"}
    return [{**case, "case_id": name, **rest} for case, name in zip(cases, names, strict=True)]
