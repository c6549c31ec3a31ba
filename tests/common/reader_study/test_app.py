"""The pages through Flask's test client; what a browser would not do is tried here."""

import re

import pytest

from common.reader_study.answers import Answer
from common.reader_study.app import create_app
from common.reader_study.store import Store
from common.web.attempts import Attempts

ORIGIN = {"Origin": "http://localhost"}
SCRIPTS = ["<script>alert(1)</script>", "\"><img src=x onerror='alert(1)'>", "{{ 7 * 7 }}", "javascript:alert(1)"]


def answer(client, number, score, headers=ORIGIN, **form):
    return client.post(f"/volumes/{number}", data={"score": score, **form}, headers=headers)


def answers_in(app, name="A"):
    with Store(app.config["DATABASE"]) as store:
        return {row["number"]: row["score"] for row in store.all_answers() if row["reader"] == name}


def code_of(client):
    return re.search(r"code <code>([\w-]+)</code>", client.get("/start").text)[1]


def test_a_reader_answers_all_and_finishes(app, read):
    client = read("A")
    assert client.get("/").location == "/volumes/1"
    for number in range(1, 10):
        assert answer(client, number, number).location == f"/volumes/{number + 1}"
    assert client.post("/finish", headers=ORIGIN).status_code == 409  # one is left
    assert answer(client, 10, 10).location == "/review"
    assert client.post("/finish", headers=ORIGIN).location == "/finished"
    assert "Thank you, A" in client.get("/finished").text
    assert answers_in(app) == {number: number for number in range(1, 11)}


def test_finished_answers_stay(app, read):
    client = read("A")
    for number in range(1, 11):
        answer(client, number, 5)
    answer(client, 3, 6)
    client.post("/finish", headers=ORIGIN)
    assert answer(client, 3, 0).status_code == 409
    assert answers_in(app)[3] == 6
    assert client.get("/volumes/3").location == "/finished"
    assert client.get("/").location == "/finished"


def test_a_reader_comes_back_by_the_code_and_goes_on(app, read):
    client = read("A")
    code = code_of(client)
    answer(client, 1, 2)
    answer(client, 3, 4)
    later = app.test_client()
    form = {"name": "A", "code": code}
    assert later.post("/resume", data=form, headers=ORIGIN).status_code == 303
    assert later.get("/").location == "/volumes/2"
    assert 'value="4" required checked' in later.get("/volumes/3").text
    assert client.get("/volumes/1").status_code == 403  # the former session


@pytest.mark.parametrize("name", ["A", "a", " A "])
def test_a_name_in_use_needs_its_code(app, read, name):
    read("A")
    stranger = app.test_client()
    reply = stranger.post("/readers", data={"name": name}, headers=ORIGIN)
    assert reply.status_code == 409
    assert "another name" in reply.text
    for code in ("", "22222-22222", "' OR 1=1 --"):
        assert stranger.post("/resume", data={"name": name, "code": code}, headers=ORIGIN).status_code == 403
    assert stranger.get("/volumes/1").status_code == 403


def test_a_second_reader_cannot_overwrite_the_firsts_answers(app, read):
    first, second = read("A"), read("B")
    answer(first, 1, 2)
    reply = answer(second, 1, 9, reader="1", reader_id="1", name="A", id="1")
    assert reply.status_code == 303
    assert answers_in(app) == {1: 2}
    assert answers_in(app, "B") == {1: 9}
    assert 'value="2" required checked' not in second.get("/volumes/1").text


@pytest.mark.parametrize("score", ["11", "-1", "5.5", "abc", "", "1; DROP TABLE answer", "١"])
def test_answers_out_of_range_are_refused(app, read, score):
    client = read("A")
    reply = answer(client, 1, score)
    assert reply.status_code == 400
    assert "choose a score from 0 to 10" in reply.text
    assert answers_in(app) == {}


@pytest.mark.parametrize("number", ["0", "11", "-1", "1.5", "x", "99999999999999999999"])
def test_volumes_that_are_not_there(app, read, number):
    client = read("A")
    assert client.get(f"/volumes/{number}").status_code == 404
    assert answer(client, number, 5).status_code == 404


@pytest.mark.parametrize("text", SCRIPTS)
def test_names_and_comments_are_text(app, read, text):
    client = read(text)
    answer(client, 1, 5, comment=text)
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for path in ("/start", "/volumes/1", "/review"):
        page = client.get(path).text
        if "<" in text:
            assert text not in page
        assert escaped.replace('"', "&#34;").replace("'", "&#39;") in page
    assert "<script>" not in app.test_client().post("/readers", data={"name": text}, headers=ORIGIN).text


@pytest.mark.parametrize(
    ("form", "status"), [({"name": "x" * 61}, 400), ({"name": ""}, 400), ({}, 400), ({"name": "x" * 20000}, 413)]
)
def test_names_are_limited(app, form, status):
    assert app.test_client().post("/readers", data=form, headers=ORIGIN).status_code == status


def test_long_comments_are_refused(app, read):
    client = read("A")
    assert answer(client, 1, 5, comment="x" * 501).status_code == 400
    assert answer(client, 1, 5, comment="x" * 500).status_code == 303


