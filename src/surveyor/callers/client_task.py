"""A call that a client task makes on request: the way to a Service Connect proxy, which only its own task can call."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from surveyor.callers.attempt import AttemptResult, Timeouts
from surveyor.callers.endpoints import ClientTask
from surveyor.callers.request import Request
from surveyor.callers.task_command import command_task
from surveyor.visible_text import one_line

__all__ = ["call_from_task"]

MARGIN = 5.0
"""Wall seconds for the way to the task and back, beyond the time that the task's own call may take."""

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
    try:
        path, within = f"/call?{urlencode(query)}", timeouts.total + MARGIN
        _, answer = command_task(task.address, task.port, path, task.token, within, "GET")
        made = answer["calls"][0]
    except (OSError, LookupError, TypeError) as error:
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
