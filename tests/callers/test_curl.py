"""Calls by the real curl: the address that answered, and the error of a call without an answer."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from surveyor.callers import Request, Timeouts
from surveyor.callers.curl import call_by_curl

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here"),
    pytest.mark.soak,  # each test starts a program
]
DEAD, TIMEOUTS = "127.255.255.251", Timeouts(0.3, 0.3)


@pytest.fixture
def port() -> Iterator[int]:
    """Yield the port of a server on 127.0.0.1 that answers, fails, closes or stalls, by the path."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/closes":
                return
            if self.path == "/stalls":
                stopped.wait(5)
                return
            self.send_response(503 if self.path == "/fails" else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    stopped.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("addresses", "path", "outcome", "peer", "error"),
    [
        ((DEAD, "127.0.0.1"), "/", "ok", "127.0.0.1", ""),
        ((DEAD,), "/", "fail", DEAD, "refused"),
        (("127.0.0.1",), "/fails", "fail", "127.0.0.1", "status 503"),
        (("127.0.0.1",), "/closes", "fail", "127.0.0.1", "closed without an answer"),
        (("127.0.0.1",), "/stalls", "info", "127.0.0.1", "no answer in time"),
    ],
)
def test_curl_reports_the_address_and_the_error(
    port: int,
    addresses: tuple[str, ...],
    path: str,
    outcome: str,
    peer: str,
    error: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """curl tries the next address if nothing listens, and ignores the user's proxy settings."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    address, result = call_by_curl("web.corp.internal", port, Request(path=path), addresses, TIMEOUTS)
    assert (result.outcome, address, result.error) == (outcome, peer, error)
