"""What another page, another host or somebody without a session tries, and does not get."""

import re

import pytest

from common.reader_study.app import create_app
from common.reader_study.store import Store
from common.web.guard import is_loopback, trusted_hosts

ORIGIN = {"Origin": "http://localhost"}
TRAVERSALS = [
    "/static/../app.py",
    "/static/..%2fapp.py",
    "/static/%2e%2e/%2e%2e/app.py",
    "/static/....//app.py",
    "/static//etc/passwd",
    "/files/../../study.sqlite.nii",
    "/files/..%2f..%2fstudy.sqlite.nii",
    "/files/%00.nii",
    "/files/' OR '1'='1.nii",
    "/files/.nii",
    "/files/study.sqlite",
]


def answers_in(app):
    with Store(app.config["DATABASE"]) as store:
        return store.all_answers()


@pytest.mark.parametrize("cookie", ["", "1", "A", "x" * 43, "' OR '1'='1", "../../study"])
def test_forged_sessions_are_nobody(app, read, cookie):
    read("A")
    client = app.test_client()
    client.set_cookie("reader", cookie)
    for path in ("/volumes/1", "/review", "/start", "/finished"):
        assert client.get(path).status_code == 403
    assert client.post("/volumes/1", data={"score": "5"}, headers=ORIGIN).status_code == 403
    assert client.post("/finish", headers=ORIGIN).status_code == 403
    assert answers_in(app) == []


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(app):
    reply = app.test_client().post("/readers", data={"name": "A"}, headers=ORIGIN)
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert len(re.search("reader=([^;]+)", cookie)[1]) >= 43  # 32 random bytes


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "https://localhost"},
        {"Origin": "http://localhost:8000"},
        {"Referer": "http://localhost/"},
    ],
)
def test_forms_of_other_pages_are_refused(app, read, headers):
    client = read("A")
    for path in ("/readers", "/resume", "/leave", "/finish", "/volumes/1"):
        reply = client.post(path, data={"name": "B", "code": "x", "score": "5"}, headers=headers)
        assert reply.status_code == 403, path
    assert answers_in(app) == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "localhost.evil.example", "192.168.0.1", "0.0.0.0"]
)
def test_other_hosts_are_refused(app, host):
    """A page whose name is bound to 127.0.0.1 later on (DNS rebinding) still sends its own name."""
    client = app.test_client()
    for path in ("/", "/niivue.js", "/files/x.nii", "/static/study.js"):
        assert client.get(path, headers={"Host": host}).status_code == 400, path
    reply = client.post("/readers", data={"name": "A"}, headers={"Host": host, "Origin": f"http://{host}"})
    assert reply.status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost:8321", "127.0.0.1"])
def test_names_of_this_machine_are_served(app, host):
    assert app.test_client().get("/", headers={"Host": host}).status_code == 200


def test_a_network_is_let_in_by_name_alone(study_file):
    client = create_app(study_file(), host="0.0.0.0", allowed_hosts=["ct-room"]).test_client()
    assert client.get("/", headers={"Host": "ct-room:8321"}).status_code == 200
    assert client.get("/", headers={"Host": "localhost"}).status_code == 400
    assert trusted_hosts("0.0.0.0", ["ct-room"]) == ["0.0.0.0", "ct-room"]
    assert [is_loopback(host) for host in ("127.0.0.1", "localhost", "0.0.0.0", "10.0.0.1")] == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="expected a name or an IPv4 address"):
        trusted_hosts("::1")


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out(read, path):
    reply = read("A").get(path)
    assert reply.status_code in (404, 308)
    assert b"SQLite format" not in reply.data
    assert b"import" not in reply.data
    assert b"root:" not in reply.data


@pytest.mark.parametrize("path", ["/", "/start", "/volumes/1", "/review", "/niivue.js", "/static/study.js", "/none"])
def test_every_reply_forbids_foreign_content(read, path):
    headers = read("A").get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
