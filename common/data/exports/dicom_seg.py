"""A DICOM SEG of a mask, by highdicom."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from ...optional_packages import optional_package
from .dicom_header import MANUFACTURER, Origin, say_origin

# what a label's name says it is: words in it, and the terms of SNOMED CT for category and type
_ALTERED = ("49755003", "Morphologically Altered Structure")
_TERMS: list[tuple[tuple[str, ...], tuple[str, str], tuple[str, str]]] = [
    (("gtvn",), _ALTERED, ("59441001", "Lymph node")),
    (("tumour", "tumor", "gtv", "lesion", "cancer", "ptv"), _ALTERED, ("108369006", "Neoplasm")),
    (("node",), _ALTERED, ("59441001", "Lymph node")),
    ((), ("85756007", "Tissue"), ("85756007", "Tissue")),
]


def require_highdicom() -> Any:
    """highdicom's module.

    Raises:
        RuntimeError: It is not installed.
    """
    logging.getLogger("highdicom").setLevel(logging.WARNING)  # it tells of each module that it copies
    return optional_package("highdicom", needed_for="writing DICOM SEG")


def seg_dataset(slices: Sequence[Dataset], classes: np.ndarray, names: Sequence[str], origin: Origin) -> Dataset:
    """A binary segment for each of `names`, of the classes 1, 2, … (slices, rows, columns) that lie on `slices`."""
    hd = require_highdicom()
    kinds = hd.seg.SegmentAlgorithmTypeValues
    family = hd.sr.CodedConcept("123110", "DCM", "Artificial Intelligence")
    algorithm = hd.AlgorithmIdentificationSequence(origin.model[:64], family, origin.version[:64])
    segments = []
    for number, name in enumerate(names, 1):
        category, kind = next(terms for words, *terms in _TERMS if not words or any(w in name.lower() for w in words))
        segments.append(
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=name,
                segmented_property_category=hd.sr.CodedConcept(category[0], "SCT", category[1]),
                segmented_property_type=hd.sr.CodedConcept(kind[0], "SCT", kind[1]),
                algorithm_type=kinds.AUTOMATIC if origin.synthetic else kinds.SEMIAUTOMATIC,
                algorithm_identification=algorithm,
            )
        )
    data = hd.seg.Segmentation(
        source_images=list(slices),
        pixel_array=classes,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=origin.uid("segmentation"),
        series_number=2,
        sop_instance_uid=origin.uid("segments"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=origin.model,
        software_versions=origin.version,
        device_serial_number=origin.serial,
        content_label=origin.kind,
        content_description=origin.derivation[:64],
        series_description=f"{origin.kind} segmentation",
    )
    say_origin(data, origin)
    return data
