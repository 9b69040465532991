"""A service deployment that a gate decides about: how it is read, and how it stands.

A service is stable after a deployment that succeeded, and also after one that was rolled back: only the status of the
service deployment distinguishes them (ecs/ServiceDeployment.status).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__ = [
    "GatedDeployment",
    "WaitingHook",
    "find_deployment",
    "gated_deployment",
    "previous_definition",
    "read_deployment",
    "restore_command",
]

IN_PROGRESS = ("PENDING", "IN_PROGRESS")
_ROLLED_BACK = {
    "ROLLBACK_REQUESTED": "is being rolled back",
    "ROLLBACK_IN_PROGRESS": "is being rolled back",
    "ROLLBACK_SUCCESSFUL": "was rolled back: the service is stable with the previous revision",
    "ROLLBACK_FAILED": "was rolled back, and the rollback failed: check the service",
    "STOP_REQUESTED": "is being stopped",
    "STOPPED": "was stopped: tasks of both revisions may run",
}
_OVER = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
_MAX_PAGES = 10
"""Pages of 100 deployments that are read of a service; ECS keeps those of the last 90 days (ECS Developer Guide)."""


@dataclass(frozen=True)
class WaitingHook:
    """A PAUSE hook that waits for an answer.

    `remaining`: service seconds until ECS acts by itself, None if unknown; `on_timeout`: what it does then, or "".
    """

    id: str
    remaining: float | None
    on_timeout: str = ""


@dataclass(frozen=True)
class GatedDeployment:
    """A service deployment. Ages are service seconds.

    `age`: since its creation; `since_end`: since it was over, None if it is not. `sources`: the ARNs of the service
    revisions that it replaces. `alarms`: the names of the CloudWatch alarms that it is configured with; `triggered`:
    those that ECS saw in ALARM.
    """

    arn: str
    status: str
    reason: str = ""
    stage: str = ""
    hook: WaitingHook | None = None
    age: float = 0.0
    since_end: float | None = None
    created: float = 0.0
    sources: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    triggered: tuple[str, ...] = ()

    @property
    def is_in_progress(self) -> bool:
        """Return whether it may still continue or be rolled back."""
        return self.status in IN_PROGRESS

    @property
    def is_over(self) -> bool:
        """Return whether it does not change any more."""
        return self.status in _OVER

    @property
    def failure(self) -> str:
        """Return that it was rolled back or stopped, with the reason; "" if it is in progress or succeeded."""
        if self.status not in _ROLLED_BACK:
            return ""
        return f"the deployment {_ROLLED_BACK[self.status]} ({self.status}{f': {self.reason}' if self.reason else ''})"


def find_deployment(ecs: ECSClient, cluster: str, service: str, now: float) -> GatedDeployment | None:
    """Return the deployment in progress, or else the newest; None if the service has none. `now`: service time."""
    listed: list[Any] = []
    token = ""
    for _ in range(_MAX_PAGES):
        more: Any = {"nextToken": token} if token else {}
        answer = ecs.list_service_deployments(cluster=cluster, service=service, maxResults=100, **more)
        listed += answer["serviceDeployments"]
        token = str(answer.get("nextToken") or "")
        if not token:
            break
    # The order of the list is not documented.
    listed.sort(key=lambda brief: (brief["status"] in IN_PROGRESS, brief["createdAt"]), reverse=True)
    return read_deployment(ecs, str(listed[0]["serviceDeploymentArn"]), now) if listed else None


def read_deployment(ecs: ECSClient, arn: str, now: float) -> GatedDeployment | None:
    """Return the deployment with this ARN; None if a read does not show it, as soon after its creation."""
    found: Sequence[Any] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    return gated_deployment(found[0], now) if found else None


def gated_deployment(described: Mapping[str, Any], now: float) -> GatedDeployment:
    """Return a deployment as DescribeServiceDeployments describes it. `now`: service time in POSIX seconds."""
    created = _seconds(described.get("createdAt")) or now
    ended = _seconds(described.get("finishedAt") or described.get("stoppedAt"))
    alarms = described.get("alarms") or {}
    configured = (described.get("deploymentConfiguration") or {}).get("alarms") or {}
    rollback = described.get("rollback") or {}
    hooks = [hook for hook in described.get("lifecycleHookDetails") or () if hook.get("status") == "AWAITING_ACTION"]
    status = str(described["status"])
    return GatedDeployment(
        arn=str(described["serviceDeploymentArn"]),
        status=status,
        reason=str(described.get("statusReason") or rollback.get("reason") or ""),
        stage=str(described.get("lifecycleStage") or ""),
        hook=_hook(hooks[0], now) if hooks and status in IN_PROGRESS else None,
        age=now - created,
        since_end=None if ended is None or status not in _OVER else now - ended,
        created=created,
        sources=tuple(str(source["arn"]) for source in described.get("sourceServiceRevisions") or ()),
        alarms=tuple(map(str, alarms.get("alarmNames") or configured.get("alarmNames") or ())),
        triggered=tuple(map(str, alarms.get("triggeredAlarmNames") or ())),
    )


def previous_definition(ecs: ECSClient, deployment: GatedDeployment) -> str:
    """Return the ARN of the task definition that the deployment replaces, "" if ECS does not say it."""
    if not deployment.sources:
        return ""
    found: Sequence[Any] = ecs.describe_service_revisions(serviceRevisionArns=[deployment.sources[0]])[
        "serviceRevisions"
    ]
    return str(found[0].get("taskDefinition") or "") if found else ""


def restore_command(cluster: str, service: str, definition: str) -> str:
    """Return the command that deploys the previous task definition again, "" if it is not known."""
    if not definition:
        return ""
    name = definition.rpartition("/")[2]
    return f"aws ecs update-service --cluster {cluster} --service {service} --task-definition {name}"


def _hook(hook: Mapping[str, Any], now: float) -> WaitingHook:
    expires = _seconds(hook.get("expiresAt"))
    remaining = None if expires is None else expires - now
    return WaitingHook(str(hook["hookId"]), remaining, str(hook.get("timeoutAction") or ""))


def _seconds(moment: object) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else None
