"""Faults of the network: what a task injects into its own by its agent, and addresses of stopped tasks that vanish.

Amazon ECS Developer Guide, "Amazon ECS fault injection endpoints". A task stops such a fault itself after a time: a
black hole leaves no way to do it from outside, and a run that was killed leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from surveyor.chaos.actions import ActionContext, AddressSetting, FaultFailed, TaskCommand
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest

__all__ = ["NETWORK_FAULTS"]

_CALLED = frozenset({"ecs", "ecs-processes"})
_CONTROLLED = frozenset({"ecs", "task-signals"})
_EVERYWHERE = ["0.0.0.0/0"]

SECONDS, GRACE = 30.0, 30.0
"""Service seconds after which a task stops a fault itself, and for which it is asked to afterwards."""

Body = Callable[[ServiceUnderTest, Mapping[str, Any]], dict[str, object]]


def _hole(service: ServiceUnderTest, parameters: Mapping[str, Any]) -> dict[str, object]:
    port = int(parameters.get("port", service.port))
    return {"Port": port, "Protocol": "tcp", "TrafficType": str(parameters.get("traffic", "ingress"))}


def _latency(service: ServiceUnderTest, parameters: Mapping[str, Any]) -> dict[str, object]:
    delay, jitter = (int(parameters.get(name, default)) for name, default in (("delay", 2_000), ("jitter", 0)))
    return {"DelayMilliseconds": delay, "JitterMilliseconds": jitter, "Sources": _EVERYWHERE}


def _loss(service: ServiceUnderTest, parameters: Mapping[str, Any]) -> dict[str, object]:
    return {"LossPercent": int(parameters.get("percent", 30)), "Sources": _EVERYWHERE}


def _by_agent(endpoint: str, body: Body) -> Callable[[ServiceUnderTest, Victims, ActionContext], FaultPlan]:
    def plan(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
        seconds = float(victims.parameters.get("seconds", SECONDS))
        content = body(service, victims.parameters)
        given = quote(json.dumps(content, separators=(",", ":")))

        def command(task: ServiceTask, do: str, patience: float = 0.0) -> TaskCommand:
            path = f"/fault?fault={endpoint}&do={do}&with={given}&seconds={seconds:g}"
            return TaskCommand(task.address, path, service.port, token=service.token, patience=patience)

        return FaultPlan(
            tuple(command(task, "start") for task in victims.tasks),
            tuple(command(task, "stop", seconds + GRACE) for task in victims.tasks),
            description=f"{', '.join(f'{name} {value}' for name, value in content.items())}, for {seconds:g} s at most",
        )

    return plan


def _vanish(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    if context.control is None:
        raise FaultFailed("address.vanish: the target has no control endpoint")
    before = context.control.stopped_addresses()
    return FaultPlan((AddressSetting("vanish"),), (AddressSetting(before),), description="addresses of stopped tasks")


NETWORK_FAULTS = (
    Fault(
        "net.blackhole-port",
        "drops what arrives at a task's port, by the task's agent (network-blackhole-port)",
        (FaultImplementation(_CALLED, _by_agent("network-blackhole-port", _hole), workload=True),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "net.latency",
        "delays what a task sends by two seconds, by the task's agent (network-latency)",
        (FaultImplementation(_CALLED, _by_agent("network-latency", _latency), workload=True),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "net.packet-loss",
        "drops three of ten packets of a task, by the task's agent (network-packet-loss)",
        (FaultImplementation(_CALLED, _by_agent("network-packet-loss", _loss), workload=True),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "address.vanish",
        "lets calls to stopped tasks hang, as on Fargate, instead of being refused",
        (FaultImplementation(_CONTROLLED, _vanish),),
        lasting=True,
    ),
)
