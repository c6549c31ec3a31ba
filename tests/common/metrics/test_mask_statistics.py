import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from nibabel.affines import voxel_sizes
from scipy import ndimage

from common.metrics.mask_statistics import UNITS, body_box, body_mask, mask_statistics, occupancy
from common.transforms import BodyMask

SHAPE = (72, 60, 54)
BODY = (slice(6, 66), slice(6, 54), slice(6, 48))  # 60 × 48 × 42 voxels
ISO = (1, 1, 1)


def scan(tissue=0.0):
    """CT of a box of `tissue` HU in air."""
    image = np.full(SHAPE, -1000.0)
    image[BODY] = tissue
    return image


def mask(*boxes, value=1):
    label = np.zeros(SHAPE, np.uint8)
    for box in boxes:
        label[box] = value
    return label


def box(*starts, size=(4, 3, 5)):
    return tuple(slice(start, start + extent) for start, extent in zip(starts, size, strict=True))


def ball(radius, centre=(36, 30, 27), spacing=ISO):
    position = (np.indices(SHAPE).T - centre) * spacing
    return ((position**2).sum(-1) <= radius**2).T.astype(np.uint8)


def foreground(label, image=None, *, spacing=ISO, **options):
    row = mask_statistics(label, scan() if image is None else image, spacing=spacing, labels=(), **options)
    return {name.removeprefix("foreground/"): value for name, value in row.items()}


def test_every_region_has_every_statistic():
    row = mask_statistics(mask(box(20, 20, 20)), scan(), spacing=ISO, labels=(1, 2))
    assert list(row) == [f"{region}/{name}" for region in ("foreground", "label_1", "label_2") for name in UNITS]
    assert all(type(value) is float for value in row.values())


@pytest.mark.parametrize("spacing", [ISO, (2, 2, 2)])
def test_a_box_in_closed_form(spacing):
    """Marching cubes cut half a voxel off each edge and corner of a box of 4 × 3 × 5 voxels."""
    sides = np.array([4, 3, 5]) - 1
    faces, edges = sides[0] * sides[1] + sides[1] * sides[2] + sides[0] * sides[2], sides.sum()
    area = 2 * faces + 4 * np.sqrt(0.5) * edges + np.sqrt(3)
    volume = sides.prod() + faces + edges / 2 + 1 / 6
    row = foreground(mask(box(20, 20, 20)), spacing=spacing)
    assert row["surface"] == pytest.approx(area * spacing[0] ** 2, rel=1e-6)
    assert row["sphericity"] == pytest.approx((36 * np.pi * volume**2) ** (1 / 3) / area, rel=1e-6)
    assert row["volume"] == pytest.approx(60 * spacing[0] ** 3 / 1000)
    assert row["frequency"] == pytest.approx(60 / np.prod(SHAPE))


@pytest.mark.parametrize("spacing", [ISO, (1, 1, 2), (2, 1, 1)])
def test_a_ball_is_nearly_a_sphere_at_any_spacing(spacing):
    row = foreground(ball(14, spacing=spacing), spacing=spacing)
    assert row["volume"] == pytest.approx(4 / 3 * np.pi * 14**3 / 1000, rel=0.01)
    assert row["surface"] == pytest.approx(4 * np.pi * 14**2, rel=0.12)
    assert 0.88 < row["sphericity"] < 1


def test_sphericity_never_passes_one():
    for radius in (0, 1, 1.5, 2, 3):
        assert foreground(ball(radius))["sphericity"] < 1


def test_less_compact_is_less_spherical():
    shapes = [ball(8), mask(box(20, 20, 20, size=(12, 12, 12))), mask(box(10, 20, 20, size=(40, 4, 4)))]
    values = [foreground(shape)["sphericity"] for shape in shapes]
    assert values == sorted(values, reverse=True)


# boxes, parts
PARTS = [
    ([box(10, 10, 10)], 1),
    ([box(10, 10, 10), box(20, 20, 20)], 2),
    ([box(10, 10, 10), box(14, 10, 10)], 1),  # share a face
    ([box(10, 10, 10), box(14, 13, 10)], 2),  # share an edge
]


