"""Ask a running target once before a run, so that a wrong address costs one line and not a failure of every test."""

from __future__ import annotations

from surveyor.errors import SurveyorError, TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.targets.clients import Clients
from surveyor.targets.control import Control
from surveyor.targets.features import PROBING_ACCOUNT, offers_operation
from surveyor.targets.model import Target
from surveyor.targets.running import unreachable

__all__ = ["check_reachable"]


def check_reachable(target: Target) -> None:
    """Raise TargetUnavailable if nothing on this machine listens at the target's endpoint.

    A bare URL must also answer ListNamespaces as an AWS API does; in a target file its author has declared that it
    does. A clock that stands still is refused if the run would use wall time (at a bare URL it is advanced).
    Targets that Surveyor starts, and those elsewhere, are not called.
    """
    if target.endpoint is None or not target.is_local:
        return
    problem = unreachable(target.name, target.endpoint)
    if problem:
        raise TargetUnavailable(problem)
    if target.features is None:
        clients = Clients(target, target.endpoint, Evidence())
        problem = offers_operation(clients.client("servicediscovery", PROBING_ACCOUNT), "list_namespaces", {})
        if problem:
            raise TargetUnavailable(f"{target.endpoint} is not an AWS API that has Cloud Map: {problem}")
    elif target.clock == "wall" and _clock_stands_still(target.endpoint):
        raise TargetUnavailable(
            f"{target.name} at {target.endpoint}: the target's clock stands still; start it with --clock flow"
        )


def _clock_stands_still(endpoint: str) -> bool:
    """Return whether the endpoint has a control endpoint whose clock only moves when it is advanced."""
    control = Control(endpoint)
    try:
        return control.scale() is None
    except SurveyorError:
        return False  # it has no control endpoint
    finally:
        control.close()
