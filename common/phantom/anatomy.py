"""Paints one patient's anatomy: skin, fat, muscles, skull, jaw, spine, airway, brain."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .canvas import Canvas, Grid
from .fields import smooth_field
from .jaw import paint_jaw, turned
from .patient import Patient, patient_frame
from .shapes import Ellipsoid, both_sides, ellipse_distance, make_shape

Parameters = Mapping[str, Any]


def draw_anatomy(grid: Grid, patient: Patient, parameters: Parameters) -> Canvas:
    """Canvas with the healthy anatomy of `patient`: HU, grain, and depth under the skin."""
    fine = parameters["scanner"]["fine"]
    canvas = Canvas(grid, fine=fine, warp=lambda axes: patient_frame(axes, patient, parameters))
    coarse, close = (smooth_field(patient.rng(3 + i), canvas.axes, p) for i, p in enumerate(parameters["grain_pitch"]))
    canvas.grain = np.float32(0.6) * coarse + np.float32(0.8) * close  # unit variance again
    canvas.depth = _skin_distance(canvas, patient, parameters)
    _paint_soft_tissue(canvas, patient, parameters)
    _paint_cranium(canvas, patient, parameters["cranium"])
    _paint_rows(canvas, parameters["ventricles"], patient, inset=-patient.traits.ventricles)
    _paint_rows(canvas, parameters["brain"], patient)
    _paint_rows(canvas, parameters["bones"], patient)
    _paint_rows(canvas, parameters["cavities"], patient)
    _paint_spine(canvas, patient, parameters["spine"])
    paint_jaw(canvas, patient, parameters)
    _paint_airway(canvas, patient, parameters["airway"])
    canvas.blend(canvas.everywhere, -canvas.depth, patient.tissues["air"])
    np.maximum(canvas.hu, patient.tissues["air"].hu, out=canvas.hu)
    return canvas


def _paint_rows(canvas: Canvas, rows: Iterable[Mapping[str, Any]], patient: Patient, *, inset: float = 0.0) -> None:
    """Paint the structures of a table in order, each on one side or both, hollow ones with what is inside."""
    for row in rows:
        for shape in both_sides(row):
            canvas.paint(shape, patient.tissues[row["tissue"]], inset=inset)
            if row.get("shell"):
                canvas.paint(shape, patient.tissues[row["inside"]], inset=row["shell"])


def _skin_distance(canvas: Canvas, patient: Patient, parameters: Parameters) -> np.ndarray:
    """Distance to the skin: head, face and nose, neck and shoulders, joined smoothly; the ears stand off."""
    body = parameters["body"]
    shapes = [turned(make_shape(row), row, patient, parameters) for row in body["parts"]]
    lift = np.array([0, 0, patient.traits.slope])
    shapes += [shape.moved(lift) for row in body["shoulders"] for shape in both_sides(row)]
    x, y, z = canvas.coordinates
    neck = body["neck"]  # an upright elliptic cylinder that ends below the skull's base
    middle = np.interp(z, neck["z"][::-1], neck["y"][::-1]).astype(np.float32)
    radii = [r + patient.traits.fat for r in neck["radii"]]
    skin = np.maximum(ellipse_distance(((x, 0, radii[0]), (y, middle, radii[1]))), z - neck["z"][0])
    for shape in shapes:
        canvas.join(skin, shape, blend=body["blend"])
    for ear in both_sides(body["ears"]):
        canvas.join(skin, ear, blend=1)
    return skin


def _paint_soft_tissue(canvas: Canvas, patient: Patient, parameters: Parameters) -> None:
    """Fat and fascia, the muscles, glands and vessels in it, subcutaneous fat and skin around it."""
    tissues, everywhere, body = patient.tissues, canvas.everywhere, parameters["body"]
    canvas.blend(everywhere, canvas.depth, tissues["loose"])
    for row in parameters["soft"]:
        for shape in both_sides(row):
            canvas.paint(turned(shape, row, patient, parameters), tissues[row["tissue"]])
    z = canvas.coordinates[2]
    thickness = np.interp(z, body["cheek"], [patient.traits.fat, body["scalp"]]).astype(np.float32) + body["skin"]
    canvas.blend(everywhere, -thickness - canvas.depth, tissues["fat"])
    canvas.blend(everywhere, -np.float32(body["skin"]) - canvas.depth, tissues["skin"])


def _paint_cranium(canvas: Canvas, patient: Patient, cranium: Mapping[str, Any]) -> None:
    """Two compact tables with diploe between them, then CSF and brain inside."""
    cavity = Ellipsoid(**cranium["cavity"])
    low, high = cavity.box()
    where = canvas.box(low - cranium["thickness"], high + cranium["thickness"])
    x, y, z = canvas.at(where)
    floor, fossa = cranium["floor"], cranium["fossa"]  # the stepped base
    beside = np.minimum.reduce([np.abs(x) - fossa["x"], y - fossa["y"][0], fossa["y"][1] - y])
    steps = fossa["depth"] * np.clip(beside / fossa["slope"], 0, 1)
    base = (np.interp(y, floor["y"], floor["z"]) - steps).astype(np.float32)
    inner = np.maximum(cavity.distance(x, y, z), base - z)
    tissues, table, thickness = patient.tissues, cranium["table"], cranium["thickness"]
    canvas.blend(where, inner - thickness, tissues["cortical"])
    canvas.blend(where, inner - (thickness - table), tissues["cancellous"])
    canvas.blend(where, inner - table, tissues["cortical"])
    canvas.blend(where, inner, tissues["fluid"])
    folds = np.float32(cranium["folds"]) * np.clip(canvas.grain[where], -1, 1)
    canvas.blend(where, inner + np.float32(patient.traits.atrophy) + folds, tissues["brain"])
    _open_foramen(canvas, patient, cranium["foramen"])


def _open_foramen(canvas: Canvas, patient: Patient, foramen: Mapping[str, Any]) -> None:
    """Let the cord pass the skull's base."""
    (x, y), (a, b), (low, high) = foramen["centre"], foramen["radii"], foramen["z"]
    where = canvas.box([x - a, y - b, low], [x + a, y + b, high])
    at = canvas.at(where)
    wall = ellipse_distance(((at[0], x, a), (at[1], y, b)))
    inside = np.maximum.reduce([wall, low - at[2], at[2] - high])
    canvas.blend(where, inside, patient.tissues["fluid"])
    canvas.blend(where, inside + foramen["fluid"], patient.tissues["cord"])


