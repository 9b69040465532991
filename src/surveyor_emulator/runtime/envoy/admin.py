"""Requests to an Envoy's admin interface, at its socket: readiness, statistics, draining."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["AdminUnavailable", "ask", "certificates", "drain", "is_ready", "statistics"]

RESPONSE_TIMEOUT = 2.0  # wall seconds


class AdminUnavailable(Exception):
    """The admin interface does not answer: Envoy is paused, hangs, or has ended."""


async def is_ready(socket: Path) -> bool:
    """Return whether Envoy has its configuration and listens."""
    try:
        return (await _ask(socket, "GET", "/ready"))[0] == 200
    except AdminUnavailable:
        return False


async def drain(socket: Path) -> None:
    """Have Envoy ask the callers of its task to go elsewhere. Raises AdminUnavailable."""
    await _ask(socket, "POST", "/drain_listeners?graceful&inboundonly")


async def statistics(socket: Path, pattern: str) -> Mapping[str, int]:
    """Return the counters and gauges whose names match a regular expression. Raises AdminUnavailable."""
    status, body = await _ask(socket, "GET", f"/stats?format=json&filter={pattern}")
    if status != 200:
        raise AdminUnavailable(f"statistics: status {status}")
    entries = json.loads(body)["stats"]
    return {entry["name"]: entry["value"] for entry in entries if isinstance(entry.get("value"), int)}


async def certificates(socket: Path) -> frozenset[str]:
    """Return the serial numbers of the certificates that Envoy presents. Raises AdminUnavailable."""
    status, body = await _ask(socket, "GET", "/certs")
    if status != 200:
        raise AdminUnavailable(f"certificates: status {status}")
    contexts = json.loads(body)["certificates"]
    return frozenset(found["serial_number"] for context in contexts for found in context.get("cert_chain", ()))


async def ask(socket: Path, path: str) -> tuple[int, bytes]:
    """Return status and body of the response at a path. Raises AdminUnavailable."""
    return await _ask(socket, "GET", path)


async def _ask(socket: Path, method: str, path: str) -> tuple[int, bytes]:
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            with contextlib.closing(writer):
                writer.write(f"{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n".encode("ascii"))
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                body = await reader.read()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise AdminUnavailable(f"{type(error).__name__}: {error}") from None
    if "transfer-encoding: chunked" in head:
        body = _join_chunks(body)
    return int(head.split(" ", 2)[1]), body


def _join_chunks(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        body, chunks = body + rest[:length], rest[length + 2 :]
        if not length:
            break
    return body
