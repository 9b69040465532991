"""Send load over raw sockets: each connection sends its next request when the previous response is complete.

boto3 would be too slow: it reaches 1,700 calls per second, less than the servers under test.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httptools

__all__ = ["Figures", "run"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The result of one load: wall seconds, and the sorted latencies of its calls in wall seconds."""

    seconds: float
    latencies: list[float]
    errors: int
    first_error: str

    @property
    def rate(self) -> float:
        """Return the calls per wall second that were answered with 200."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the latency that ``share`` of the calls did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] if self.latencies else 0.0


class _Load:
    """The requests that remain to be sent, and the results of the others."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.requests = requests
        self.until = until
        self.latencies: list[float] = []
        self.errors = 0
        self.first_error = ""

    def next(self) -> bytes | None:
        return next(self.requests, None) if time.perf_counter() < self.until else None


class _Connection(asyncio.Protocol):
    """One client connection; ``done`` is set when no request remains."""

    def __init__(self, load: _Load, done: asyncio.Future[None], reconnect: asyncio.Event) -> None:
        self._load = load
        self._done = done
        self._reconnect = reconnect
        self._transport: asyncio.Transport | None = None
        self._sent = 0.0
        self._reset_parser()

    def _reset_parser(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = self._load.next()
        assert self._transport is not None
        if request is None:
            self._finish()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if self._parser.get_status_code() != 200 and len(self._body) < 300:
            self._body += body

    def on_message_complete(self) -> None:
        load = self._load
        if self._parser.get_status_code() == 200:
            load.latencies.append(time.perf_counter() - self._sent)
        else:
            load.errors += 1
            load.first_error = load.first_error or f"{self._parser.get_status_code()} {self._body[:300]!r}"
        if self._parser.should_keep_alive():
            self._reset_parser()
            self._send()
        else:
            assert self._transport is not None
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reconnect.set()


async def _client(host: str, port: int, load: _Load) -> None:
    """Keep a connection, reopened whenever the server closes it (some do after each response)."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    while not done.done() and time.perf_counter() < load.until:
        lost = asyncio.Event()
        await loop.create_connection(lambda lost=lost: _Connection(load, done, lost), host, port)  # type: ignore[misc]  # mypy infers no default arguments of lambdas
        await lost.wait()


def run(host: str, port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Figures:
    """Send ``requests`` over parallel ``connections`` for at most ``seconds`` of wall time."""

    async def all_clients() -> _Load:
        load = _Load(requests, time.perf_counter() + seconds)
        await asyncio.gather(*(_client(host, port, load) for _ in range(connections)))
        return load

    began = time.perf_counter()
    load = asyncio.run(all_clients())
    return Figures(time.perf_counter() - began, sorted(load.latencies), load.errors, load.first_error)
