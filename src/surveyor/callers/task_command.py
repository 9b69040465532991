"""A request to the workload of a task: what a task of Surveyor does on command, and what it reports of itself."""

from __future__ import annotations

import json
from typing import Any

from surveyor.callers.connection import Connection
from surveyor.callers.request import Request
from surveyor_agents.workload import TOKEN_HEADER

__all__ = ["command_task"]

MAX_ANSWER = 1 << 22
"""Bytes: what a task reports of a thousand calls is long."""


def command_task(
    address: str, port: int, path: str, token: str, within: float, method: str = "PUT"
) -> tuple[int, dict[str, Any]]:
    """Return status and answer of a task's workload (surveyor_agents.workload documents the paths).

    The answer is empty unless it is a JSON object. `within`: wall seconds to connect, and again for the answer. Raises
    OSError if there is no answer.
    """
    request = Request(method, path, headers=((TOKEN_HEADER, token),) if token else ())
    connection = Connection(address, port, within)
    try:
        status, body, _ = connection.exchange(request.encode(address, port, keep=False), within, MAX_ANSWER)
    finally:
        connection.close()
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    return status, answer if isinstance(answer, dict) else {}
