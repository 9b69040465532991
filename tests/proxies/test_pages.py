"""A proxy forwards nothing that a page in a browser sends: it may sign with the credentials of a real account."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from surveyor.proxies import HttpProxy, ProxyResponse

FORWARDED: list[str] = []


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Run a proxy that remembers what it forwards."""

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> ProxyResponse:
        FORWARDED.append(path)
        return ProxyResponse.from_json(200, {})

    proxy = HttpProxy(answer)
    proxy.start()
    yield int(proxy.url.rpartition(":")[2])
    proxy.close()


def status(port: int, *headers: tuple[str, str]) -> int:
    """Return the status of a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/", skip_host=True)
    for name, value in (*headers, ("Content-Length", "2")):
        connection.putheader(name, value)
    connection.endheaders(b"{}")
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "evil.example")],
        [("Host", "127.0.0.1.evil.example:80")],
        [("Host", "127.0.0.1"), ("Host", "evil.example")],
        [],
        [("Host", "127.0.0.1"), ("Origin", "http://evil.example")],
        [("Host", "127.0.0.1"), ("Origin", "null")],
        [("Host", "127.0.0.1"), ("Sec-Fetch-Site", "cross-site")],
        [("Host", "127.0.0.1"), ("Sec-Fetch-Site", "same-site")],
    ],
)
def test_a_page_is_refused(port: int, headers: list[tuple[str, str]]) -> None:
    """By its origin, or by a host that was rebound to this machine."""
    FORWARDED.clear()
    assert status(port, *headers) == 403
    assert FORWARDED == []


def test_a_program_is_not(port: int) -> None:
    """Its requests name the proxy's address."""
    assert status(port, ("Host", f"127.0.0.1:{port}")) == 200
