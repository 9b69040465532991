"""What evidence was measured on, and when: a deployment is decided by evidence of itself, and by no other.

A run of `surveyor watch` names the deployment that it watched. Any other must be of the same service, and must not have
ended before the deployment began, nor have begun after it was over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.tool_figures import ToolFigures
from surveyor.history import History, latest_deployments, watched_deployment

__all__ = ["MeasuredRun", "require_evidence_of", "run_of_history", "run_of_tool"]

_SKEW = 60.0
"""Seconds by which the clock of this machine may differ from that of the account."""


@dataclass(frozen=True)
class MeasuredRun:
    """A run that is given as evidence.

    `service`: CLUSTER/SERVICE, "" if it was created for the run; None if it is not known. `watched`: the ARN of the
    deployment that it watched, "" if none; `deployments`: the ARNs of those that were in progress meanwhile, as far as
    it observed them. `began`, `ended`: POSIX times of this machine, None if not known; `scale`: service seconds in one
    of its seconds.
    """

    name: str
    service: str | None
    watched: str = ""
    deployments: frozenset[str] = frozenset()
    began: float | None = None
    ended: float | None = None
    scale: float = 1.0


def run_of_history(path: Path, history: History) -> MeasuredRun:
    """Return what a run of Surveyor measured."""
    try:
        began: float | None = datetime.fromisoformat(history.header.started).timestamp()
    except ValueError:
        began = None
    return MeasuredRun(
        name=str(path),
        service=history.header.service.get("service", ""),
        watched=watched_deployment(history),
        deployments=frozenset(
            arn for arn, state in latest_deployments(history).items() if state.finished is None or state.finished >= 0.0
        ),
        began=began,
        ended=None if began is None else began + history.end / history.header.scale,
        scale=history.header.scale,
    )


def run_of_tool(figures: ToolFigures) -> MeasuredRun:
    """Return what another load generator measured: it does not name the service."""
    return MeasuredRun(figures.file, None, began=figures.began, ended=figures.ended)


def require_evidence_of(deployment: GatedDeployment, runs: Sequence[MeasuredRun], service: str, now: float) -> None:
    """Raise UsageError if a run is evidence of another service or of another deployment.

    `service`: CLUSTER/SERVICE. `now`: POSIX time of this machine.
    """
    for run in runs:
        if problem := _problem(deployment, run, service, now):
            raise UsageError(
                f"{run.name}: {problem}; nothing was done with {deployment.arn}: measure while it is in progress, or "
                "use --watch"
            )


def _problem(deployment: GatedDeployment, run: MeasuredRun, service: str, now: float) -> str:
    if run.service is not None and run.service != service:
        return f"it measured {run.service or 'a service that Surveyor created'}, not {service}"
    if run.watched and run.watched != deployment.arn:
        return f"it is of another deployment, {run.watched}"
    if deployment.arn in run.deployments:
        return ""
    # Ages are compared, since the clock of a target may be another than that of this machine. One that runs ahead and
    # cannot be read makes a deployment younger than nothing: then times prove nothing.
    if deployment.age < -_SKEW:
        return ""
    if run.ended is not None and (now - run.ended) * run.scale > deployment.age + _SKEW:
        return f"it ended {(now - run.ended) * run.scale - deployment.age:.0f} s before the deployment began"
    since_end = deployment.since_end
    if run.began is not None and since_end is not None and (now - run.began) * run.scale < since_end - _SKEW:
        return f"it began {since_end - (now - run.began) * run.scale:.0f} s after the deployment was over"
    return ""
