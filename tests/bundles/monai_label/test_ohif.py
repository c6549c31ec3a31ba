"""A study of an archive in the OHIF that MONAI Label brings, in a real browser, with the mask of the segmenter."""

import io
import json
import urllib.request

import matplotlib.image
import nibabel as nib
import numpy as np
import pytest

from common.data.archive import fill_archive, running_archive
from common.data.cli import prepare
from common.data.datalist import read_datalist
from common.data.studies import write_dicom_studies
from tests.bundles.monai_label.served import LABELS, dice, running_server
from tests.common.data.orthanc import free_port, needs_orthanc

pytestmark = [pytest.mark.label, pytest.mark.browser, needs_orthanc]
LOADED = "() => window.cornerstone && cornerstone.cache.getVolumes().some((volume) => volume.loadStatus?.loaded)"
MASK = """
    const { volumeId } = cornerstoneTools.segmentation.state.getSegmentation('1').representationData.Labelmap;
    const mask = cornerstone.cache.getVolume(volumeId).voxelManager.getCompleteScalarDataArray();
"""
# as `save_label` of OHIF's plugin does, which no button of its panel calls
SUBMIT = f"""async ([label, series]) => {{
    {MASK}
    const form = new FormData();
    form.append('params', JSON.stringify({{ label_info: [{{ name: label }}] }}));
    form.append('label', new Blob([new Uint8Array(mask)]), 'label.bin');
    return (await fetch('/datastore/label?image=' + series, {{ method: 'PUT', body: form }})).status;
}}"""


@pytest.fixture(scope="module")
def archive(browser, python, bodies, tmp_path_factory):
    """Address of an archive of the cases, where the two test cases have no mask."""
    folder = tmp_path_factory.mktemp("archive")
    write_dicom_studies(bodies, folder / "dicom")
    with running_archive(folder / "orthanc", port=free_port()) as address:
        fill_archive(address, sorted((folder / "dicom").rglob("*.dcm")))
        yield address


@pytest.fixture(scope="module")
def server(python, app, archive, tmp_path_factory):
    """Address of a server of that archive, as `make label DICOM=1` starts it."""
    copies = str(tmp_path_factory.mktemp("copies"))
    settings = {"MONAI_LABEL_DICOMWEB_CACHE_PATH": copies, "MONAI_LABEL_DICOMWEB_CACHE_EXPIRY": "1"}
    settings["PATH"] = f"{python.parent}:/usr/bin:/bin"
    with running_server(python, app, f"{archive}/dicom-web", **settings) as address:
        yield address


@pytest.fixture
def page(browser, server):
    """A page of a browser of its own, where questions are answered with yes and an error fails the test."""
    context, problems = browser.new_context(viewport={"width": 1100, "height": 640}), []
    page = context.new_page()
    page.set_default_timeout(300000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda answer: answer.status >= 500 and problems.append(f"{answer.status} {answer.url}"))
    page.on("dialog", lambda dialog: dialog.accept())
    # OHIF asks Google for its type face, and works without
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(server) else route.abort())
    yield page
    context.close()
    assert problems == []


def instances(archive, kind):
    """Series UID by patient's id, and ids of Orthanc of all files, of one kind of series."""
    found = {}
    for series in get(f"{archive}/series?expand"):
        if series["MainDicomTags"]["Modality"] == kind:
            patient = get(f"{archive}/series/{series['ID']}/patient")["MainDicomTags"]["PatientID"]
            found[patient] = series["MainDicomTags"]["SeriesInstanceUID"], series["Instances"]
    return found


def get(url):
    return json.loads(urllib.request.urlopen(url, timeout=60).read())


def coloured(page):
    """Pixels of the three planes that are not grey."""
    count = 0
    for plane in page.locator("canvas.cornerstone-canvas").all():
        pixels = matplotlib.image.imread(io.BytesIO(plane.screenshot()))[..., :3]
        count += int((np.ptp(pixels[30:-30, 20:-20], axis=-1) > 0.1).sum())
    return count


def open_mode(page):
    """Wait until a study is shown in MONAI Label's mode."""
    page.wait_for_function(LOADED)
    page.locator("#monailabelServerURL").wait_for()


def test_a_study_gets_its_mask_which_is_submitted_and_another_one_comes(
    page, server, archive, bodies, case, own_mask, tmp_path
):
    (label,) = LABELS
    testing = [entry["case_id"] for entry in read_datalist(bodies / "datalist.json")["testing"]]
    images = instances(archive, "CT")
    assert set(images) - set(instances(archive, "SEG")) == set(testing)

    page.goto(f"{server}/ohif/")
    page.get_by_text(case[0], exact=True).first.click()
    page.get_by_role("button", name="MONAI Label").first.click()
    page.get_by_role("button", name="Confirm and Hide").click()
    open_mode(page)
    page.fill("#monailabelServerURL", f"{server}/")  # it guesses port 8000
    page.locator(".settingsTable button").click()
    run = page.get_by_role("button", name="Run").first
    run.wait_for()
    page.wait_for_timeout(2000)  # the colours of labels are set a second later
    before = coloured(page)
    run.click()
    page.get_by_text("Running Segmentation - Successful").wait_for()
    page.wait_for_timeout(2000)
    assert coloured(page) > before + 1000

    shown = page.evaluate(f"() => {{ {MASK} return Array.from(mask); }}")
    expected = nib.as_closest_canonical(own_mask())
    assert set(shown) == {0, 1}
    assert sum(shown) == np.asarray(expected.dataobj).sum()
    assert page.evaluate(SUBMIT, [label, images[case[0]][0]]) == 200
    files = instances(archive, "SEG")[case[0]][1] + images[case[0]][1]
    (tmp_path / "study").mkdir()
    for file in files:
        content = urllib.request.urlopen(f"{archive}/instances/{file}/file", timeout=60).read()
        (tmp_path / "study" / f"{file}.dcm").write_bytes(content)
    options = {"rois": {label: 1}, "folds": 1, "test_fraction": 0}
    prepare("dicom", str(tmp_path / "back"), input=str(tmp_path / "study"), **options)
    (back,) = (tmp_path / "back" / "labels").iterdir()
    assert dice(nib.as_closest_canonical(nib.load(back)), expected) == 1

    (left,) = set(testing) - {case[0]}
    page.get_by_text("Active Learning", exact=True).click()
    page.get_by_role("button", name="Next Sample").click()
    page.get_by_text(images[left][0], exact=True).wait_for()
    page.get_by_role("button", name="OK", exact=True).click()
    (study,) = (each for each in get(f"{archive}/studies?expand") if left in str(each["PatientMainDicomTags"]))
    page.wait_for_url(f"**/monai-label?StudyInstanceUIDs={study['MainDicomTags']['StudyInstanceUID']}")
    open_mode(page)
