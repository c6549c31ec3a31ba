"""What a folder of DICOM holds, as tables for the terminal: pseudonyms in place of patients."""

from collections.abc import Mapping, Sequence

from .ct_series import CtSeries
from .fault import DicomFault
from .inventory import DrawnSeries, Inventory, structure_counts
from .pseudonyms import Pseudonyms
from .rois import values_of


def inventory_table(inventory: Inventory, pseudonyms: Pseudonyms, rois: Mapping[str, int] | None = None) -> str:
    """Series with what is drawn on each; structures with their label values, where `rois` are given; and the rest."""
    series = [_series_row(drawn, case_names(uid, drawn, pseudonyms)) for uid, drawn in inventory.series.items()]
    counts = structure_counts(list(inventory.series.values()))
    structures = [
        (name, str(count), ", ".join(map(str, values_of(name, rois))) or "-") if rois else (name, str(count))
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    header = ("structure", "CT series", "label") if rois else ("structure", "CT series")
    others = [(kind, str(count)) for kind, count in sorted(inventory.others.items())]
    others += [("RTSTRUCT or SEG of these", str(inventory.drawn_elsewhere))] if inventory.drawn_elsewhere else []
    parts = [
        _table(("patient", "case", "slices", "voxels, mm", "drawn on it"), series),
        _table(header, structures),
        _table(("not read", "files"), others) if others else "",
        _table(("fault", "file", "found"), [(fault.kind, fault.file, fault.found) for _, fault in inventory.faults])
        if inventory.faults
        else "",
    ]
    return "\n\n".join(part for part in parts if part)


def case_names(uid: str, drawn: DrawnSeries, pseudonyms: Pseudonyms) -> tuple[str, str]:
    """Pseudonyms of the patient, and of the case that a CT series is."""
    patient = f"p{pseudonyms.of('patient', drawn.patient)}"
    return patient, f"{patient}-{pseudonyms.of('series', uid, digits=6)}"


def _series_row(drawn: DrawnSeries, names: tuple[str, str]) -> tuple[str, ...]:
    try:
        series = CtSeries.of(drawn.headers)
        step = float((series.affine[:3, 2] ** 2).sum() ** 0.5)
        rows, columns = series.headers[0].spacing or (0.0, 0.0)
        size = f"{columns:.4g} × {rows:.4g} × {step:.4g}"
    except DicomFault as fault:
        size = fault.kind
    files = [f"{file.kind} {sum(map(bool, file.counts.values()))} structures" for file in drawn.files]
    return (*names, str(len(drawn.headers)), size, ", ".join(files) or "nothing")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)]
    return "\n".join(line.rstrip() for line in lines)
