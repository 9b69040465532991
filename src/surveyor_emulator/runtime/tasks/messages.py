"""What the target and the parent of its containers tell each other: a line of JSON each, over a socket pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

__all__ = ["MARK", "Lines", "Order", "Report", "line"]

MARK = "SURVEYOR_CONTAINER"
"""In the environment of all that a container has started: `PARENT.CONTAINER.`"""


class Order(TypedDict, total=False):
    """From the target. ``do``: start, signal, kill, log. ``argv`` is None for the workload, with ``arguments``.

    ``files``: place -> file that the container finds there instead (see ``mounts``).
    """

    do: str
    id: int
    argv: list[str] | None
    arguments: list[str]
    environment: Mapping[str, str]
    files: Mapping[str, str]
    memory: int
    signal: int


class Report(TypedDict, total=False):
    """From the parent. ``said``: able, started, refused, exited, log. ``code`` is 128 and more after a signal.

    It says first whether containers can have files of their own: ``able``, with ``files``.
    """

    said: str
    id: int
    pid: int
    why: str
    code: int
    out_of_memory: bool
    text: str
    files: bool


def line(message: Order | Report) -> bytes:
    """One message as it is sent."""
    return json.dumps(message).encode() + b"\n"


class Lines:
    """Puts messages together from what comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        return whole
