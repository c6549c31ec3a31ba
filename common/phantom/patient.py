"""What differs from patient to patient: sizes, pose, asymmetry, tissues, teeth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from .canvas import Tissue, tissue_table
from .fields import smooth_field


@dataclass(frozen=True)
class Patient:
    """Traits drawn from the table's ranges, the tissues they lead to, and the seed of the patient's fields."""

    traits: SimpleNamespace
    tissues: Mapping[str, Tissue]
    teeth: np.ndarray  # (2, count) bool, upper and lower row
    field_seed: int

    def rng(self, stream: int) -> np.random.Generator:
        """Generator of one of the patient's fields, the same whatever else was drawn."""
        return np.random.default_rng([self.field_seed, stream])


def draw_patient(rng: np.random.Generator, parameters: Mapping[str, Any]) -> Patient:
    """Patient with traits uniform in the ranges of `parameters["patient"]`, which also change the table's tissues."""
    traits = {name: float(rng.uniform(*span)) for name, span in parameters["patient"].items()}
    present = rng.random((2, parameters["teeth"]["count"])) < traits["teeth"]
    tissues = tissue_table(parameters["tissues"])
    for name in ("cortical", "cancellous", "petrous"):
        tissues[name] = replace(tissues[name], hu=tissues[name].hu * traits["bone"])
    tissues["vessel"] = replace(tissues["vessel"], hu=traits["contrast"])
    return Patient(SimpleNamespace(**traits), tissues, present, int(rng.integers(2**32)))


def patient_frame(axes: Sequence[np.ndarray], patient: Patient, parameters: Mapping[str, Any]) -> list[np.ndarray]:
    """Coordinates of the scan's samples in the frame in which the anatomy is described.

    Args:
        axes: x, y, z of the samples in the scan, mm.
        patient: gives size, pose and asymmetry.
        parameters: gives the pivot of the head and the pitch of the displacement.

    Returns:
        Three float32 arrays of shape (len(x), len(y), len(z)).
    """
    traits = patient.traits
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    moved = [x - np.float32(traits.across), y, z - np.float32(traits.along)]
    turned = _bend_neck(moved, traits, parameters["pose"])
    scales = (traits.width, traits.length, traits.height)
    pitch = parameters["asymmetry_pitch"]
    return [
        values / np.float32(scale) + np.float32(traits.asymmetry) * smooth_field(patient.rng(axis), axes, pitch)
        for axis, (values, scale) in enumerate(zip(turned, scales, strict=True))
    ]


def _bend_neck(at: Sequence[np.ndarray], traits: SimpleNamespace, pose: Mapping[str, Any]) -> list[np.ndarray]:
    """Turn the head about the pivot, and widen the neck; both fade at the height where the other begins."""
    x, y, z = (values - np.float32(p) for values, p in zip(at, pose["pivot"], strict=True))
    share = np.clip((at[2] - pose["below"]) / (pose["above"] - pose["below"]), 0, 1)
    share = share * share * (3 - 2 * share)
    x, y = _turn(x, y, share * np.float32(np.deg2rad(traits.yaw)))
    y, z = _turn(y, z, share * np.float32(np.deg2rad(traits.pitch)))
    x, z = _turn(x, z, share * np.float32(np.deg2rad(traits.roll)))
    girth = 1 + np.float32(traits.girth - 1) * (1 - share)
    return [values + np.float32(p) for values, p in zip((x / girth, y / girth, z), pose["pivot"], strict=True)]


def _turn(a: np.ndarray, b: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotate the plane (a, b) by an angle given per sample, radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return a * cosine - b * sine, a * sine + b * cosine
