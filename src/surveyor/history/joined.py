"""Join each attempt with the task that it reached: its revision, deployment, zone and life, and the phase.

A task is known by what it answered, or by its address at that time. An attempt at a load balancer or a proxy, which
chooses the task, has no task unless the answer names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from surveyor.history.lives import TaskLifetime, task_lifetimes
from surveyor.history.values import CallRecord, DeploymentState, History, Outcome
from surveyor.observations import Interval

__all__ = ["JoinedAttempt", "joined_attempts", "latest_deployments", "watched_deployment"]

Side = Literal["old", "new", ""]
Life = Literal["starting", "running", "leaving", "ended", ""]


@dataclass(frozen=True)
class JoinedAttempt:
    """One attempt. A text is "" where it is not known.

    `time`: service seconds since the history began; `seconds`: wall seconds from when it was due until its end.
    `outcome`: `ok`; `fail`: it definitely failed; `info`: no answer in time. `revision`: the task definition of the
    task, as `web:7`; `deployment`: the ARN of the service deployment that it belongs to; `side`: whether the watched
    deployment started it (`new`), or replaces it (`old`); `life`: what the task was doing; `scaled_in`: it was
    stopped as a TaskState says. `number`: of the event that began it.
    """

    time: float
    client: str
    outcome: str
    seconds: float
    task: str = ""
    revision: str = ""
    deployment: str = ""
    zone: str = ""
    phase: str = ""
    side: Side = ""
    life: Life = ""
    scaled_in: bool = False
    status: int = 0
    error: str = ""
    number: int = 0


def joined_attempts(history: History, calls: Sequence[CallRecord] | None = None) -> list[JoinedAttempt]:
    """Return the attempts of a history, or these of them, in the order of their events' numbers."""
    lifetimes = task_lifetimes(history)
    by_address: dict[str, list[TaskLifetime]] = {}
    for lifetime in lifetimes:
        by_address.setdefault(lifetime.address, []).append(lifetime)
    by_id = {lifetime.task: lifetime for lifetime in lifetimes}
    deployments, watched = latest_deployments(history), watched_deployment(history)
    joined = []
    for call in history.calls if calls is None else calls:
        task = by_id.get(call.task) if call.task else _lifetime_at(by_address.get(call.address, ()), call.span)
        phase = next((phase.name for phase in history.phases if phase.begin <= call.begin < phase.end), "")
        attempt = JoinedAttempt(
            call.begin, call.client, str(call.outcome), call.seconds, call.task, phase=phase,
            status=call.status, error=call.error, number=call.number,
        )  # fmt: skip
        joined.append(attempt if task is None else _joined(attempt, call, task, deployments, watched))
    return joined


def _joined(
    attempt: JoinedAttempt,
    call: CallRecord,
    task: TaskLifetime,
    deployments: Mapping[str, DeploymentState],
    watched: str,
) -> JoinedAttempt:
    own = _deployment_of(task, deployments)
    return replace(
        attempt,
        task=task.task,
        revision=task.revision,
        deployment=own,
        zone=task.zone,
        side=_side(task, deployments.get(own), deployments.get(watched)),
        life=_life(task, call.span),
        scaled_in=task.scaled_in,
    )


def latest_deployments(history: History) -> Mapping[str, DeploymentState]:
    """Return the last known state of each deployment, by ARN."""
    return {
        arn: state
        for snapshot in history.deployment_snapshots
        if snapshot.outcome is Outcome.OK
        for arn, state in snapshot.deployments.items()
    }


def watched_deployment(history: History) -> str:
    """Return the ARN of the deployment that is watched, "" if there is none."""
    return next((snapshot.watched for snapshot in reversed(history.deployment_snapshots) if snapshot.watched), "")


def _lifetime_at(candidates: Sequence[TaskLifetime], during: Interval) -> TaskLifetime | None:
    """Return the task that had the address then, or else had it last; None if two may have had it."""
    present = [lifetime for lifetime in candidates if lifetime.may_have_existed(during)]
    if not present:
        earlier = [lifetime for lifetime in candidates if lifetime.first_seen.low <= during.high]
        return max(earlier, key=lambda lifetime: lifetime.first_seen.low, default=None)
    certain = [lifetime for lifetime in present if lifetime.was_running(during)] or present
    return certain[0] if len(certain) == 1 else None


def _deployment_of(lifetime: TaskLifetime, deployments: Mapping[str, DeploymentState]) -> str:
    """Return the latest deployment that was created before the task."""
    created = lifetime.created
    if created is None:
        return ""
    before = [arn for arn, state in deployments.items() if state.created <= created]
    return max(before, key=lambda arn: deployments[arn].created, default="")


def _side(lifetime: TaskLifetime, own: DeploymentState | None, watched: DeploymentState | None) -> Side:
    """Return whether a task is of the new or the old side of a deployment; "" for a task of a later deployment.

    `own`: the deployment that the task belongs to. Task definitions say the side if they differ. A deployment may also
    deploy the same one anew; then the time of the task's creation says it.
    """
    if watched is None or (own is not None and own.created > watched.created):
        return ""
    if lifetime.revision and watched.revision and watched.from_revision:
        if lifetime.revision != watched.revision:
            return "old"
        if watched.revision not in watched.from_revision:
            return "new"
    if lifetime.created is None:
        return ""
    restored = watched.rolled_back is not None and lifetime.created >= watched.rolled_back
    return "new" if own is watched and not restored else "old"


def _life(lifetime: TaskLifetime, during: Interval) -> Life:
    """Return what a task was doing: `ended` and `running` if that is certain, `leaving` from when it may have begun."""
    if lifetime.ended is not None and lifetime.ended.high <= during.low:
        return "ended"
    if lifetime.leaving is not None and lifetime.leaving.low < during.high:
        return "leaving"
    if lifetime.running is None or lifetime.running.low > during.high:
        return "starting"
    return "running"
