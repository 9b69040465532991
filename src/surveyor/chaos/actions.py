"""Single actions, which faults and their undo consist of: plain data, so that another process can perform them too.

Each may be performed twice without harm: the process that was undoing a fault may have been killed half-way.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from surveyor.account.refusals import NOT_PERMITTED, THROTTLED, is_unavailable, reason_in_short
from surveyor.callers import command_task
from surveyor.chaos.restorations import RESTORATIONS, Restored
from surveyor.errors import SurveyorError, TargetUnavailable
from surveyor.targets.control import Control, ControlRefused

__all__ = ["BUSY", "Action", "ActionContext", "AddressSetting", "ApiAction", "FaultFailed", "Restoration", "Restored",
           "TaskCommand", "TaskSignal", "dump_action", "load_action", "perform"]  # fmt: skip

T = TypeVar("T")

_NAMES = ("instance", "service", "registry")
"""Members of a restoration that name what it is about, the first that it has."""

RESPONSE_TIMEOUT = 5.0  # wall seconds
RETRY_FOR, RETRY_EVERY = 60.0, 0.25  # wall seconds

BUSY = ("DuplicateRequest", "ResourceInUse")
"""While an earlier request for the same instance is in progress (servicediscovery/DeregisterInstance)."""

_NOTHING_THERE, _TOO_SOON = 400, 429
"""How a task's agent answers where no fault can have begun, and before it accepts another request (one in 5 s)."""

_PROXY_STATUSES = (502, 503, 504)
"""How the Service Connect proxy before a task answers for a task that ended without a response."""


class FaultFailed(SurveyorError):
    """A fault could not be started or undone; the text names the action and the error."""


@dataclass(frozen=True)
class ApiAction:
    """A boto3 call: client, method, parameters.

    An error whose code is in `accepted_errors` counts as success; after a code in `retried_errors` the call is
    repeated for up to a minute.
    """

    service: str
    method: str
    params: Mapping[str, Any]
    accepted_errors: tuple[str, ...] = ()
    retried_errors: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.service}.{self.method}"

    @property
    def deploys(self) -> bool:
        """Return whether it makes ECS begin a deployment; a change of the count alone does not."""
        return self.service == "ecs" and bool({"forceNewDeployment", "taskDefinition"} & self.params.keys())


@dataclass(frozen=True)
class TaskCommand:
    """A request to the control path of a task that runs surveyor_agents.workload.

    `ends`: the command ends the process, so that no response is expected. `token`: what the task demands, if anything.
    `patience`: wall seconds for which it is repeated while the task does not answer.
    """

    address: str
    path: str
    port: int
    ends: bool = False
    token: str = ""
    patience: float = 0.0

    def __str__(self) -> str:
        return f"PUT {self.path} to {self.address}"


@dataclass(frozen=True)
class TaskSignal:
    """A signal (KILL, STOP or CONT) to the processes of a task, or to its `proxy`."""

    task: str
    signal: str
    to: str = "task"

    def __str__(self) -> str:
        return f"{self.signal} to the {self.to} of {self.task.rpartition('/')[2]}"


@dataclass(frozen=True)
class AddressSetting:
    """What calls to stopped tasks get: `vanish`, no answer, or `refuse`."""

    value: str

    def __str__(self) -> str:
        return f"addresses of stopped tasks: {self.value}"


@dataclass(frozen=True)
class Restoration:
    """What restores a user's resource, where it still is as a fault left it: a kind of `restorations`, by its name."""

    what: str
    params: Mapping[str, Any]

    def __str__(self) -> str:
        return f"restoring the {self.what} of {next(filter(None, map(self.params.get, _NAMES)), '')}"

    @property
    def deploys(self) -> bool:
        """Return whether it makes ECS begin a deployment."""
        return self.what == "definition"

    @property
    def calls(self) -> tuple[str, ...]:
        """Return the operations that it may call, as `service:Operation`, the usual one first."""
        return RESTORATIONS[self.what].calls


Action = ApiAction | TaskCommand | TaskSignal | AddressSetting | Restoration
_KINDS: Mapping[str, type[Action]] = {
    "api": ApiAction,
    "command": TaskCommand,
    "signal": TaskSignal,
    "addresses": AddressSetting,
    "restore": Restoration,
}