@pytest.mark.parametrize(("boxes", "parts"), PARTS)
def test_parts_are_connected_by_faces(boxes, parts):
    assert foreground(mask(*boxes))["components"] == parts


def test_labels_touching_are_one_part_of_the_foreground():
    label = mask(box(10, 10, 10)) + mask(box(14, 10, 10), value=2)
    row = mask_statistics(label, scan(), spacing=ISO, labels=(1, 2))
    assert [row[f"{region}/components"] for region in ("foreground", "label_1", "label_2")] == [1, 1, 1]
    assert row["foreground/volume"] == row["label_1/volume"] + row["label_2/volume"]


def test_centroid_in_the_body():
    row = foreground(mask(box(6, 27, 38, size=(30, 6, 10))))
    centroid = [row[f"centroid_{axis}"] for axis in ("right", "anterior", "superior")]
    assert centroid == pytest.approx([0.25, 0.5, (38 + 5 - 6) / 42])


def test_known_hu_step():
    """40 HU tissue, a lesion of 100 ± 10 HU, and metal further from it than the rim reaches."""
    image, label = scan(40.0), ball(8)
    image[ball(13.5) == 0] = 3000
    image[label > 0] = 100
    image[label > 0] += np.resize([-10, 10], label.sum())
    row = foreground(label, image, body=np.ones(SHAPE, bool))
    known = {"hu_mean": 100, "hu_sd": 10, "hu_rim": 40, "hu_contrast": 60}
    assert {name: row[name] for name in known} == pytest.approx(known, abs=0.15)


def test_rim_is_five_millimetres_wide_along_each_axis():
    """Voxels of 1 × 2.5 × 4 mm: 5, 2 and 1 of them on either side of a single one."""
    for axis, steps in enumerate((5, 2, 1)):
        image = scan()
        near, far = [36, 30, 27], [36, 30, 27]
        near[axis], far[axis] = near[axis] + steps, far[axis] + steps + 1
        image[tuple(near)], image[tuple(far)] = 500, 10000
        row = foreground(mask(box(36, 30, 27, size=(1, 1, 1))), image, spacing=(1, 2.5, 4))
        assert 0 < row["hu_rim"] < 500


def test_rim_stays_inside_the_body_with_its_airway_and_outside_other_labels():
    image = scan(40.0)
    image[30:36, 30:36, :][image[30:36, 30:36, :] > -1000] = -980.0  # an airway that is open at both ends
    at_skin = mask(box(6, 20, 20, size=(4, 4, 4)))
    assert foreground(at_skin, image)["hu_rim"] == 40
    beside_airway = mask(box(26, 30, 20, size=(4, 6, 6)))
    assert -980 < foreground(beside_airway, image)["hu_rim"] < 0
    label = at_skin + mask(box(10, 20, 20, size=(4, 4, 4)), value=2)
    image[label == 2] = 1000
    assert mask_statistics(label, image, spacing=ISO, labels=(1, 2))["label_1/hu_rim"] == 40


def test_mask_without_a_rim():
    row = foreground(np.ones(SHAPE, np.uint8))
    assert row["hu_mean"] == pytest.approx(scan().mean())
    assert np.isnan([row["hu_rim"], row["hu_contrast"]]).all()


def test_absent_label_is_counted_and_nothing_else():
    row = mask_statistics(mask(box(20, 20, 20)), scan(), spacing=ISO, labels=(1, 2))
    absent = {name: row[f"label_2/{name}"] for name in UNITS}
    assert (absent.pop("present"), absent.pop("frequency")) == (0, 0)
    assert np.isnan(list(absent.values())).all()
    assert row["label_1/present"] == 1


@pytest.mark.parametrize(("label", "image"), [(SHAPE, (72, 60, 53)), ((1, *SHAPE), (1, *SHAPE))])
def test_other_shapes_are_refused(label, image):
    with pytest.raises(ValueError, match=r"of one shape, got \("):
        mask_statistics(np.zeros(label), np.zeros(image), spacing=ISO, labels=())


