"""The service deployments of a service: which are in progress, what they deploy, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from surveyor.history import DeploymentState
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["IN_PROGRESS", "DeploymentReader", "ReadDeployments", "is_over", "state_of"]

IN_PROGRESS = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
"""The statuses of a deployment that is not over (ecs/ServiceDeploymentStatus)."""

BATCH = 20
"""Maximum number in one request (ecs/DescribeServiceDeploymentsRequest.serviceDeploymentArns)."""

DESCRIBED = 5
"""Deployments that are described at least: those that started the tasks which a new one replaces."""

Described = Mapping[str, Any]
"""A ServiceDeployment of the API."""


@dataclass(frozen=True)
class ReadDeployments:
    """The latest deployments by ARN, as the API describes them, and the task definitions of their revisions by ARN."""

    described: Mapping[str, Described]
    revisions: Mapping[str, str]
    watched: str = ""

    def states(self, start: float) -> dict[str, DeploymentState]:
        """Return the states that a history records; `start`: when it began, in seconds since the epoch."""
        return {arn: state_of(found, self.revisions, start) for arn, found in self.described.items()}


@dataclass
class DeploymentReader:
    """Reads the deployments of a service again and again; `choose` returns the ARN of the watched one, "" if none is.

    Deployments that are over are described once, and so is the task definition of each revision.
    """

    ecs: Any
    service: ServiceUnderTest
    choose: Callable[[Mapping[str, Described]], str] = lambda described: ""
    _known: dict[str, Described] = field(default_factory=dict)
    _revisions: dict[str, str] = field(default_factory=dict)
    _newest: datetime | None = None

    def read(self) -> ReadDeployments:
        """Return the latest deployments, the newest first."""
        listed = self._list()
        wanted = [
            str(brief["serviceDeploymentArn"])
            for number, brief in enumerate(listed)
            if number < DESCRIBED or brief["status"] in IN_PROGRESS
        ]
        wanted = [arn for arn in dict.fromkeys((*wanted, *self._known)) if not self._is_known_to_be_over(arn)]
        for first in range(0, len(wanted), BATCH):
            chosen = wanted[first : first + BATCH]
            found = self.ecs.describe_service_deployments(serviceDeploymentArns=chosen)["serviceDeployments"]
            self._known.update({str(one["serviceDeploymentArn"]): one for one in found})
        self._read_revisions(self._known.values())
        newest = sorted(self._known, key=lambda arn: self._known[arn]["createdAt"], reverse=True)
        described = {arn: self._known[arn] for arn in newest}
        return ReadDeployments(described, dict(self._revisions), self.choose(described))

    def _list(self) -> list[Described]:
        """Return all deployments at first, and later those that are at least as new as the newest, the newest first.

        The order of answers is not documented. A service may have many: they are kept for 90 days
        (ecs/ListServiceDeployments).
        """
        params: dict[str, Any] = {"cluster": self.service.cluster, "service": self.service.service, "maxResults": 100}
        if self._newest is not None:
            params["createdAt"] = {"after": self._newest}
        listed: list[Described] = []
        while True:
            page = self.ecs.list_service_deployments(**params)
            listed += page["serviceDeployments"]
            if not page.get("nextToken"):
                break
            params["nextToken"] = page["nextToken"]
        listed.sort(key=lambda brief: brief["createdAt"], reverse=True)
        self._newest = listed[0]["createdAt"] if listed else self._newest
        return listed

    def _is_known_to_be_over(self, arn: str) -> bool:
        return arn in self._known and is_over(self._known[arn])

    def _read_revisions(self, described: Iterable[Described]) -> None:
        arns = {arn for found in described for arn in (*_sources(found), _target(found)) if arn}
        missing = sorted(arns - self._revisions.keys())
        for first in range(0, len(missing), BATCH):
            chosen = missing[first : first + BATCH]
            for one in self.ecs.describe_service_revisions(serviceRevisionArns=chosen)["serviceRevisions"]:
                self._revisions[str(one["serviceRevisionArn"])] = str(one["taskDefinition"]).rpartition("/")[2]


def is_over(described: Described) -> bool:
    """Return whether a deployment has ended, in whatever way."""
    return described.get("status") not in IN_PROGRESS


def state_of(described: Described, revisions: Mapping[str, str], start: float) -> DeploymentState:
    """Return the state of a deployment in a history; `revisions`: the task definitions of service revisions."""
    hooks = [hook for hook in described.get("lifecycleHookDetails") or () if hook.get("status") == "AWAITING_ACTION"]
    rollback = described.get("rollback") or {}
    ended = described.get("finishedAt") or described.get("stoppedAt")
    return DeploymentState(
        status=str(described.get("status") or ""),
        stage=str(described.get("lifecycleStage") or ""),
        reason=str(rollback.get("reason") or described.get("statusReason") or ""),
        hooks=tuple(str(hook["hookId"]) for hook in hooks),
        target=_target(described),
        source=tuple(_sources(described)),
        revision=revisions.get(_target(described), ""),
        from_revision=tuple(sorted({revisions[arn] for arn in _sources(described) if arn in revisions})),
        created=_seconds(described["createdAt"], start) or 0.0,
        finished=_seconds(ended, start) if is_over(described) else None,
        rolled_back=_seconds(rollback.get("startedAt"), start),
    )


def _target(described: Described) -> str:
    return str((described.get("targetServiceRevision") or {}).get("arn") or "")


def _sources(described: Described) -> Sequence[str]:
    return [str(one["arn"]) for one in described.get("sourceServiceRevisions") or ()]


def _seconds(moment: Any, start: float) -> float | None:
    if moment is None:
        return None
    at = moment.astimezone(UTC) if isinstance(moment, datetime) else datetime.fromtimestamp(float(moment), UTC)
    return round(at.timestamp() - start, 3)
