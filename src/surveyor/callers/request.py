"""The request that callers make: method, path, Host header, further headers, TLS, and which statuses are expected."""

from __future__ import annotations

import functools
import re
import ssl
from dataclasses import dataclass

from surveyor.errors import UsageError
from surveyor.visible_text import one_line

__all__ = ["ANSWERED", "Request", "Statuses", "Tls", "format_statuses", "parse_header", "parse_statuses"]

Statuses = tuple[tuple[int, int], ...]
"""Ranges of HTTP statuses, each with its first and its last."""

ANSWERED: Statuses = ((100, 499),)
"""The statuses that count as an answer unless others are named: an error of the server counts as a failed call."""

MAX_ENCODED = 1_000
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_TARGET = re.compile(r"/[!-~]*")
_HOST = re.compile(r"[!-.0-~]+")  # no space, no slash
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_RANGE = re.compile(r"\s*([1-5]\d\d)(?:-([1-5]\d\d))?\s*")
_OWN_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding"})


@dataclass(frozen=True)
class Tls:
    """`name`: the name that the certificate must have, by default that of the Host header; `verify`: whether it must.

    `authorities`: a file of certificates to trust, by default those of this machine.
    """

    name: str = ""
    verify: bool = True
    authorities: str = ""


@dataclass(frozen=True)
class Request:
    """`host`: the Host header, by default the called address and port. `tls`: None for plain HTTP.

    Raises UsageError for what would not be one request of HTTP/1.1.
    """

    method: str = "GET"
    path: str = "/"
    host: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tls: Tls | None = None
    expected: Statuses = ANSWERED

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method):
            raise UsageError(f"{one_line(self.method)!r} is not a method of HTTP: expected one like GET")
        if not _TARGET.fullmatch(self.path):
            raise UsageError(
                f"{one_line(self.path)!r} is not a path: expected one that starts with / and has no spaces and only "
                "ASCII characters (write others as %XX)"
            )
        if self.host and not _HOST.fullmatch(self.host):
            raise UsageError(f"{one_line(self.host)!r} is not a Host header: expected NAME or NAME:PORT")
        for name, value in self.headers:
            _check_header(name, value)

    def expects(self, status: int) -> bool:
        """Return whether a status is among the expected ones."""
        return any(first <= status <= last for first, last in self.expected)

    def encode(self, address: str, port: int, *, keep: bool) -> bytes:
        """Return the bytes of the request to an address."""
        sent = self._encoded.get((address, port, keep))
        if sent is None:
            if len(self._encoded) >= MAX_ENCODED:
                self._encoded.clear()
            sent = self._encoded[address, port, keep] = self._encode(address, port, keep=keep)
        return sent

    @functools.cached_property
    def _encoded(self) -> dict[tuple[str, int, bool], bytes]:
        """Keep what was encoded: the same few addresses are called again and again."""
        return {}

    def _encode(self, address: str, port: int, *, keep: bool) -> bytes:
        host = self.host or (f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {host}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        if self.method not in ("GET", "HEAD"):
            lines.append("Content-Length: 0")
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    @functools.cached_property
    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context, None for plain HTTP. Raises UsageError for a file without certificates."""
        if self.tls is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls.authorities or None)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or str(error)
            raise UsageError(f"{self.tls.authorities}: expected a file of certificates in PEM; {reason}") from None
        if not self.tls.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def tls_name(self, address: str) -> str:
        """Return the name that the certificate must have."""
        host = self.host.partition("]")[0].lstrip("[") if self.host.startswith("[") else self.host.partition(":")[0]
        return (self.tls.name if self.tls else "") or host or address


def parse_statuses(text: str) -> Statuses:
    """Return the statuses in a text like `200-299,301`. Raises UsageError."""
    ranges = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise UsageError(f"{one_line(text)!r} are not statuses: expected some like 200-299,301 (100 to 599)")
        ranges.append((first, last))
    return tuple(ranges)


def format_statuses(statuses: Statuses) -> str:
    """Return statuses as a text that `parse_statuses` reads."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in statuses)


def parse_header(text: str) -> tuple[str, str]:
    """Return the name and the value of a header like `Name: value`. Raises UsageError."""
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{one_line(text)!r} is not a header: expected one like 'Name: value'")
    header = name.strip(), value.strip()
    _check_header(*header)
    return header


def _check_header(name: str, value: str) -> None:
    if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise UsageError(f"{one_line(name)!r} is not a header that can be sent: expected one like 'Name: value'")
    if name.lower() in _OWN_HEADERS:
        raise UsageError(f"the header {name} cannot be given: Surveyor sets it itself (for Host use the Host option)")
