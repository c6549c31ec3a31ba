import pytest

from common.reports.centre_tables import geometry_table, intensity_table, label_table


def centre(**changes):
    row = {"centre": "MDA", "cases": 2, "orientation": "LAS", "dtype": "int16", "slope": "1.0", "intercept": "0.0"}
    for name in ("size_x", "size_y", "spacing_x", "spacing_y", "spacing_z", "hu_max", "hu_mean"):
        row |= {f"{name}_min": 1.0, f"{name}_max": 1.0, f"{name}_mean": 1.0}
    row |= {"slices_min": 87, "slices_max": 407, "slices_mean": 166.5}
    row |= {"hu_min_min": -16156.0, "hu_min_max": -1000.0, "hu_min_mean": -2206.25}
    row |= {"hu_min_most_frequent": -1000.0, "hu_min_most_frequent_cases": 2}
    row |= {"hu_max_most_frequent": 3071.0, "hu_max_most_frequent_cases": 1}
    row |= {"tumour_cases": 2, "tumour_ml_mean": 9.876, "tumour_ml_sd": 1.234}
    return row | {"tumour_components_mean": 1.5, "tumour_components_max": 2} | changes


def test_geometry_cells():
    [cells] = geometry_table([centre()])
    assert (cells["slices"], cells["size x"], cells["orientation"]) == ("87 to 407 (166.5)", "1", "LAS")


def test_intensity_cells():
    [cells] = intensity_table([centre()])
    assert cells["lowest HU"] == "-16156 to -1000 (-2206)"
    assert (cells["most frequent lowest"], cells["most frequent highest"]) == ("-1000 (2×)", "3071 (1×)")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (2, "9.88 ± 1.23", "1.5, 2")),
        ({"tumour_cases": 1, "tumour_ml_sd": None, "tumour_components_mean": 1.0}, (1, "9.88", "1, 2")),
        ({"tumour_cases": 0, "tumour_ml_mean": None}, (0, None, None)),
    ],
)
def test_label_cells(changes, expected):
    [cells] = label_table([centre(**changes)], ["tumour"])
    assert tuple(cells[key] for key in ("with tumour", "tumour, ml", "tumour, parts")) == expected
