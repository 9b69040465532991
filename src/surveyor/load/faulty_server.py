"""A server with known faults, to check whether an instrument counts them.

`python -m surveyor.load.faulty_server SEED` prints its port, and then answers on 127.0.0.1 until standard input ends:

    /well     200
    /kills…   200, but one request of five is closed without an answer, chosen by the seed
    /stalls   200, but no request is answered in the three seconds from one second after the first request;
              `?due=T` says when the request was due (time.monotonic)
    /truth    as JSON: `received`, how many requests each of these received, and how many were killed; `delays`, wall
              seconds from when requests of /stalls were due until they were answered
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter

__all__ = ["KILLED", "STALL", "STALLS_AFTER", "main"]

KILLED = 0.2
STALL, STALLS_AFTER = 3.0, 1.0  # wall seconds
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class _ServerState:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.received: Counter[str] = Counter()
        self.delays: list[float] = []
        self.first_stall: float | None = None


class _Connection(asyncio.Protocol):
    def __init__(self, server: _ServerState) -> None:
        self._server = server
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head, self._data = self._data[:end], self._data[end + 4 :]
            method, path = head.split(b" ", 2)[:2]
            self._answer(method.decode("latin-1"), path.decode("latin-1"))

    def _answer(self, method: str, target: str) -> None:
        assert self._transport is not None
        server = self._server
        path, _, query = target.partition("?")
        server.received[f"{method} {path}"] += 1
        if path.startswith("/kills") and server.chance.random() < KILLED:
            server.received[f"{method} {path} killed"] += 1
            self._transport.abort()
        elif path == "/stalls":
            self._stall(float(query.removeprefix("due=")) if query else time.monotonic())
        elif path == "/truth":
            self._send(json.dumps({"received": server.received, "delays": server.delays}).encode())
        else:
            self._send(b"{}")

    def _stall(self, due: float) -> None:
        loop, server = asyncio.get_running_loop(), self._server
        if server.first_stall is None:
            server.first_stall = loop.time()
        since = loop.time() - server.first_stall
        if STALLS_AFTER <= since < STALLS_AFTER + STALL:
            loop.call_later(STALLS_AFTER + STALL - since, self._end_stall, due)
        else:
            self._end_stall(due)

    def _end_stall(self, due: float) -> None:
        self._server.delays.append(time.monotonic() - due)
        self._send(b"{}")

    def _send(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_ANSWER % (len(body), body))


async def _serve(seed: int) -> None:
    loop = asyncio.get_running_loop()
    state = _ServerState(seed)
    server = await loop.create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)


def main() -> None:
    """Serve until standard input ends."""
    asyncio.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
