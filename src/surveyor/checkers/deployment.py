"""Check how the watched deployment ended: a service may be stable because its deployment was rolled back."""

from __future__ import annotations

from surveyor.checkers.check_result import CheckResult, failed, inconclusive, passed
from surveyor.history import DeploymentState, History, latest_deployments, watched_deployment

__all__ = ["deployed", "describe_deployment", "name_deployment"]

SUCCESSFUL = "SUCCESSFUL"

_STATUSES = {
    "PENDING": "has not begun",
    "IN_PROGRESS": "is in progress",
    "SUCCESSFUL": "succeeded",
    "STOPPED": "was stopped",
    "ROLLBACK_SUCCESSFUL": "was rolled back",
    "ROLLBACK_FAILED": "could not be rolled back",
}


def deployed(history: History, *, within: float) -> CheckResult:
    """Check that the watched deployment succeeded, and was over within so much time after it was created.

    One that another deployment replaced before its end is inconclusive: ECS stopped it, whatever it would have become.
    """
    arn = watched_deployment(history)
    deployments = latest_deployments(history)
    state = deployments.get(arn)
    if state is None:
        return inconclusive("no deployment began")
    shown = next(shot.end_event for shot in reversed(history.deployment_snapshots) if arn in shot.deployments)
    name = name_deployment(arn, state)
    if state.finished is None:
        if history.end - state.created < within:
            return inconclusive(f"{name} was not over when the watch ended", shown)
        return failed(f"{name} was not over {within:g} s after its beginning", shown)
    if state.status == SUCCESSFUL:
        return passed(f"{name} took {state.finished - state.created:.0f} s")
    later = [other for other, one in deployments.items() if state.created < one.created <= state.finished + 1.0]
    if later and state.status == "STOPPED":
        return inconclusive(f"{name} was replaced by {later[0].rpartition('/')[2]} before its end", shown)
    return failed(describe_deployment(arn, state), shown)


def name_deployment(arn: str, state: DeploymentState) -> str:
    """Return which deployment it is and what it deploys, in words."""
    change = state.revision
    if state.from_revision and state.from_revision != (state.revision,):
        change = f"{' and '.join(state.from_revision)} to {state.revision}"
    return f"the deployment {arn.rpartition('/')[2]}{f' ({change})' if change else ''}"


def describe_deployment(arn: str, state: DeploymentState) -> str:
    """Return which deployment it is, its status and why, in words."""
    status = _STATUSES.get(state.status, f"is {state.status.lower().replace('_', ' ')}")
    return f"{name_deployment(arn, state)} {status}{': ' + state.reason if state.reason else ''}"
