"""Send one probe to one endpoint over a real socket: TCP, HTTP or HTTPS, as a Route 53 health checker does.

Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy": four seconds to connect
(ten for TCP), then two until the status code, then two more for the body if a string is searched. Redirects are not
followed, certificates are not verified. At most 64 KiB of a response are read.
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

from .time_limit import TimeLimit

__all__ = ["ProbeLimits", "ProbeOutcome", "probe"]

# "in the first 5120 bytes of the response body" (route53/HealthCheckConfig.Type).
SEARCHED_BYTES = 5_120
# Status line, headers and body together; bytes.
MAX_READ = 65_536
_CHUNK = 8_192
_PLAIN_PORTS = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
_PRINTABLE = "".join(map(chr, range(33, 127)))


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """The time limits of a probe's parts in service seconds, and ``wall``: the wall seconds per service second."""

    tcp_connect: float
    connect: float
    answer: float
    wall: float


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """The outcome of a probe. ``timed_out_after`` is the limit that was exceeded (service seconds), 0 if none was."""

    succeeded: bool
    reason: str
    timed_out_after: float = 0.0


async def probe(
    config: HealthCheckConfig, check_id: str, address: str, source: str, limits: ProbeLimits, behind: str = ""
) -> ProbeOutcome:
    """Probe ``address``, from the loopback address ``source`` if this machine has it.

    ``behind``: the address on this machine that a public one stands for.
    """
    tcp = config.type == "TCP"
    connect_limit = limits.tcp_connect if tcp else limits.connect
    try:
        with _socket(behind or address, source) as sock:
            async with TimeLimit(connect_limit * limits.wall):
                await asyncio.get_running_loop().sock_connect(sock, (behind or address, config.port or 80))
            if tcp:
                return ProbeOutcome(True, "TCP connection established.")
            return await _request_over_http(config, check_id, address, sock, limits)
    except TimeoutError:
        return ProbeOutcome(False, "The connection timed out.", connect_limit)
    except OSError as error:
        return ProbeOutcome(False, _describe_error(error))


async def _request_over_http(
    config: HealthCheckConfig, check_id: str, address: str, sock: socket.socket, limits: ProbeLimits
) -> ProbeOutcome:
    name = config.fully_qualified_domain_name
    tls = _tls() if config.type.startswith("HTTPS") else None
    response = _Response()
    reader, writer = await asyncio.open_connection(sock=sock)
    # Aborted at the end, not that of TLS: after a time limit, that one would wait for the endpoint's last message, and
    # keep the number of a socket which is closed by then.
    transport = writer.transport
    try:
        async with TimeLimit(limits.answer * limits.wall) as limit:
            if tls:
                await writer.start_tls(tls, server_hostname=name if config.enable_sni and name else None)
            writer.write(_request(config, check_id, address))
            searched = config.search_string
            while not response.is_sufficient(for_search=searched is not None):
                data = await reader.read(_CHUNK)
                had_status = response.status
                if not data or response.feed(data):
                    break
                if searched is not None and not had_status and response.status:
                    limit.restart(limits.answer * limits.wall)
    except TimeoutError:
        if not response.status:
            return ProbeOutcome(False, "No HTTP status code was received in time.", limits.answer)
        if config.search_string is not None and config.search_string.encode() not in response.body:
            return ProbeOutcome(False, "The response body was not received in time.", 2 * limits.answer)
    except httptools.HttpParserError:
        return ProbeOutcome(False, "The response is not in the format of HTTP/1.1.")
    finally:
        transport.abort()
    return _evaluate(config, response)


def _evaluate(config: HealthCheckConfig, response: _Response) -> ProbeOutcome:
    if not response.status:
        return ProbeOutcome(False, "The connection was closed without an HTTP status code.")
    description = f"HTTP Status Code {response.status}, {response.phrase.decode('latin-1')[:80]}".rstrip(", ")
    if not 200 <= response.status < 400:
        return ProbeOutcome(False, description)
    if config.search_string is not None and config.search_string.encode() not in response.body:
        return ProbeOutcome(False, f"{description}. The string is not in the first {SEARCHED_BYTES} bytes of the body.")
    return ProbeOutcome(True, description)


@dataclass(slots=True)
class _Response:
    """The part of a response that has been read; httptools parses it and calls the ``on_`` methods."""

    status: int = 0
    phrase: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    done: bool = False
    read: int = 0
    _parser: httptools.HttpResponseParser = field(init=False)

    def __post_init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        """Parse received data; return whether the response is complete."""
        self.read += len(data)
        self._parser.feed_data(data)
        return self.done

    def is_sufficient(self, *, for_search: bool) -> bool:
        """Whether further data cannot change the result."""
        return self.done or self.read >= MAX_READ or (for_search and len(self.body) >= SEARCHED_BYTES)

    def on_status(self, phrase: bytes) -> None:
        """Record the status line, or a part of it."""
        self._read_status()
        self.phrase += phrase

    def on_headers_complete(self) -> None:
        """Record the status, even if it has no phrase."""
        self._read_status()

    def on_body(self, data: bytes) -> None:
        """Keep the first bytes of the decoded body."""
        self.body += data[: SEARCHED_BYTES - len(self.body)]

    def on_message_complete(self) -> None:
        """Record the end of the response, unless it was an interim one (1xx)."""
        self.done = bool(self.status)

    def _read_status(self) -> None:
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
            # Not every system has all of 127.0.0.0/8; without it the endpoint cannot distinguish the checkers.
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


def _describe_error(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"SSL alert: {(error.reason or 'handshake failure').lower().replace('_', ' ')}."
    if error.errno == errno.ECONNREFUSED:
        return "The connection was refused."
    return f"{os.strerror(error.errno) if error.errno else type(error).__name__}."
