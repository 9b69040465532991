"""One attempt: one request to one address over one connection, new or kept, without a retry."""

from __future__ import annotations

import json
import re
import ssl
import time
from dataclasses import dataclass
from typing import Literal

from surveyor.callers.connection import Connection
from surveyor.callers.request import Request
from surveyor.visible_text import one_line

__all__ = ["AttemptOutcome", "AttemptResult", "Timeouts", "attempt"]

AttemptOutcome = Literal["ok", "fail", "info"]
"""`ok`: an expected status; `fail`: definitely no answer, or another status; `info`: unknown after a timeout."""

MAX_ERROR = 120
_TASK_ID = re.compile(r"[\w.-]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Wall seconds for the connection, and then for the whole response."""

    connect: float = 1.0
    read: float = 2.0

    @property
    def total(self) -> float:
        """Return the wall seconds after which an attempt has ended."""
        return self.connect + self.read


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt. `task`: id that the answering task reports, "" if it reports none.

    `error`: "" for an `ok`; `seconds`: wall seconds from connecting to the end.
    """

    outcome: AttemptOutcome
    status: int = 0
    task: str = ""
    error: str = ""
    seconds: float = 0.0


def attempt(
    address: str, port: int, request: Request, timeouts: Timeouts, idle: Connection | None = None, *, keep: bool = False
) -> tuple[AttemptResult, Connection | None]:
    """Make one attempt, by `idle` or a new connection; return the result, and the connection if it can be reused.

    A connection that is not made in time is `info` too: the SYN may have arrived. A kept connection that the server
    has closed meanwhile is a failed attempt, as it is for every client that does not retry.
    """
    began = time.monotonic()

    def ended(outcome: AttemptOutcome, error: str = "", status: int = 0, task: str = "") -> AttemptResult:
        return AttemptResult(outcome, status, task, error, time.monotonic() - began)

    connection = idle
    try:
        if connection is None:
            secure = (request.context, request.tls_name(address)) if request.tls is not None else ()
            connection = Connection(address, port, timeouts.connect, *secure)
    except TimeoutError:
        return ended("info", "no connection in time"), None
    except (UnicodeError, OverflowError):  # of a name or a port that cannot be one
        return ended("fail", "not an address"), None
    except OSError as error:
        return ended("fail", _brief(error)), None
    stale = not connection.fresh
    try:
        status, body, reusable = connection.exchange(request.encode(address, port, keep=keep), timeouts.read)
    except TimeoutError:
        connection.close()
        return ended("info", "no answer in time"), None
    except OSError as error:
        connection.close()
        return ended("fail", ("kept, and " if stale else "") + _brief(error)), None
    if not reusable:
        connection.close()
    ok = request.expects(status)
    result = ended("ok" if ok else "fail", "" if ok else f"status {status}", status, _task_id(body))
    return result, connection if reusable else None


def _task_id(body: bytes) -> str:
    if b'"task"' not in body[:4_096]:
        return ""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    task = str(value.get("task") or "").rpartition("/")[2] if isinstance(value, dict) else ""
    return task if _TASK_ID.fullmatch(task) else ""


def _brief(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError):
        return "reset"
    if isinstance(error, ssl.SSLCertVerificationError):
        return one_line(f"tls: {error.verify_message}".lower())[:MAX_ERROR]
    if isinstance(error, ssl.SSLError):
        return one_line(f"tls: {error.reason or error}".lower().replace("_", " "))[:MAX_ERROR]
    return one_line((error.strerror or str(error) or type(error).__name__).lower())[:MAX_ERROR]
