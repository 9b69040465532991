"""A call that a client task makes on request: the way to a Service Connect proxy, which only its own task can call."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode, urlsplit

from surveyor.callers.attempt import AttemptResult, Timeouts
from surveyor.callers.endpoints import ClientTask
from surveyor.callers.request import Request
from surveyor.visible_text import one_line
from surveyor_agents.workload import TOKEN_HEADER

__all__ = ["call_from_task"]

MAX_ANSWER = 1 << 20
MARGIN = 5.0
"""Wall seconds for the way to the task and back, beyond the time that the task's own call may take."""

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_ERRORS = {"ConnectionRefusedError": "refused", "ConnectionResetError": "reset"}


def call_from_task(task: ClientTask, request: Request, timeouts: Timeouts, scale: float) -> AttemptResult:
    """Let a client task make the call; `scale`: service seconds per wall second, for the task measures in the former.

    A client task that does not answer leaves the outcome unknown: the call may have been made.
    """
    base = urlsplit(task.url)
    asked_for = f"{base.scheme}://{base.netloc}{request.path}"
    query = {"url": asked_for, "method": request.method, "within": timeouts.total * scale}
    if request.headers:
        query["header"] = "\r\n".join(f"{name}: {value}" for name, value in request.headers)
    url = f"http://{task.address}:{task.port}/call?{urlencode(query)}"
    headers = {TOKEN_HEADER: task.token} if task.token else {}
    asked = urllib.request.Request(url, headers=headers)
    try:
        with _OPENER.open(asked, timeout=timeouts.total + MARGIN) as response:
            made = json.loads(response.read(MAX_ANSWER))["calls"][0]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return AttemptResult("info", error=f"the client task did not report: {one_line(str(error), 80)}")
    return _result(made, request, scale)


def _result(made: dict[str, Any], request: Request, scale: float) -> AttemptResult:
    seconds = float(made.get("seconds") or 0.0) / scale
    status, task = int(made.get("status") or 0), str(made.get("task") or "").rpartition("/")[2]
    if status:
        ok = request.expects(status)
        return AttemptResult("ok" if ok else "fail", status, task, "" if ok else f"status {status}", seconds)
    kind = str(made.get("error") or "").partition(":")[0]
    if kind == "TimeoutError":
        return AttemptResult("info", error="no answer in time", seconds=seconds)
    error = _ERRORS.get(kind, one_line(kind, 80) or "closed without an answer")
    return AttemptResult("fail", error=error, seconds=seconds)
