"""An arm's cases as a data set of nnU-Net, prepared alike whether real or generated."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from monai.data import MetaTensor

from ...data.exports.nnunet import SPLITS, describe_labels
from ...data.training_mix import TrainingMix
from ...files import replacing, write_json
from ...progress import Progress
from ...transforms import LoadCased

NUMBER, NAME = 501, "Dataset501_arm"
_FINEST = 100  # of the times that a case is repeated: 101 to 100 is a share as exact as one reads it


def write_dataset(
    mix: TrainingMix, home: Path, *, load: LoadCased, label_names: Mapping[str, str], binary: bool, validation: int
) -> Path:
    """Write ``nnUNet_raw/Dataset501_arm`` and the split that nnU-Net trains by; what is there is not written again.

    The first cases of the validation fold validate. nnU-Net draws each entry of a split's list equally often; where the
    mix says what share of the draws is generated, entries are repeated.

    Args:
        mix: Cases of the arm.
        home: Of nnU-Net's folders.
        load: Reads ``image`` and ``label`` of a case.
        label_names: Value, as text, to name.
        binary: Join all labels.
        validation: How many cases validate; where the mix has no validation fold, so many training cases.

    Returns:
        The folder of the data set.

    Raises:
        ValueError: The share that is generated changes during the training.
    """
    validating = (mix.validation or mix.training)[:validation]
    cases = {case["case_id"]: case for case in [*mix.training, *validating]}
    folder = home / "nnUNet_raw" / NAME
    split = {"train": drawn_ids(mix), "val": sorted(case["case_id"] for case in validating)}
    missing = [case for case in cases.values() if not (folder / "labelsTr" / f"{case['case_id']}.nii.gz").is_file()]
    for case in Progress(missing, "preparing", len(missing)):
        item = load({key: case[key] for key in ("image", "label", "centre", "cropped", "label_values") if key in case})
        write_volume(item["image"], folder / "imagesTr" / f"{case['case_id']}_0000.nii.gz")
        label = item["label"] > 0 if binary else item["label"]
        write_volume(label, folder / "labelsTr" / f"{case['case_id']}.nii.gz", np.uint8)
    generated = sorted(case["case_id"] for case in mix.training if case["source"] == "generated")
    write_json([split], folder / SPLITS)
    write_json([split], home / "nnUNet_preprocessed" / NAME / SPLITS)
    content = {"channel_names": {"0": "CT"}, "labels": describe_labels(label_names), "numTraining": len(cases)}
    write_json({**content, "file_ending": ".nii.gz", "name": "arm", "generated": generated}, folder / "dataset.json")
    return folder


def drawn_ids(mix: TrainingMix) -> list[str]:
    """Ids of the training cases, each as often as nnU-Net is to find it in its list.

    Raises:
        ValueError: The share that is generated changes during the training.
    """
    by_source = {
        source: sorted(case["case_id"] for case in mix.training if case["source"] == source)
        for source in ("real", "generated")
    }
    first, last = mix.settings.get("generated_share", [None, None])
    if first is None:
        return sorted(by_source["real"] + by_source["generated"])
    if first != last:
        raise ValueError(
            f"generated_share is {first} and generated_share_end {last}, but nnU-Net draws from one list throughout: "
            "leave generated_share_end out, and the share stays"
        )
    real, generated = repeats(len(by_source["real"]), len(by_source["generated"]), first)
    return sorted(by_source["real"] * real + by_source["generated"] * generated)


def repeats(real: int, generated: int, share: float) -> tuple[int, int]:
    """How often each real and each generated case stands in a list of which about `share` is generated.

    Args:
        real: Number of real cases.
        generated: Of generated ones.
        share: In [0, 1]; exact where whole numbers up to a hundred allow.
    """
    if share in (0, 1) or not real or not generated:
        return (1, 0) if share == 0 else (0, 1) if share == 1 else (1, 1)
    ratio = Fraction(generated) * (1 - Fraction(share)) / (real * Fraction(share))  # of a real case to a generated one
    if ratio >= 1:
        found = ratio.limit_denominator(_FINEST)
        return found.numerator, found.denominator
    found = (1 / ratio).limit_denominator(_FINEST)
    return found.denominator, found.numerator


def write_volume(volume: MetaTensor, path: Path, kind: type[np.generic] | None = None) -> None:
    """Write a volume (1, H, W, D) with its affine; whole numbers that fit as int16, or as `kind`, else float32."""
    values = volume.detach().cpu().numpy()[0]
    if kind is None:
        limits = np.iinfo(np.int16)
        whole = np.array_equal(values, np.rint(values)) and limits.min <= values.min() <= values.max() <= limits.max
        kind = np.int16 if whole else np.float32
    with replacing(path) as temporary:
        nib.save(nib.Nifti1Image(values.astype(kind), np.asarray(volume.affine, dtype=float)), temporary)


def write_images(cases: Sequence[Mapping[str, Any]], folder: Path, *, load: LoadCased) -> None:
    """Write the images of `cases` as nnU-Net takes them for a prediction."""
    for case in Progress(cases, "preparing", len(cases)):
        target = folder / f"{case['case_id']}_0000.nii.gz"
        if not target.is_file():
            write_volume(load({**case})["image"], target)