def test_body_box_and_a_scan_without_body():
    assert body_box(body_mask(scan(), spacing=ISO)) == BODY
    nothing = body_mask(np.full(SHAPE, -1000), spacing=ISO)
    assert nothing.all()
    assert body_box(nothing) == tuple(slice(0, size) for size in SHAPE)


def test_occupancy_counts_shares_of_the_mask():
    label = mask(box(0, 0, 0, size=(9, 30, 27)), box(63, 59, 53, size=(9, 1, 1)), value=2)
    grid = occupancy(label, grid=(4, 2, 2))
    assert grid.shape == (4, 2, 2)
    total = 9 * 30 * 27 + 9
    assert grid[0, 0, 0] == pytest.approx(9 * 30 * 27 / total)
    assert grid[3, 1, 1] == pytest.approx(9 / total)
    assert grid.sum() == pytest.approx(1)
    assert np.count_nonzero(grid) == 2


def test_occupancy_in_the_body_holds_what_lies_outside_at_its_border():
    label = mask(box(6, 6, 6, size=(30, 48, 42)), box(66, 6, 6, size=(6, 48, 42)))
    np.testing.assert_allclose(occupancy(label, grid=(2, 1, 1), box=BODY).ravel(), [30 / 36, 6 / 36])


def test_occupancy_does_not_depend_on_the_voxels():
    """The same mask on voxels of half the size."""
    label = ball(10)
    fine = label.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(occupancy(fine, grid=(6, 6, 6)), occupancy(label, grid=(6, 6, 6)))


def test_occupancy_of_an_empty_mask():
    assert np.isnan(occupancy(np.zeros(SHAPE), grid=(2, 3, 4))).all()
    assert occupancy(np.zeros(SHAPE)).shape == (16, 16, 8)


@pytest.mark.openkbp
def test_real_pairs_are_plausible(openkbp_dir):
    """Targets of head-and-neck patients: litres at most, inside the body, in soft tissue, near the midline."""
    for path in sorted((openkbp_dir / "images").iterdir())[:3]:
        image, label = (nib.load(openkbp_dir / folder / path.name) for folder in ("images", "labels"))
        arrays = [np.asanyarray(volume.dataobj) for volume in (label, image)]
        row = mask_statistics(*arrays, spacing=voxel_sizes(image.affine), labels=(1,))
        assert 10 < row["label_1/volume"] <= row["foreground/volume"] < 4000
        assert all(0.2 < row[f"foreground/centroid_{axis}"] < 0.8 for axis in ("right", "anterior", "superior"))
        assert -100 < row["foreground/hu_mean"] < 200
        assert abs(row["foreground/hu_contrast"]) < 200


def test_air_inside_is_filled_as_by_scipy():
    """In each axial slice: a hole that is open to another slice alone is filled, one at the border is none."""
    image = np.full((40, 40, 20), -1000.0)
    image[4:36, 4:36] = 40
    image[15:24, 12:22, 3:] = -1000  # a hole, closed in its slices and open at the top
    image[:9, 20:27, 5:12] = -1000  # a bay
    volume = MetaTensor(torch.as_tensor(image, dtype=torch.float32)[None], affine=np.diag([2.0, 2, 2, 1]))
    mask = BodyMask()(volume)[0].numpy()
    expected = np.stack([ndimage.binary_fill_holes(mask[..., z]) for z in range(20)], axis=2)
    assert expected[18, 18, 10] and not mask[18, 18, 10] and not expected[6, 23, 8]
    np.testing.assert_array_equal(body_mask(image, spacing=(2, 2, 2)), expected)


def test_the_box_is_scipys():
    body = np.zeros((5, 6, 7), bool)
    body[1:3, 2, 3:7] = True
    body[4, 5, 4] = True
    assert body_box(body) == ndimage.find_objects(body.astype(np.uint8))[0]