def test_volumes_are_for_readers_only(app, read):
    with Store(app.config["DATABASE"]) as store:
        token = store.items()[0].image
    assert app.test_client().get(f"/files/{token}.nii").status_code == 403
    assert read("A").get(f"/files/{token}.nii").status_code == 200
    assert read("B").get(f"/files/{token[:-1]}.nii").status_code == 404


def test_nothing_that_is_sent_tells_real_from_generated(app, read):
    """Pages, headers, sizes and NIfTI headers are equal; no page names cases or sides."""
    client = read("A")
    pages, headers = set(), set()
    for number in range(1, 11):
        page = client.get(f"/volumes/{number}").text
        tokens = re.findall(r"/files/([\w-]+)\.nii", page)
        assert len(tokens) == 2
        for token, kind in zip(tokens, ("image", "mask"), strict=True):
            reply = client.get(f"/files/{token}.nii")
            headers.add((kind, str(reply.headers), reply.data[:352]))
            page = page.replace(token, kind)
        assert "secret_case" not in page
        page = re.sub(r">\s+<", "><", re.sub(r'<a id="(previous|next)".*?</a>', "", page))
        pages.add(re.sub(rf"(Volume |/volumes/){number}\b", r"\1N", page))
    assert len(pages) == 1
    assert len(headers) == 2
    assert "secret_case" not in client.get("/review").text


def test_real_or_fake_with_confidence(study_file):
    app = create_app(study_file(answer="real_fake"))
    client = app.test_client()
    client.post("/readers", data={"name": "A"}, headers=ORIGIN)
    form = {"verdict": "generated", "confidence": "4"}
    assert client.post("/volumes/1", data=form, headers=ORIGIN).status_code == 303
    assert client.post("/volumes/2", data={"score": "3"}, headers=ORIGIN).status_code == 400
    assert answers_in(app) == {1: 9}
    page = client.get("/volumes/1").text
    assert re.findall(r'value="(\w+)"[^>]* checked', page) == ["generated", "4"]
    assert "generated, 4" in client.get("/review").text


def test_leaving_ends_the_session_and_keeps_the_answers(app, read):
    client = read("A")
    answer(client, 1, 5)
    client.post("/leave", headers=ORIGIN)
    assert client.get("/volumes/1").status_code == 403
    assert answers_in(app) == {1: 5}


def test_windows_stand_in_the_order_of_the_settings(read):
    page = read("A").get("/volumes/1").text
    assert re.findall(r"soft tissue|bone|whole", page)[:3] == ["soft tissue", "bone", "whole"]


def test_connections_are_closed(app, read, monkeypatch):
    closed = []
    close = Store.close
    monkeypatch.setattr(Store, "close", lambda store: (closed.append(store), close(store)))
    client = read("A")
    count = len(closed)
    answer(client, 1, 5)
    assert len(closed) == count + 1  # one a request
    assert answers_in(app) == {1: Answer(5).score}


def resume(client, name, code, address="127.0.0.1"):
    form = {"name": name, "code": code}
    return client.post("/resume", data=form, headers=ORIGIN, environ_base={"REMOTE_ADDR": address})


def test_wrong_codes_are_slowed_down_and_lock_no_reader_out(app, read):
    """Five at once from an address; another is not concerned, nor is the browser that the reader used before."""
    app.config["CODES"] = Attempts(clock=lambda: 0)  # no second passes, however slow the machine is
    reader = read("A")
    code = code_of(reader)
    stranger = app.test_client()
    replies = [resume(stranger, "A", f"{number:010}") for number in range(200)]
    assert [reply.status_code for reply in replies] == [403] * 5 + [429] * 195
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 5
    assert "too many tries from this address: wait 5 s" in replies[-1].text
    assert resume(stranger, "A", code).status_code == 429  # a guess that is not looked at
    assert resume(app.test_client(), "A", code, address="10.0.0.7").status_code == 303
    reader.post("/leave", headers=ORIGIN)
    assert resume(reader, "A", code).status_code == 303


def test_the_mark_of_a_browser_opens_nothing(app, read):
    app.config["CODES"] = Attempts(clock=lambda: 0)
    reader = read("A")
    mark = reader.get_cookie("browser").value
    stranger = app.test_client()
    stranger.set_cookie("browser", mark)
    assert stranger.get("/volumes/1").status_code == 403
    assert [resume(stranger, "A", "wrong").status_code for _ in range(6)] == [403] * 5 + [429]
    assert code_of(reader).replace("-", "") not in mark
    for forged in ("", "x", "é"):
        stranger.set_cookie("browser", forged)
        assert resume(stranger, "A", "wrong", address="10.0.0.8").status_code == 403


def test_new_readers_of_one_address_are_slowed_down(app):
    app.config["NEW_READERS"] = Attempts(burst=30, clock=lambda: 0)
    names = [app.test_client().post("/readers", data={"name": f"R{number}"}, headers=ORIGIN) for number in range(40)]
    assert [reply.status_code for reply in names] == [303] * 30 + [429] * 10
