"""Prepare a target before a run, so that what is wrong with it costs one line and not a failure of every test."""

from __future__ import annotations

from dataclasses import replace

from surveyor import timeouts
from surveyor.errors import SurveyorError, TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.targets.clients import Clients
from surveyor.targets.control import Control, TokenRefused
from surveyor.targets.credentials import open_session
from surveyor.targets.environments import create_environment
from surveyor.targets.features import PROBING_ACCOUNT, ProbeBroken, offers_operation
from surveyor.targets.model import Target
from surveyor.targets.running import unreachable

__all__ = ["check_reachable"]


def check_reachable(target: Target) -> None:
    """Raise TargetUnavailable if nothing on this machine answers at the target's endpoint as an AWS API does.

    The credentials of an account are found, before anything is shown that would write over a question for a code.
    A clock that stands still is refused if the run would use wall time (at a bare URL it is advanced). Targets that
    Surveyor starts, and those elsewhere, are not called; a separate environment of the former is created, since workers
    could not show the progress.
    """
    if target.environment is not None:
        create_environment(target.environment)
    problem = unreachable(target.name, target.endpoint) if target.endpoint is not None and target.is_local else None
    if problem:
        raise TargetUnavailable(problem)
    for credentials in filter(None, (target.credentials, target.consumer)):
        open_session(replace(target, credentials=credentials))
    if target.endpoint is None or not target.is_local:
        return
    if target.features is not None and target.clock == "wall" and _clock_stands_still(target.endpoint):
        raise TargetUnavailable(
            f"{target.name} at {target.endpoint}: the target's clock stands still; start it with --clock flow"
        )
    if target.credentials.kind == "per-test":  # others are asked whose credentials they are, before anything else
        clients = Clients(target, target.endpoint, Evidence(), read_timeout=timeouts.PROBE_ANSWER)
        try:
            missing = offers_operation(clients.client("servicediscovery", PROBING_ACCOUNT), "list_namespaces", {})
        except ProbeBroken as error:
            missing = str(error)
        if missing:
            raise TargetUnavailable(f"{target.endpoint} is not an AWS API that has Cloud Map: {missing}")


def _clock_stands_still(endpoint: str) -> bool:
    """Return whether the endpoint has a control endpoint whose clock only moves when it is advanced."""
    control = Control(endpoint)
    control.timeout = timeouts.PROBE_ANSWER
    try:
        return control.scale() is None
    except TokenRefused:
        raise
    except SurveyorError:
        return False  # it has no control endpoint
    finally:
        control.close()