def _paint_spine(canvas: Canvas, patient: Patient, spine: Mapping[str, Any]) -> None:
    """Vertebrae at a constant pitch along the curved column, their discs, the canal and the cord."""
    where = canvas.box([-40, -120, spine["z"][-1]], [40, 12, spine["top"]])
    if any(s.stop <= s.start for s in where):
        return
    x, y, z = canvas.at(where)
    centre, half, depth, reach = (
        np.interp(z, spine["z"][::-1], spine[key][::-1]).astype(np.float32)
        for key in ("y", "width", "depth", "spinous")
    )
    level = (spine["top"] - z) / spine["pitch"]
    height = (np.floor(level) + 0.5 - level) * spine["pitch"]  # above the middle of the vertebra, mm
    behind = y - (centre - depth - spine["canal"][1] - 1)
    section = ellipse_distance(((x, 0, half), (y, centre, depth)))
    canal = ellipse_distance(((x, 0, spine["canal"][0]), (behind, 0, spine["canal"][1])))
    bone = np.minimum(
        np.maximum(section, np.abs(height) - (spine["pitch"] - spine["disc"]) / 2),
        _arch(x, behind, height, reach, spine),
    )
    below = z - spine["top"]
    tissues = patient.tissues
    canvas.blend(where, np.maximum(section, below), tissues["disc"])
    canvas.blend(where, np.maximum(bone, below), tissues["cortical"])
    canvas.blend(where, np.maximum(bone + spine["shell"], below), tissues["cancellous"])
    canvas.blend(where, canal, tissues["fluid"])
    canvas.blend(where, ellipse_distance(((x, 0, spine["cord"][0]), (behind, 0, spine["cord"][1]))), tissues["cord"])


def _arch(
    x: np.ndarray, behind: np.ndarray, height: np.ndarray, reach: np.ndarray, spine: Mapping[str, Any]
) -> np.ndarray:
    """Distance to laminae, articular pillars and spinous process; `behind` is y from the canal's centre."""
    arch, pillar, process = spine["arch"], spine["pillar"], spine["process"]
    ring = ellipse_distance(((x, 0, arch["radii"][0]), (behind, 0, arch["radii"][1])))
    sides = zip((np.abs(x), behind), pillar["centre"], pillar["radii"], strict=True)
    drop = np.abs(height + process["drop"] - process["tilt"] * behind)
    back = np.maximum.reduce(
        [np.abs(x) - process["half_width"], behind, -behind - reach, drop - process["half_height"]]
    )
    ring = np.maximum(ring, np.abs(height) - arch["half_height"])
    return np.minimum.reduce([ring, np.maximum(ellipse_distance(sides), np.abs(height) - pillar["half_height"]), back])


def _paint_airway(canvas: Canvas, patient: Patient, airway: Mapping[str, Any]) -> None:
    """Lumen of pharynx, larynx and trachea with its mucosa."""
    rows = [np.asarray(airway[key][::-1], float) for key in ("z", "y", "x", "depth")]
    where = canvas.box([-30, -45, rows[0][0]], [30, 45, rows[0][-1]])
    x, y, z = canvas.at(where)
    middle, across, deep = (np.interp(z, rows[0], row).astype(np.float32) for row in rows[1:])
    calibre = np.float32(patient.traits.airway)
    lumen = ellipse_distance(((x, 0, across * calibre), (y, middle, deep * calibre)))
    lumen = np.maximum(lumen, z - np.float32(rows[0][-1]))
    bone = canvas.hu[where] > airway["bone"]
    canvas.blend(where, np.where(bone, np.float32(canvas.edge), lumen - airway["wall"]), patient.tissues["mucosa"])
    canvas.blend(where, lumen, patient.tissues["air"])
