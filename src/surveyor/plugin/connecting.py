"""ECS services that use Service Connect, and what their tasks see: calls are made by a task, and told by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import pytest

from surveyor import bounds
from surveyor.plugin.account import Unique
from surveyor.plugin.calling import CallTask
from surveyor.plugin.tasks import PORT, MakeEcsService, MakeTaskDefinition, Steady, TasksOf
from surveyor.targets.running import RunningTarget

__all__ = ["Call", "CallBy", "Connected", "MakeConnected", "TaskOf"]

PORT_NAME = "web"


@dataclass(frozen=True)
class Connected:
    """An ECS service; where it offers something, `alias` is the endpoint's name and `url` how clients call it."""

    service: Mapping[str, Any]
    definition: Mapping[str, Any]
    configuration: Mapping[str, Any]
    alias: str = ""
    url: str = ""


@dataclass(frozen=True)
class Call:
    """One call by a task: `at` and `seconds` in service seconds, `status` 0 where there was no answer (`error` why)."""

    at: float
    seconds: float
    status: int
    address: str
    error: str


class MakeConnected(Protocol):
    """What the fixture of this name gives."""

    def __call__(
        self,
        offers: str | None = None,
        count: int = 1,
        *,
        arguments: tuple[str, ...] = ("serve",),
        endpoint: Mapping[str, Any] | None = None,
        alias: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | None = None,
        protocol: str | None = "http",
        second: float | None = None,
        container: Mapping[str, Any] | None = None,
        definition: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> Connected:
        """`make_connected(offers=None, count=1, …)`: an ECS service in the namespace, a client if `offers` is None.

        `offers`: a word of which the discovery name and the alias are made. `endpoint`, `alias` and `configuration`
        change ServiceConnectService, ServiceConnectClientAlias and ServiceConnectConfiguration, None as a value takes
        a member away; `protocol` is appProtocol; `second`: wall seconds of a service second where the target can be
        told; `container`, `definition` and `params` as in make_task_definition and make_ecs_service.
        """


class TaskOf(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, of: Connected) -> dict[str, Any]:
        """`task_of(connected)`: its only task, once the service is steady."""


class CallBy(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, task: Mapping[str, Any], url: str, **how: Any) -> list[Call]:
        """`call_by(task, url, times=1, every=0, within=60, method="GET", header="N:V")`: has a task call a URL."""


@pytest.fixture
def make_connected(
    running: RunningTarget,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    unique: Unique,
    request: pytest.FixtureRequest,
) -> MakeConnected:
    """Makes task definitions and services; the namespace is the fixture http_namespace unless one is given."""

    def make(
        offers: str | None = None,
        count: int = 1,
        *,
        arguments: tuple[str, ...] = ("serve",),
        endpoint: Mapping[str, Any] | None = None,
        alias: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | None = None,
        protocol: str | None = "http",
        second: float | None = None,
        container: Mapping[str, Any] | None = None,
        definition: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> Connected:
        given: dict[str, Any] = {"enabled": True, **(configuration or {})}
        if "namespace" not in given:
            given["namespace"] = request.getfixturevalue("http_namespace")["Arn"]
        name, told = "", {}
        if offers is not None:
            name = unique(offers)
            told = _without_none({"port": PORT, "dnsName": name, **(alias or {})})
            service = {"portName": PORT_NAME, "discoveryName": name, "clientAliases": [told], **(endpoint or {})}
            given["services"] = [_without_none(service)]
        port = _without_none({"containerPort": PORT, "name": PORT_NAME, "appProtocol": protocol})
        inside: dict[str, Any] = {"portMappings": [port], **(container or {})}
        if second is not None and running.control is not None and running.control.scale() is None:
            # Of a clock that stands still a task's own timers know nothing: how fast they run, each may choose.
            inside["environment"] = [{"name": "SURVEYOR_SECOND", "value": f"{second:g}"}]
        registered = make_task_definition(*arguments, container=inside, **(definition or {}))
        service = make_ecs_service(registered, count=count, serviceConnectConfiguration=_without_none(given), **params)
        known = str(told.get("dnsName", ""))
        return Connected(service, registered, given, known, f"http://{known}:{told.get('port')}")

    return make


@pytest.fixture
def task_of(tasks_of: TasksOf, steady: Steady) -> TaskOf:
    """Finds the task of a service that has one."""

    def find(of: Connected) -> dict[str, Any]:
        steady(of.service)
        return tasks_of(of.service)[0]

    return find


@pytest.fixture
def call_by(call_task: CallTask) -> CallBy:
    """Has a task call others, and reads what it saw over its own port."""

    def call(task: Mapping[str, Any], url: str, **how: Any) -> list[Call]:
        answer = call_task(task, f"/call?{urlencode({'url': url, **how})}", within=bounds.TASK_CALLS)
        return [
            Call(
                one["at"],
                one["seconds"],
                one.get("status", 0),
                one.get("address") or "",
                one.get("error", ""),
            )
            for one in answer["calls"]
        ]

    return call


def _without_none(of: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in of.items() if value is not None}
