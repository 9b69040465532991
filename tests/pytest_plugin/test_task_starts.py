"""The canary is asked before each call that starts tasks in the network of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.hooks import HierarchicalEmitter

from surveyor.errors import Inconclusive
from surveyor.fixtures.task_starts import before_starts

OWN = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
OTHER = {"awsvpcConfiguration": {"subnets": ["subnet-2"]}}
FARGATE = {"launchType": "FARGATE", "networkConfiguration": OWN}
SPOT = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}], "networkConfiguration": OWN}


class Ecs:
    """A client whose calls are not sent."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(events=HierarchicalEmitter())

    def call(self, operation: str, **params: Any) -> None:
        """Make a call."""
        self.meta.events.emit(
            f"provide-client-params.ecs.{operation}", params=params, model=SimpleNamespace(name=operation), context={}
        )


def asked(*calls: tuple[str, dict[str, Any]]) -> int:
    """Return how often the canary was asked during these calls."""
    ecs, questions = Ecs(), []
    with before_starts(ecs, lambda: questions.append(1), lambda network: network == OWN):
        for operation, params in calls:
            ecs.call(operation, **params)
    ecs.call("RunTask", **FARGATE)
    return len(questions)


SERVICE = {"serviceName": "s", **FARGATE}


@pytest.mark.parametrize(
    ("calls", "times"),
    [
        ([("RunTask", FARGATE)], 1),
        ([("RunTask", SPOT)], 1),
        ([("RunTask", {**FARGATE, "networkConfiguration": OTHER})], 0),
        ([("RunTask", {"launchType": "EC2"})], 0),
        ([("CreateService", {**SERVICE, "desiredCount": 1})], 1),
        ([("CreateService", {**SERVICE, "desiredCount": 0})], 0),
        ([("CreateService", SERVICE), ("UpdateService", {"service": "s", "desiredCount": 6})], 1),
        ([("CreateService", SERVICE), ("UpdateService", {"service": "arn:x/c/s", "forceNewDeployment": True})], 1),
        ([("CreateService", SERVICE), ("UpdateService", {"service": "s", "desiredCount": 0})], 0),
        ([("CreateService", {"serviceName": "s", "launchType": "EC2"}),
          ("UpdateService", {"service": "s", "desiredCount": 1_001})], 0),
        ([("CreateTaskSet", {**FARGATE, "service": "s"})], 1),
        ([("CreateService", {**SERVICE, "desiredCount": "many"})], 0),
        ([("DescribeTasks", {"tasks": ["t"]}), ("StopTask", {"task": "t"})], 0),
    ],
)  # fmt: skip
def test_starts_in_the_network_of_the_run_ask(calls: list[tuple[str, dict[str, Any]]], times: int) -> None:
    """Whatever call it is; after the test the client asks no more."""
    assert asked(*calls) == times


def test_a_call_is_not_made_where_no_task_runs() -> None:
    """What the canary raises ends the call; its own calls are made."""
    ecs = Ecs()
    calls: list[str] = []

    def require() -> None:
        calls.append("canary")
        ecs.call("RunTask", **FARGATE)
        raise Inconclusive("no task runs")

    with before_starts(ecs, require, lambda _: True):
        for _ in range(2):
            with pytest.raises(Inconclusive):
                ecs.call("RunTask", **FARGATE)
    assert calls == ["canary"] * 2
