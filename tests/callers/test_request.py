"""Requests: what is sent, which statuses are expected, and what is refused before anything is sent."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.callers import Request, Tls, format_statuses, parse_header, parse_statuses
from surveyor.errors import UsageError


def test_a_request_is_sent_as_it_was_named() -> None:
    """Method, path, Host header and further headers are sent; without a Host header the address is."""
    request = Request("POST", "/health?deep=1", "web.shop:8080", (("X-Key", "a b"),))
    assert request.encode("10.0.0.1", 80, keep=True) == (
        b"POST /health?deep=1 HTTP/1.1\r\nHost: web.shop:8080\r\nConnection: keep-alive\r\nX-Key: a b\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert b"Host: 10.0.0.1:80\r\nConnection: close\r\n\r\n" in Request().encode("10.0.0.1", 80, keep=False)
    assert b"Host: [fd00::1]:80\r\n" in Request().encode("fd00::1", 80, keep=False)


@pytest.mark.parametrize(
    ("host", "tls", "expected"),
    [
        ("", Tls(), "10.0.0.1"),
        ("web.shop", Tls(), "web.shop"),
        ("web.shop:443", Tls(), "web.shop"),
        ("[fd00::1]:443", Tls(), "fd00::1"),
        ("web.shop", Tls("other"), "other"),
    ],
)
def test_the_certificate_has_the_name_of_the_host(host: str, tls: Tls, expected: str) -> None:
    """The name is that of the Host header, without its port, unless another is named."""
    assert Request(host=host, tls=tls).tls_name("10.0.0.1") == expected


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"method": "GET /"}, "is not a method"),
        ({"method": ""}, "is not a method"),
        ({"path": "health"}, "is not a path"),
        ({"path": ""}, "is not a path"),
        ({"path": "/a b"}, "is not a path"),
        ({"path": "/a\r\nX: 1"}, "is not a path"),
        ({"path": "/\u00e9"}, "is not a path"),
        ({"path": "/\x1b[2J"}, "is not a path"),
        ({"host": "a b"}, "is not a Host header"),
        ({"host": "a/b"}, "is not a Host header"),
        ({"host": "a\r\nX: 1"}, "is not a Host header"),
        ({"headers": (("X A", "1"),)}, "is not a header"),
        ({"headers": (("", "1"),)}, "is not a header"),
        ({"headers": (("X", "1\r\nY: 2"),)}, "is not a header"),
        ({"headers": (("X", "\u4e2d"),)}, "is not a header"),
        ({"headers": (("host", "a"),)}, "cannot be given"),
        ({"headers": (("Content-Length", "1"),)}, "cannot be given"),
    ],
    ids=itertools.count(),
)
def test_what_is_not_one_request_is_refused(members: dict[str, object], message: str) -> None:
    """One line says what was expected, and shows no control character."""
    with pytest.raises(UsageError, match=message) as refused:
        Request(**members)  # type: ignore[arg-type]  # as a command line gives them
    assert str(refused.value).isprintable()


def test_a_file_without_certificates_is_refused(tmp_path: object) -> None:
    """The context for TLS names the file."""
    for path in ("/nowhere.pem", str(tmp_path), "/dev/null"):
        with pytest.raises(UsageError, match=r"expected a file of certificates in PEM"):
            _ = Request(tls=Tls(authorities=path)).context


ranges = st.tuples(st.integers(100, 599), st.integers(100, 599)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(ranges, min_size=1, max_size=5))
def test_statuses_are_read_as_they_are_written(statuses: list[tuple[int, int]]) -> None:
    """A status is expected if one of the ranges has it."""
    parsed = parse_statuses(format_statuses(tuple(statuses)))
    assert parsed == tuple(statuses)
    request = Request(expected=parsed)
    for status in (99, 100, 200, 404, 599, 600):
        assert request.expects(status) == any(first <= status <= last for first, last in statuses)


@pytest.mark.parametrize(
    "text", ["", ",", "200-", "-299", "299-200", "2xx", "600", "99", "200;201", "\x1b[2J", "\u0662"]
)
def test_other_statuses_are_refused(text: str) -> None:
    """One line says what is expected."""
    with pytest.raises(UsageError, match="expected some like 200-299,301") as refused:
        parse_statuses(text)
    assert str(refused.value).isprintable()


def test_a_header_has_a_name_and_a_value() -> None:
    """A text without a colon is no header."""
    assert parse_header("X-Key:  a:b ") == ("X-Key", "a:b")
    with pytest.raises(UsageError, match="expected one like 'Name: value'"):
        parse_header("X-Key")
