"""What a run asks its vantage for: calls to tasks, and certificates that tasks serve."""

from __future__ import annotations

import base64
import json
from typing import Any

from surveyor.vantage.client import Vantage, raise_problem
from surveyor_agents.workload import TOKEN_HEADER

__all__ = ["command_task_through"]


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
