"""What a run asks its vantage for: calls to tasks, and certificates that tasks serve."""

from __future__ import annotations

import base64
import json
import ssl
from typing import Any

from surveyor import timeouts
from surveyor.vantage.client import Vantage, raise_problem
from surveyor_agents.workload import TOKEN_HEADER

__all__ = ["certificate_through", "command_task_through"]


def command_task_through(
    vantage: Vantage, address: str, port: int, path: str, token: str, within: float, method: str
) -> dict[str, Any]:
    """Return the answer of a task's workload, as surveyor.callers.command_task does. Raises OSError."""
    host = f"[{address}]" if ":" in address else address
    request = {
        "verb": "http", "url": f"http://{host}:{port}{path}", "method": method, "within": within,
        "headers": {TOKEN_HEADER: token} if token else {},
    }  # fmt: skip
    [result] = vantage.exchange([request], within)
    raise_problem(result)
    try:
        answer = json.loads(base64.b64decode(result["body"]))
    except (ValueError, RecursionError):
        answer = None
    return answer if isinstance(answer, dict) else {}


def certificate_through(vantage: Vantage, address: str, port: int, version: str, authority: str) -> dict[str, Any]:
    """Return the certificate of one handshake, as surveyor_agents.vantage.handshake does. Raises OSError."""
    request = {"verb": "tls", "address": address, "port": port, "version": version, "authority": authority}
    [result] = vantage.exchange([request], timeouts.TASK_ANSWER)
    if result.get("kind") == "ssl":
        raise ssl.SSLError(str(result["error"]))
    raise_problem(result)
    return {**result, "der": base64.b64decode(result["der"])}
