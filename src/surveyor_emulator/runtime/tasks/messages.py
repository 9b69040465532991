"""The messages between the target and the fork server of its containers: JSON lines over a socket pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

__all__ = ["Lines", "Order", "Report", "line"]


class Order(TypedDict, total=False):
    """From the target. ``do``: start, signal, kill, log, reap. ``argv`` is None for the workload, with ``arguments``.

    ``files``: path -> file that the container sees there instead (see ``mounts``). Memory is in bytes, 0 for no limit;
    ``task_memory`` is for all containers of one ``task`` together. ``ruled``: borders decide what it connects to.
    """

    do: str
    id: int
    argv: list[str] | None
    arguments: list[str]
    environment: Mapping[str, str]
    files: Mapping[str, str]
    memory: int
    task: str
    task_memory: int
    signal: int
    ruled: bool


class Report(TypedDict, total=False):
    """From the fork server. ``event``: able, started, refused, exited, log, reaped.

    ``code`` is 128 and more after a signal. The first one reports whether containers can have own files: ``able``, with
    ``files``, and why borders decide nothing here: ``unruled``, "" if they do.
    """

    event: str
    id: int
    pid: int
    why: str
    code: int
    out_of_memory: bool
    text: str
    files: bool
    unruled: str


def line(message: Order | Report) -> bytes:
    """Return one message as bytes to send."""
    return json.dumps(message).encode() + b"\n"


class Lines:
    """A buffer that splits a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes; return the lines that are complete now."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        return complete
