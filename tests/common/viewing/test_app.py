import json
import re
from pathlib import Path

import pytest

from common.data.flagged import Flags, flagged_pairs
from common.viewing.app import create_app
from common.viewing.volumes import ShownVolumes
from tests.common.viewing.conftest import CHECKPOINT, LABELS

ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def app(cases, generated, tmp_path):
    return create_app(
        cases,
        ShownVolumes(generated),
        Flags(tmp_path / "out" / "flagged.json"),
        code="right",
        labels=LABELS,
        windows={"soft tissue": [-160, 240], "bone": [-500, 1300]},
        title="<b>set</b>",
    )


@pytest.fixture
def client(app):
    client = app.test_client()
    assert client.get("/enter?code=right").status_code == 303
    return client


def test_nothing_is_seen_without_the_code(app):
    client = app.test_client()
    for path in ("/cases.json", "/volumes/0/image.nii", "/static/viewing.js", "/niivue.js"):
        assert client.get(path).status_code == 403, path
    page = client.get("/")
    assert page.status_code == 403
    assert b"Code?" in page.data
    assert b"g0" not in page.data
    assert client.post("/flags", data={"number": 0, "flagged": "true"}, headers=ORIGIN).status_code == 403
    assert client.post("/enter", data={"code": "wrong"}, headers=ORIGIN).status_code == 403
    assert client.post("/enter", data={"code": "right"}, headers=ORIGIN).status_code == 303
    assert client.get("/cases.json").status_code == 200


def test_other_hosts_pages_and_large_forms_are_refused(client, app):
    for path in ("/", "/cases.json", "/volumes/0/image.nii", "/enter?code=right"):
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 400, path
    form = {"number": 0, "flagged": "true"}
    for headers in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "http://localhost:1"}):
        assert client.post("/flags", data=form, headers=headers).status_code == 403
    assert client.post("/flags", data={**form, "more": "x" * 20_000}, headers=ORIGIN).status_code == 413
    assert not app.config["FLAGS"].path.exists()


def test_cases_tell_what_is_known_and_no_path(client, tmp_path):
    reply = client.get("/cases.json")
    assert str(tmp_path) not in reply.text
    first, copy, *real = json.loads(reply.text)
    assert copy["neighbours"] == [
        {"space": "volumes", "case_id": "r0", "distance": 1.5, "threshold": 2.0, "number": 2, "copy": True}
    ]
    assert not first["neighbours"][0]["copy"]
    assert [case["flaggable"] for case in (first, copy, *real)] == [True, True, False, False, False]
    assert "<b>" not in client.get("/").text


def test_volumes_come_by_number_alone(client):
    assert client.get("/volumes/0/image.nii").data[344:348] == b"n+1\0"
    for path in ("/volumes/5/image.nii", "/volumes/-1/image.nii", "/volumes/0/path.nii", "/volumes/0/..%2fimage.nii"):
        assert client.get(path).status_code == 404, path


def test_what_cannot_be_shown_says_why(client, cases):
    Path(cases[1].entry["image"]).write_bytes(b"no volume")
    reply = client.get("/volumes/1/image.nii")
    assert reply.status_code == 422
    assert re.match("g1 cannot be shown: .+", reply.text)


def test_flags_are_in_the_file_before_the_answer(client, app):
    path = app.config["FLAGS"].path
    for number, flagged in ((0, "true"), (1, "true"), (0, "false")):
        reply = client.post("/flags", data={"number": number, "flagged": flagged}, headers=ORIGIN)
        assert reply.json == {"flagged": flagged == "true"}
    assert flagged_pairs(path) == {(CHECKPOINT, 11)}
    assert [case["flagged"] for case in json.loads(client.get("/cases.json").text)] == [
        False,
        True,
        False,
        False,
        False,
    ]
    for number in (2, 99, "x"):
        assert client.post("/flags", data={"number": number, "flagged": "true"}, headers=ORIGIN).status_code in (
            404,
            409,
        )
    assert Flags(path).path == path
    assert len(Flags(path)) == 1
