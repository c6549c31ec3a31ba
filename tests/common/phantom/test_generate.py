import copy
import itertools
import os

import nibabel as nib
import numpy as np
import pytest

from common.data.sources.phantom import prepare_phantom
from common.phantom.generate import load_parameters, phantom_case, phantom_centre
from common.phantom.lesions import draw_lesions

COUNT, SIZE = 6, (64, 64, 32)
SIZES = [(32, 32, 16), (48, 40, 24), (96, 96, 48)]


@pytest.fixture(scope="module")
def parameters():
    return load_parameters()


@pytest.fixture(scope="module")
def quick(parameters):
    """The same anatomy, drawn on a coarse grid."""
    return parameters | {"scanner": parameters["scanner"] | {"fine": 6.0}}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return prepare_phantom(tmp_path_factory.mktemp("phantom"), count=COUNT, size=SIZE, seed=3, workers=2)


@pytest.fixture(scope="module")
def volumes(cases):
    return [(nib.load(case.image), nib.load(case.label)) for case in cases]


def array(volume):
    return np.asanyarray(volume.dataobj)


def test_files_are_hounsfield_units_and_labels_in_ras(cases, volumes, parameters):
    for case, (image, label) in zip(cases, volumes, strict=True):
        centre = parameters["centres"][case.centre]
        assert image.shape == label.shape == SIZE
        assert (array(image).dtype, array(label).dtype) == (np.int16, np.uint8)
        assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
        np.testing.assert_array_equal(image.affine, label.affine)
        np.testing.assert_allclose(image.header.get_zooms()[:2], centre["field"] / 64, rtol=1e-6)
        assert array(image).min() == centre["pad"] or array(image).min() >= -1024
        assert array(image).max() > 900


def test_ids_name_centre_and_number(cases):
    assert [case.case_id for case in cases[:3]] == ["phantom_MDA_000", "phantom_CHUP_001", "phantom_CHUS_002"]
    assert len({case.patient for case in cases}) == COUNT


def test_every_case_has_a_tumour_and_some_have_no_nodes(volumes):
    counts = np.array([[(array(label) == v).sum() for v in (1, 2)] for _, label in volumes])
    assert counts[:, 0].min() > 0
    assert (counts[:, 1] > 0).any()
    assert set(np.unique([array(label) for _, label in volumes])) == {0, 1, 2}


def test_number_of_nodes_follows_the_table(parameters):
    rng = np.random.default_rng(0)
    table = parameters["lesions"]
    counts = np.bincount([len(draw_lesions(rng, table, 55)[1]) for _ in range(1500)], minlength=5) / 1500
    np.testing.assert_allclose(counts, table["nodes"]["count"], atol=0.04)


def test_lesions_lie_in_soft_tissue(parameters):
    quiet = copy.deepcopy(parameters)
    quiet["patient"]["fillings"] = [0, 0]  # streaks and noise may take any voxel anywhere
    quiet["centres"] = {"CHUV": quiet["centres"]["CHUV"] | {"noise": 0, "kernel": 0.1}}
    for index in range(2):
        image, label, _ = phantom_case(index, size=SIZE, seed=5, parameters=quiet)
        values = image[label > 0].astype(float)
        assert values.min() > -300
        assert values.max() < 350
        assert 20 < np.median(values) < 130


def test_cases_are_told_apart(volumes):
    windowed = [np.clip(array(image), -1024, 600).astype(float) for image, _ in volumes]
    differences = [np.abs(a - b).mean() for a, b in itertools.combinations(windowed, 2)]
    assert min(differences) > 60  # HU over all voxels; the noise alone makes at most 12
    labels = [array(label) for _, label in volumes]
    assert all((a != b).any() for a, b in itertools.combinations(labels, 2))


def test_workers_do_not_change_a_file(cases, tmp_path):
    for case, other in zip(cases, prepare_phantom(tmp_path, count=1, size=SIZE, seed=3, workers=1), strict=False):
        assert other.case_id == case.case_id
        assert other.image.read_bytes() == case.image.read_bytes()
        assert other.label.read_bytes() == case.label.read_bytes()


