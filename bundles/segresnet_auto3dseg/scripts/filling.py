"""What Auto3DSeg's data analysis decides about a training: spacing, HU window, patch size, data list."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_ROI = (224, 224, 144)  # voxels; MONAI's own segresnet template
BYTES_PER_VOXEL = 90  # of a patch in training, per initial filter, fp32; measured for 8, 16 and 32 filters
STATISTICS = "stats_summary"


def fill_settings(
    statistics: Mapping[str, Any], *, defaults: Mapping[str, Any], given: Mapping[str, Any], memory: float
) -> dict[str, Any]:
    """Flat keys of ``train.yaml`` that fit the data: ``spacing``, ``hu_window``, ``roi_size``, and all of `given`.

    Args:
        statistics: Content of ``datastats.yaml``.
        defaults: Flat keys of ``train.yaml``.
        given: Flat keys that the user has set; they win, and the rest follows from them.
        memory: In GiB, that a batch of patches may take in training.

    With a generated set the window stays that of ``train.yaml``, which the generators fill.

    Raises:
        ValueError: The statistics lack something; the message names it.
    """
    try:
        images = statistics[STATISTICS]["image_stats"]
        spacing = given.get("spacing") or [round(float(value), 3) for value in images["spacing"]["median"]]
        size = [float(mm) / float(step) for mm, step in zip(images["sizemm"]["median"], spacing, strict=True)]
        window = given.get("hu_window") or (
            defaults["hu_window"] if given.get("generated_dir") else foreground_window(statistics)
        )
    except KeyError as error:
        raise ValueError(f"the data statistics lack {error}: run Auto3DSeg's data analysis again") from error
    settings = {**defaults, **given}
    roi = given.get("roi_size") or fit_roi(
        size,
        factor=2 ** (len(settings["blocks_down"]) - 1),
        voxels=memory * 2**30 / (BYTES_PER_VOXEL * settings["init_filters"] * settings["batch_size"]),
    )
    return {**given, "spacing": list(spacing), "hu_window": list(window), "roi_size": list(roi)}


def foreground_window(statistics: Mapping[str, Any]) -> list[int]:
    """0.5 and 99.5 percent of the intensities under the masks, in whole HU, as MONAI's templates do for CT."""
    intensity = statistics[STATISTICS]["image_foreground_stats"]["intensity"]
    if isinstance(intensity, Sequence):  # one for each channel when channels are not averaged
        intensity = intensity[0]
    low, high = (round(float(intensity[f"percentile_{rank}"])) for rank in ("00_5", "99_5"))
    return [low, max(high, low + 1)]


def fit_roi(size: Sequence[float], *, factor: int, voxels: float) -> list[int]:
    """Largest patch of at most `voxels`, no larger than the image, each side a multiple of `factor`.

    The longest side gives way first, so that the patch becomes a cube as it shrinks.

    Args:
        size: Of the images, in voxels (3,).
        factor: That the network halves a side by in all.
        voxels: That fit into the memory.
    """
    roi = [max(int(min(side, limit)) // factor * factor, factor) for side, limit in zip(size, MAX_ROI, strict=True)]
    while roi[0] * roi[1] * roi[2] > voxels and max(roi) > factor:
        roi[roi.index(max(roi))] -= factor
    return roi


def complete_datalist(datalist: Mapping[str, Any], *, labels: Sequence[int]) -> dict[str, Any]:
    """The list with what a plain Auto3DSeg list lacks: ``case_id`` and ``centre`` of the entries, ``labels``.

    Args:
        datalist: With ``training`` and perhaps ``testing``; entries without ``label`` are allowed among the latter.
        labels: Values that the analysis found in the masks.
    """
    names = {str(value): "background" if value == 0 else f"label {value}" for value in sorted({0, *labels})}
    sides = {side: [_complete(entry) for entry in datalist.get(side, [])] for side in ("training", "testing")}
    return {"labels": names, **datalist, **sides}


def _complete(entry: Mapping[str, Any]) -> dict[str, Any]:
    image = Path(entry["image"])
    name = image.name.removesuffix(".gz").removesuffix(".nii")
    case_id = "_".join([*(part for part in image.parent.parts if part not in ("/", ".", "..")), name])
    return {"case_id": case_id, "centre": "unknown", **entry}
