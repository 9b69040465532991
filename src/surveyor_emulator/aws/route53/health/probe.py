"""One probe of one endpoint, over a real socket: TCP, HTTP or HTTPS, as a Route 53 health checker sends it.

Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy": four seconds to connect
(ten for TCP), then two until the status code, then two more for the body where a string is looked for. Redirects are
answers like others, certificates are not looked at. Whatever the other side sends, little of it is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import httptools

from surveyor_emulator.aws.route53.state import HealthCheckConfig

__all__ = ["Limits", "Outcome", "probe"]

# "in the first 5120 bytes of the response body" (route53/HealthCheckConfig.Type).
SEARCHED = 5_120
# Status line, headers and body together; bytes.
READ_AT_MOST = 65_536
_CHUNK = 8_192
_PLAIN_PORTS = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
_PRINTABLE = "".join(map(chr, range(33, 127)))


@dataclass(frozen=True, slots=True)
class Limits:
    """Service seconds for a probe's parts, and how many wall seconds stand for one of them."""

    tcp_connect: float
    connect: float
    answer: float
    wall: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a probe. ``waited`` is the limit that ran out (service seconds), 0 if none did."""

    well: bool
    reason: str
    waited: float = 0.0


async def probe(config: HealthCheckConfig, check_id: str, address: str, source: str, limits: Limits) -> Outcome:
    """Probe ``address``, from the loopback address ``source`` where this machine has it."""
    tcp = config.type == "TCP"
    connecting = limits.tcp_connect if tcp else limits.connect
    try:
        with _socket(address, source) as sock:
            async with asyncio.timeout(connecting * limits.wall):
                await asyncio.get_running_loop().sock_connect(sock, (address, config.port or 80))
            if tcp:
                return Outcome(True, "TCP connection established.")
            return await _ask(config, check_id, address, sock, limits)
    except TimeoutError:
        return Outcome(False, "The connection timed out.", connecting)
    except OSError as problem:
        return Outcome(False, _told(problem))


async def _ask(config: HealthCheckConfig, check_id: str, address: str, sock: socket.socket, limits: Limits) -> Outcome:
    name = config.fully_qualified_domain_name
    tls = _tls() if config.type.startswith("HTTPS") else None
    seen = _Response()
    transport: asyncio.WriteTransport | None = None
    try:
        async with asyncio.timeout(limits.answer * limits.wall) as patience:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=tls, server_hostname=(name if config.enable_sni and name else "") if tls else None
            )
            transport = writer.transport
            writer.write(_request(config, check_id, address))
            searched = config.search_string
            while not seen.enough(for_search=searched is not None):
                data = await reader.read(_CHUNK)
                had_status = seen.status
                if not data or seen.feed(data):
                    break
                if searched is not None and not had_status and seen.status:
                    patience.reschedule(asyncio.get_running_loop().time() + limits.answer * limits.wall)
    except TimeoutError:
        if not seen.status:
            return Outcome(False, "No HTTP status code came in time.", limits.answer)
        if config.search_string is not None and config.search_string.encode() not in seen.body:
            return Outcome(False, "The response body did not come in time.", 2 * limits.answer)
    except httptools.HttpParserError:
        return Outcome(False, "The response is not in the format of HTTP/1.1.")
    finally:
        if transport is not None:
            transport.abort()
    return _judged(config, seen)


def _judged(config: HealthCheckConfig, seen: _Response) -> Outcome:
    if not seen.status:
        return Outcome(False, "The connection was closed without an HTTP status code.")
    told = f"HTTP Status Code {seen.status}, {seen.phrase.decode('latin-1')[:80]}".rstrip(", ")
    if not 200 <= seen.status < 400:
        return Outcome(False, told)
    if config.search_string is not None and config.search_string.encode() not in seen.body:
        return Outcome(False, f"{told}. The string is not in the first {SEARCHED} bytes of the body.")
    return Outcome(True, told)


@dataclass(slots=True)
class _Response:
    """What has been read of a response: callbacks of httptools, which does the parsing."""

    status: int = 0
    phrase: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    done: bool = False
    read: int = 0
    _parser: httptools.HttpResponseParser = field(init=False)

    def __post_init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        """Take what came; whether that was all."""
        self.read += len(data)
        self._parser.feed_data(data)
        return self.done

    def enough(self, *, for_search: bool) -> bool:
        """Whether more would change nothing."""
        return self.done or self.read >= READ_AT_MOST or (for_search and len(self.body) >= SEARCHED)

    def on_status(self, phrase: bytes) -> None:
        """The status line, or a piece of it, has come."""
        self._take()
        self.phrase += phrase

    def on_headers_complete(self) -> None:
        """So has the status, even where it has no phrase."""
        self._take()

    def on_body(self, data: bytes) -> None:
        """A piece of the body, decoded."""
        self.body += data[: SEARCHED - len(self.body)]

    def on_message_complete(self) -> None:
        """It may have been an interim answer (1xx), which is none."""
        self.done = bool(self.status)

    def _take(self) -> None:
        code = self._parser.get_status_code()
        self.status = code if code >= 200 else 0


def _request(config: HealthCheckConfig, check_id: str, address: str) -> bytes:
    host = config.fully_qualified_domain_name or (f"[{address}]" if ":" in address else address)
    if config.port != _PLAIN_PORTS[config.type]:
        host = f"{host}:{config.port}"
    path = config.resource_path or "/"
    lines = (
        f"GET {quote(path if path.startswith('/') else '/' + path, safe=_PRINTABLE)} HTTP/1.1",
        f"Host: {quote(host, safe=_PRINTABLE)}",
        f"User-Agent: Amazon-Route53-Health-Check-Service (ref {check_id})",
        "Accept: */*",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()


@contextlib.contextmanager
def _socket(address: str, source: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        if family == socket.AF_INET:
            # Not every system answers on all of 127.0.0.0/8; then all checkers are one to the endpoint.
            with contextlib.suppress(OSError):
                sock.bind((source, 0))
        yield sock


@functools.cache
def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # "The endpoint must support TLS v1.0, v1.1, or v1.2" (route53/HealthCheckConfig.Type).
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _told(problem: OSError) -> str:
    if isinstance(problem, ssl.SSLError):
        return f"SSL alert: {(problem.reason or 'handshake failure').lower().replace('_', ' ')}."
    if problem.errno == errno.ECONNREFUSED:
        return "The connection was refused."
    return f"{os.strerror(problem.errno) if problem.errno else type(problem).__name__}."
