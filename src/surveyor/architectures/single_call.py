"""One HTTP request to one address by a new connection: the response, the task that sent it, or the error."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from dataclasses import dataclass
from typing import Literal

__all__ = ["CallResult", "attempt"]


@dataclass(frozen=True, slots=True)
class CallResult:
    """`ok`: a status below 500; `fail`: definitely not served; `info`: unknown, since no answer arrived in time.

    `task`: the ARN or id that the answering task reports, "" if it reports none.
    """

    outcome: Literal["ok", "fail", "info"]
    status: int = 0
    task: str = ""
    error: str = ""


async def attempt(
    address: str, port: int, within: float, path: str = "/", method: str = "GET", *, only_loopback: bool = True
) -> CallResult:
    """Make one call, limited to `within` wall seconds from connecting to the whole response.

    A connection that is not made in time is `info` too: the SYN may have arrived. Raises ValueError for an address
    that must not be called.
    """
    if only_loopback and not ipaddress.ip_address(address).is_loopback:
        raise ValueError(f"{address} is not on this machine, and must not be called")
    writer = None
    host = f"[{address}]" if ":" in address else address
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(address, port)
            lines = (f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close", "Content-Length: 0")
            writer.write("\r\n".join((*lines, "", "")).encode())
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    except TimeoutError:
        return CallResult("info", error="no answer in time")
    except OSError as error:
        return CallResult("fail", error=_brief(error))
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    parts = head.split(b" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        return CallResult("fail", error="closed without an answer")
    status = int(parts[1])
    return CallResult(
        "ok" if status < 500 else "fail", status, _task_id(body), "" if status < 500 else f"status {status}"
    )


def _task_id(body: bytes) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    return str(value.get("task") or "") if isinstance(value, dict) else ""


def _brief(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError):
        return "reset"
    return (error.strerror or type(error).__name__).lower()
