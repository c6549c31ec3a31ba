"""The server under attack, by harmless means: connections that say nothing, forms that are announced and not sent."""

import http.client
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from common.web import server as module
from common.web.server import PageServer


@contextmanager
def served(app, **limits):
    """Port of a server in a thread."""
    server = PageServer(app, host="127.0.0.1", port=0)
    for name, value in limits.items():
        setattr(server.adj, name, value)
    thread = threading.Thread(
        target=server.asyncore.loop, kwargs={"timeout": 0.05, "map": server._map, "use_poll": True}
    )
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(server._map)  # an empty map ends the loop
        thread.join(timeout=10)
        assert not thread.is_alive()


def connect(port, sent=b""):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(sent)
    return connection


def seconds_to_answer(port):
    start = time.monotonic()
    visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    visitor.request("GET", "/")
    assert visitor.getresponse().status == 200
    visitor.close()
    return time.monotonic() - start


def closed_within(connection, seconds):
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_idle_connections_lock_nobody_out(app):
    with served(app) as port:
        idle = [connect(port) for _ in range(300)]
        assert seconds_to_answer(port) < 5
        for connection in idle:
            connection.close()


def test_more_connections_than_the_limit_lock_nobody_out(app):
    """The limit is 40 here, and one client holds 60; room is made every second."""
    with served(app, connection_limit=40) as port:
        idle = [connect(port) for _ in range(60)]
        assert seconds_to_answer(port) < 5
        for connection in idle:
            connection.close()


def test_a_connection_that_says_nothing_is_closed(app):
    with served(app, channel_timeout=1) as port:
        assert closed_within(connect(port), 5)


def test_a_request_that_trickles_in_is_closed(app, monkeypatch):
    """A byte twice a second keeps waitress' own limit from closing it."""
    monkeypatch.setattr(module, "REQUEST_SECONDS", 1)
    with served(app) as port:
        connection = connect(port, b"GET / HTTP/1.1\r\nX: ")
        for _ in range(12):
            if closed_within(connection, 0.5):
                return
            connection.sendall(b"x")
    raise AssertionError("it was still open after six seconds")


@pytest.mark.parametrize(
    "announced", [b"Content-Length: 900000000", b"Content-Length: 16384", b"Transfer-Encoding: chunked"]
)
def test_a_large_form_is_refused_before_it_is_read(app, announced):
    """Nobody logs in, and nothing of the body is sent, or as much as a form may have."""
    head = b"POST /resume HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n" + announced + b"\r\n\r\n"
    body = b"4001\r\n" + b"x" * 0x4001 + b"\r\n" if b"chunked" in announced else b""
    with served(app) as port:
        connection = connect(port, head + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
        connection.close()


def test_large_headers_are_refused(app):
    with served(app) as port:
        connection = connect(port, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000)
        assert connection.recv(100).startswith(b"HTTP/1.0 431 ")
        connection.close()
