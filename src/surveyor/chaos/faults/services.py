"""Faults of the whole service, which are things that its owner does: scaling and deploying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor.chaos.actions import ActionContext, ApiStep, FaultFailed
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.chaos.service_under_test import ServiceUnderTest
from surveyor_agents import workload

__all__ = ["SERVICES"]

_ECS = frozenset({"ecs"})
_CALLED = frozenset({"ecs", "ecs-processes"})
_DEFINITION = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "requiresCompatibilities", "cpu",
               "memory", "runtimePlatform")  # fmt: skip
"""What RegisterTaskDefinition takes of what DescribeTaskDefinition gives."""


def _scale(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    found = hands.of("ecs").describe_services(cluster=scene.cluster, services=[scene.service])["services"]
    if not found:
        raise FaultFailed(f"service.scale: there is no service {scene.service} in {scene.cluster}")
    before = int(found[0]["desiredCount"])
    after = int(victims.given.get("count") or 2 * before)
    return FaultPlan((_count(scene, after),), (_count(scene, before),), told=f"from {before} to {after} tasks")


def _count(scene: ServiceUnderTest, count: int) -> ApiStep:
    params: dict[str, Any] = {"cluster": scene.cluster, "service": scene.service, "desiredCount": count}
    return ApiStep("ecs", "update_service", params, ("ServiceNotFoundException", "ServiceNotActiveException"))


def _deploy(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    params = {"cluster": scene.cluster, "service": scene.service, "forceNewDeployment": True}
    return FaultPlan((ApiStep("ecs", "update_service", params),), told="a new deployment of the same task definition")


def _slow_start(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    ecs, seconds = hands.of("ecs"), float(victims.given.get("seconds", 30.0))
    [service] = ecs.describe_services(cluster=scene.cluster, services=[scene.service])["services"]
    before = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    kept = {name: before[name] for name in _DEFINITION if name in before}
    containers = [_starting_after(one, seconds) for one in before["containerDefinitions"]]
    made = ecs.register_task_definition(**kept, containerDefinitions=containers)["taskDefinition"]["taskDefinitionArn"]

    def run(definition: str) -> ApiStep:
        params = {"cluster": scene.cluster, "service": scene.service, "taskDefinition": definition}
        return ApiStep("ecs", "update_service", params, ("ServiceNotFoundException", "ServiceNotActiveException"))

    forget = ApiStep("ecs", "deregister_task_definition", {"taskDefinition": made}, ("ClientException",))
    return FaultPlan(
        (run(made),), (run(service["taskDefinition"]), forget), told=f"{seconds:g} s until new tasks listen"
    )


def _starting_after(container: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    command = list(container.get("command") or ())
    runs = workload.source() in command
    return {**container, "command": [*command, "--start-after", f"{seconds:g}"]} if runs else dict(container)


SERVICES = (
    Fault(
        "service.scale",
        "gives the service another number of tasks (UpdateService)",
        (FaultImplementation(_ECS, _scale),),
        lasting=True,
    ),
    Fault(
        "service.deploy",
        "replaces all tasks by a new deployment (UpdateService)",
        (FaultImplementation(_ECS, _deploy),),
    ),
    Fault(
        "task.slow-start",
        "deploys tasks that listen only some time after they run",
        (FaultImplementation(_CALLED, _slow_start, workload=True),),
        lasting=True,
        creates=True,
    ),
)