def test_seed_and_index_change_the_patient(quick):
    first, other_seed, other_index = (
        phantom_case(index, size=(32, 32, 16), seed=seed, parameters=quick)[0]
        for index, seed in ((0, 0), (0, 1), (3, 0))
    )
    assert phantom_centre(0, parameters=quick) == phantom_centre(3, parameters=quick)
    assert np.abs(first.astype(int) - other_seed).mean() > 40
    assert np.abs(first.astype(int) - other_index).mean() > 40


@pytest.mark.parametrize("size", SIZES)
def test_size_changes_the_grid_and_not_the_anatomy(size, volumes, quick):
    image, label, affine = phantom_case(1, size=size, seed=3, parameters=quick)
    reference, reference_affine = array(volumes[1][0]), volumes[1][0].affine
    assert image.shape == label.shape == size
    assert (label == 1).any()
    np.testing.assert_allclose(np.diag(affine)[:3] * size, np.diag(reference_affine)[:3] * (64, 64, 32))
    body, expected = ((v > -300).mean() for v in (image, reference))
    assert body == pytest.approx(expected, rel=0.06)


def test_finished_cases_are_left_alone_and_others_made_again(tmp_path, quick):
    settings = {"count": 2, "size": (16, 16, 8), "parameters": quick}
    first, second = prepare_phantom(tmp_path, **settings)
    content = first.image.read_bytes()
    for path in (first.image, first.label, second.image):
        os.utime(path, ns=(10**9, 10**9))
    second.label.write_bytes(b"cut short")
    prepare_phantom(tmp_path, **settings)
    assert first.image.stat().st_mtime_ns == first.label.stat().st_mtime_ns == 10**9
    assert second.image.stat().st_mtime_ns > 10**9
    assert set(np.unique(array(nib.load(second.label)))) <= {0, 1, 2}
    prepare_phantom(tmp_path, seed=1, **settings)
    assert first.image.read_bytes() != content
    assert sorted(path.name for path in tmp_path.rglob("*.gz")) == sorted(
        2 * [f"{case.case_id}.nii.gz" for case in (first, second)]
    )


def test_any_number_of_cases_keeps_the_proportions_of_the_centres(parameters):
    total = sum(row["share"] for row in parameters["centres"].values())
    names = [phantom_centre(index, parameters=parameters) for index in range(131)]
    for count in (7, 24, 48, 131):
        for name, row in parameters["centres"].items():
            assert abs(names[:count].count(name) - count * row["share"] / total) < 1.0
    assert len(set(names[:24])) == 7


@pytest.mark.parametrize("wrong", [{"count": 0}, {"workers": 0}, {"size": (64, 64)}, {"size": (64, 64, 4)}])
def test_wrong_settings_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="at least"):
        prepare_phantom(tmp_path, **({"count": 1} | wrong))


def test_tumour_outside_the_scan_is_reported(quick):
    wrong = copy.deepcopy(quick)
    for site in wrong["lesions"]["tumour"]["sites"].values():
        site["centre"] = [0, 0, 150]
    with pytest.raises(ValueError, match="outside the scan"):
        phantom_case(0, size=(16, 16, 8), parameters=wrong)


def test_large_lesions_are_one_bright_tumour_a_case():
    table, typical = load_parameters(lesions="large"), load_parameters()
    assert table["lesions"]["tumour"]["sites"] == typical["lesions"]["tumour"]["sites"]
    low = typical["tissues"]["muscle"]["hu"] + table["lesions"]["tumour"]["enhancement"][0]
    assert low > table["patient"]["contrast"][1]
    values = []
    for index in range(4):
        image, label, affine = phantom_case(index, size=(48, 48, 24), parameters=table)
        assert set(np.unique(label)) == {0, 1}
        assert (label == 1).sum() * abs(np.linalg.det(affine[:3, :3])) > 5000  # mm³
        values.append(np.median(image[label == 1]))
    assert np.median(values) > table["patient"]["contrast"][1]  # one of them is half in the airway's wall
