"""One HTTP request to one address by a connection of its own: what came, from whom, and how it failed."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from dataclasses import dataclass
from typing import Literal

__all__ = ["Attempted", "attempt"]


@dataclass(frozen=True, slots=True)
class Attempted:
    """`ok`: a status below 500 came; `fail`: it surely was not served; `info`: nobody knows, no answer came in time.

    `task`: the ARN or id by which who answered calls itself, "" where it does not.
    """

    outcome: Literal["ok", "fail", "info"]
    status: int = 0
    task: str = ""
    error: str = ""


async def attempt(
    address: str, port: int, within: float, path: str = "/", method: str = "GET", *, only_loopback: bool = True
) -> Attempted:
    """Call once, with `within` wall seconds from connecting to the whole answer.

    Raises ValueError for who may not be called.

    A connection that is not even made in time is `info` too: who does not answer SYN may have got it.
    """
    if only_loopback and not ipaddress.ip_address(address).is_loopback:
        raise ValueError(f"{address} is not on this machine, and is not called")
    writer = None
    host = f"[{address}]" if ":" in address else address
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(address, port)
            lines = (f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close", "Content-Length: 0")
            writer.write("\r\n".join((*lines, "", "")).encode())
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    except TimeoutError:
        return Attempted("info", error="no answer in time")
    except OSError as problem:
        return Attempted("fail", error=_brief(problem))
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    parts = head.split(b" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        return Attempted("fail", error="closed without an answer")
    status = int(parts[1])
    return Attempted("ok" if status < 500 else "fail", status, _who(body), "" if status < 500 else f"status {status}")


def _who(body: bytes) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return str(told.get("task") or "") if isinstance(told, dict) else ""


def _brief(problem: OSError) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "refused"
    if isinstance(problem, ConnectionResetError):
        return "reset"
    return (problem.strerror or type(problem).__name__).lower()
