"""What faults and their undoing are made of: single calls as data, so that another process can make them too.

Each is harmless when made again: undoing may have begun when whoever did it was killed.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from surveyor.errors import SurveyorError, TargetUnavailable
from surveyor.pytest_plugin.verdict_rules import THROTTLED
from surveyor.targets.control import Control, ControlRefused

__all__ = ["ApiStep", "FaultFailed", "SignalStep", "Step", "TellStep", "perform", "read_step", "write_step"]

ANSWERS_WITHIN = 5.0  # wall seconds
WAITS, AGAIN = 60.0, 0.25  # wall seconds

_BY_THE_PROXY = (502, 503, 504)
"""What the Service Connect proxy before a task says of who ended without an answer."""


class FaultFailed(SurveyorError):
    """A fault could not be begun or undone; the text says which step, and what came."""


@dataclass(frozen=True)
class ApiStep:
    """A call of boto3: client, method, parameters.

    An error whose code is in `forgives` is as good as success; after one of `waits` it is made again for a while.
    """

    service: str
    method: str
    params: Mapping[str, Any]
    forgives: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.service}.{self.method}"


@dataclass(frozen=True)
class TellStep:
    """A task that runs surveyor_agents.workload is told what to do, at its own port. `ends`: it does not answer this."""

    address: str
    path: str
    port: int
    ends: bool = False

    def __str__(self) -> str:
        return f"{self.address} told {self.path}"


@dataclass(frozen=True)
class SignalStep:
    """The processes of a task, or its `proxy`, get KILL, STOP or CONT."""

    task: str
    signal: str
    to: str = "task"

    def __str__(self) -> str:
        return f"{self.signal} to the {self.to} of {self.task.rpartition('/')[2]}"


Step = ApiStep | TellStep | SignalStep
_KINDS: Mapping[str, type[Step]] = {"api": ApiStep, "tell": TellStep, "signal": SignalStep}


@dataclass
class ActionContext:
    """What steps are made with."""

    client: Callable[[str], Any]
    control: Control | None
    _clients: dict[str, Any] = field(default_factory=dict)

    def of(self, service: str) -> Any:
        """A client, made once."""
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]


def perform(step: Step, hands: ActionContext, *, again: bool = False) -> None:
    """Make one step. `again`: whoever it is about may be gone by now, which is no failure. Raises FaultFailed."""
    try:
        if isinstance(step, ApiStep):
            _call(step, hands)
        elif isinstance(step, TellStep):
            _tell(step)
        elif hands.control is None:
            raise FaultFailed(f"{step}: the target has no control endpoint")
        else:
            hands.control.signal(step.task, step.signal, step.to)
    except (OSError, http.client.HTTPException, ControlRefused) as gone:
        if not again:
            raise FaultFailed(f"{step}: {_why(gone)}; is the victim gone?") from None
    except ClientError as refused:
        code = refused.response.get("Error", {}).get("Code", "")
        raise FaultFailed(f"{step}: the target refused it with {code}") from None
    except TargetUnavailable as gone:
        raise FaultFailed(f"{step}: {gone}") from None


def _call(step: ApiStep, hands: ActionContext) -> None:
    end = time.monotonic() + WAITS
    while True:
        try:
            getattr(hands.of(step.service), step.method)(**step.params)
        except ClientError as refused:
            code = refused.response.get("Error", {}).get("Code")
            if code in step.forgives:
                return
            if code not in (*step.waits, *THROTTLED) or time.monotonic() > end:
                raise
            threading.Event().wait(AGAIN)
        else:
            return


def _tell(step: TellStep) -> None:
    if not ipaddress.ip_address(step.address).is_private:
        raise FaultFailed(f"{step}: only private addresses are told anything")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"http://{step.address}:{step.port}{step.path}", method="PUT")
    refused: tuple[type[Exception], ...] = (OSError, http.client.HTTPException) if step.ends else ()
    with contextlib.suppress(*refused):
        try:
            opener.open(request, timeout=ANSWERS_WITHIN).close()
        except urllib.error.HTTPError as wrong:
            if step.ends and wrong.code in _BY_THE_PROXY:
                return
            raise FaultFailed(f"{step}: it answered {wrong.code}") from None


def _why(gone: Exception) -> str:
    reason = getattr(gone, "reason", gone)
    return str(getattr(reason, "strerror", None) or reason)


def write_step(step: Step) -> dict[str, Any]:
    """As JSON values."""
    kind = next(name for name, one in _KINDS.items() if isinstance(step, one))
    return {"kind": kind, **asdict(step)}


def read_step(value: Mapping[str, Any]) -> Step:
    """The inverse of write_step. Raises KeyError or TypeError for what is none."""
    told = {name: one for name, one in value.items() if name != "kind"}
    told |= {name: tuple(told[name]) for name in ("forgives", "waits") if name in told}
    return _KINDS[value["kind"]](**told)