@dataclass
class ActionContext:
    """The AWS clients and the control endpoint that actions use."""

    make_client: Callable[[str], Any]
    control: Control | None
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return the client of a service, created at the first call."""
        if service not in self._clients:
            self._clients[service] = self.make_client(service)
        return self._clients[service]


def perform(action: Action, context: ActionContext, *, undoing: bool = False) -> Restored:
    """Perform one action, and return the answer of a call and what was left to others. Raises FaultFailed.

    `undoing`: a task that does not respond is no failure, since it may have ended by now; and what a service cannot
    answer now is repeated for up to a minute.
    """
    try:
        if isinstance(action, ApiAction):
            return Restored(answer=_call(action, context, undoing=undoing))
        if isinstance(action, Restoration):
            restore = RESTORATIONS[action.what].restore
            return _repeated(lambda: restore(context.client, action.params), BUSY, undoing=undoing)
        if isinstance(action, TaskCommand):
            _command(action, undoing=undoing)
        elif context.control is None:
            raise FaultFailed(f"{action}: the target has no control endpoint")
        elif isinstance(action, AddressSetting):
            context.control.set_stopped_addresses(action.value)
        else:
            context.control.signal(action.task, action.signal, action.to)
    except (OSError, ControlRefused) as error:
        if not undoing:
            raise FaultFailed(f"{action}: {_reason(error)}; is the victim gone?") from None
    except ClientError as error:
        raise FaultFailed(f"{action}: {_refusal(error)}") from None
    except TargetUnavailable as error:
        raise FaultFailed(f"{action}: {error}") from None
    return Restored()


def _refusal(error: ClientError) -> str:
    """Return why a call was refused, with the action of IAM that is missing, if one is."""
    reason = reason_in_short(str(error))
    if reason.startswith(NOT_PERMITTED):
        return reason
    return f"the target refused it with {error.response.get('Error', {}).get('Code', '')}"


def _call(action: ApiAction, context: ActionContext, *, undoing: bool) -> Mapping[str, Any]:
    def call() -> Mapping[str, Any]:
        try:
            return getattr(context.client(action.service), action.method)(**action.params) or {}
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in action.accepted_errors:
                return {}
            raise

    return _repeated(call, action.retried_errors, undoing=undoing)


def _repeated(call: Callable[[], T], retried: Collection[str], *, undoing: bool) -> T:
    end = time.monotonic() + RETRY_FOR
    while True:
        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            is_repeated = code in (*retried, *THROTTLED) or (undoing and is_unavailable(code, status))
            if not is_repeated or time.monotonic() > end:
                raise
            threading.Event().wait(RETRY_EVERY)


def _command(action: TaskCommand, *, undoing: bool) -> None:
    if not ipaddress.ip_address(action.address).is_private:
        raise FaultFailed(f"{action}: commands are sent to private addresses only")
    answered = _answer_of(action)
    if answered is None:
        return
    status, answer = answered
    agent = answer.get("status")
    if isinstance(agent, int) and not 200 <= agent < 300 and not (undoing and agent == _NOTHING_THERE):
        raise FaultFailed(f"{action}: its agent answered {agent}: {answer.get('answer')}")
    if status >= 300:
        raise FaultFailed(f"{action}: it answered {status}")


def _answer_of(action: TaskCommand) -> tuple[int, Mapping[str, Any]] | None:
    """Return status and answer of a command, None if the process has ended as it must. Raises OSError."""
    end = time.monotonic() + action.patience
    while True:
        try:
            status, answer = command_task(action.address, action.port, action.path, action.token, RESPONSE_TIMEOUT)
            if status in _PROXY_STATUSES:
                raise ConnectionError(f"its proxy answered {status}")
            if answer.get("status") != _TOO_SOON or time.monotonic() >= end:
                return status, answer
        except OSError as error:
            if action.ends:
                return None
            if time.monotonic() >= end or isinstance(error, ConnectionRefusedError):
                raise
        threading.Event().wait(RETRY_EVERY)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason)


def dump_action(action: Action) -> dict[str, Any]:
    """Return an action as JSON values."""
    kind = next(name for name, action_class in _KINDS.items() if isinstance(action, action_class))
    return {"kind": kind, **asdict(action)}


def load_action(value: Mapping[str, Any]) -> Action:
    """Return the action that `dump_action` wrote. Raises KeyError or TypeError for anything else."""
    members = {name: member for name, member in value.items() if name != "kind"}
    members |= {name: tuple(members[name]) for name in ("accepted_errors", "retried_errors") if name in members}
    return _KINDS[value["kind"]](**members)
