"""Paints the lower jaw and the teeth, turned about the joint by the opening of the mouth."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .canvas import Canvas
from .patient import Patient
from .shapes import Arch, Ellipsoid, Shape, ToothRow, Turned, both_sides

Parameters = Mapping[str, Any]


def turned(shape: Shape, row: Mapping[str, Any], patient: Patient, parameters: Parameters) -> Shape:
    """The shape where the open mouth takes it: rows marked `jaw` turn about the hinge."""
    if not row.get("jaw"):
        return shape
    return Turned(shape, parameters["jaw"]["hinge"], np.deg2rad(patient.traits.jaw))


def paint_jaw(canvas: Canvas, patient: Patient, parameters: Parameters) -> None:
    """Mandible with its marrow, the alveolar ridges, and the teeth that are present."""
    jaw, tissues = parameters["jaw"], patient.tissues
    parts: list[Shape] = [Arch(**jaw["body"])]
    parts += [shape for key in ("ramus", "coronoid", "condyle") for shape in both_sides(jaw[key] | {"mirror": True})]
    parts = [turned(part, {"jaw": True}, patient, parameters) for part in parts]
    for part in parts:
        canvas.paint(part, tissues["cortical"])
    for part in parts:
        canvas.paint(part, tissues["cancellous"], inset=jaw["shell"])
    teeth, upper = parameters["teeth"], parameters["teeth"]["upper"]
    roots = [upper["z"] + upper["half_height"]] * 2
    ridge = Arch(upper["centre"], upper["radii"], teeth["half_width"] + 2, roots, teeth["alveolus"] / 2)
    canvas.paint(ridge, tissues["cancellous"])
    for row in tooth_rows(patient, parameters):
        canvas.paint(row, tissues["tooth"])


def tooth_rows(patient: Patient, parameters: Parameters) -> Iterator[Shape]:
    """Upper and lower row of teeth."""
    teeth = parameters["teeth"]
    for present, name in zip(patient.teeth, ("upper", "lower"), strict=True):
        row = ToothRow(_tooth_arch(teeth, name), present, teeth["gap"])
        yield turned(row, {"jaw": name == "lower"}, patient, parameters)


def filling_centres(patient: Patient, parameters: Parameters) -> list[np.ndarray]:
    """Patient-frame centres (mm) of the metal fillings, in teeth that are present."""
    teeth, rng = parameters["teeth"], patient.rng(9)
    places = np.argwhere(patient.teeth)
    chosen = rng.permutation(len(places))[: int(patient.traits.fillings)]
    centres = []
    for line, index in places[chosen]:
        row = ToothRow(_tooth_arch(teeth, ("upper", "lower")[line]), patient.teeth[line], teeth["gap"])
        low, high = turned(Ellipsoid(row.centre(index), (0, 0, 0)), {"jaw": line == 1}, patient, parameters).box()
        centres.append((low + high) / 2)
    return centres


def _tooth_arch(teeth: Mapping[str, Any], name: str) -> Arch:
    row = teeth[name]
    return Arch(row["centre"], row["radii"], teeth["half_width"], [row["z"]] * 2, row["half_height"])
