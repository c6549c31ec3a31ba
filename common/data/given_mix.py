"""A segmentation training on cases that something else has chosen, such as the labelled studies of MONAI Label."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .training_mix import MixSettings, TrainingMix


def given_mix(
    training: Sequence[Mapping[str, Any]], validation: Sequence[Mapping[str, Any]] = (), *, binary_mask: bool, seed: int
) -> TrainingMix:
    """The mix of given cases, all real, without a data list; their ids are the names of the label files.

    MONAI Label names those after the study; an image may be a link to a file of another name.

    Args:
        training: With ``image`` and ``label``, paths.
        validation: The same; empty without one.
        binary_mask: Whether the segmenter knows foreground and background alone.
        seed: Of the training.

    Raises:
        ValueError: Nothing trains.
    """
    if not training:
        raise ValueError(
            "no case to train on: label a study and submit it, or lower val_split, which holds "
            f"{len(validation)} labelled studies back for validation"
        )
    held_back = _entries(validation)
    settings = MixSettings(fold="given", seed=seed, use_real=True, real_fraction=1.0, binary_mask=binary_mask)
    held_out = sorted(entry["case_id"] for entry in held_back)
    return TrainingMix(_entries(training), held_back, held_out, settings)


def _entries(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = [Path(case["label"]).name.removesuffix(".gz").removesuffix(".nii") for case in cases]
    rest = {"centre": "unknown", "source": "real"}
    return [{**case, "case_id": name, **rest} for case, name in zip(cases, names, strict=True)]
