"""An Envoy's admin interface, at its socket: whether it is ready, its statistics, and that it shall drain."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Silent", "ask", "drain", "is_ready", "statistics"]

ANSWERS_WITHIN = 2.0  # wall seconds


class Silent(Exception):
    """It does not answer: it is paused, hangs, or is gone."""


async def is_ready(socket: Path) -> bool:
    """Whether it has its configuration and listens."""
    try:
        return (await _ask(socket, "GET", "/ready"))[0] == 200
    except Silent:
        return False


async def drain(socket: Path) -> None:
    """Have it tell those who call its task to go elsewhere. Raises Silent."""
    await _ask(socket, "POST", "/drain_listeners?graceful&inboundonly")


async def statistics(socket: Path, pattern: str) -> Mapping[str, int]:
    """Counters and gauges whose names match a regular expression. Raises Silent."""
    status, body = await _ask(socket, "GET", f"/stats?format=json&filter={pattern}")
    if status != 200:
        raise Silent(f"statistics: status {status}")
    return {one["name"]: one["value"] for one in json.loads(body)["stats"] if isinstance(one.get("value"), int)}


async def ask(socket: Path, path: str) -> tuple[int, bytes]:
    """Status and body of what it tells at a path. Raises Silent."""
    return await _ask(socket, "GET", path)


async def _ask(socket: Path, method: str, path: str) -> tuple[int, bytes]:
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            with contextlib.closing(writer):
                writer.write(f"{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n".encode("ascii"))
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                body = await reader.read()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as problem:
        raise Silent(f"{type(problem).__name__}: {problem}") from None
    if "transfer-encoding: chunked" in head:
        body = _joined(body)
    return int(head.split(" ", 2)[1]), body


def _joined(chunks: bytes) -> bytes:
    whole = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        whole, chunks = whole + rest[:length], rest[length + 2 :]
        if not length:
            break
    return whole
