"""Faults of the whole service: operations that its owner performs too, such as scaling and deploying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor.chaos.actions import ActionContext, ApiAction, FaultFailed, Restoration
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor_agents import workload

__all__ = ["SERVICE_FAULTS"]

_ECS = frozenset({"ecs"})
_CALLED = frozenset({"ecs", "ecs-processes"})
WRONG_PORT = 8099
_DEFINITION = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "requiresCompatibilities", "cpu",
               "memory", "runtimePlatform")  # fmt: skip
"""Members of DescribeTaskDefinition's response that RegisterTaskDefinition accepts."""


def _scale(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    ecs = context.client("ecs")
    services = ecs.describe_services(cluster=service.cluster, services=[service.service])["services"]
    if not services:
        raise FaultFailed(f"service.scale: there is no service {service.service} in {service.cluster}")
    before = int(services[0]["desiredCount"])
    after = int(victims.parameters.get("count") or 2 * before)
    return FaultPlan(
        (_count(service, after),),
        (_restoration("count", service, before, after),),
        description=f"from {before} to {after} tasks",
        count=after,
    )


def _count(service: ServiceUnderTest, count: int) -> ApiAction:
    params: dict[str, Any] = {"cluster": service.cluster, "service": service.service, "desiredCount": count}
    return ApiAction("ecs", "update_service", params, ("ServiceNotFoundException", "ServiceNotActiveException"))


def _restoration(what: str, service: ServiceUnderTest, before: object, after: object) -> Restoration:
    names = {"cluster": service.cluster, "service": service.service}
    return Restoration(what, {**names, "before": before, "after": after})


def _deploy(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    params = {"cluster": service.cluster, "service": service.service, "forceNewDeployment": True}
    return FaultPlan(
        (ApiAction("ecs", "update_service", params),), description="a new deployment of the same task definition"
    )


def _slow_start(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    seconds = float(victims.parameters.get("seconds", 30.0))
    arguments = ("--start-after", f"{seconds:g}")
    return _deploy_changed(service, context, arguments, f"new tasks listen after {seconds:g} s")


def _deploy_broken(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    port = WRONG_PORT if service.port != WRONG_PORT else WRONG_PORT + 1
    arguments = ("--port", str(port))
    return _deploy_changed(service, context, arguments, f"new tasks listen at port {port}, not at {service.port}")


def _deploy_changed(
    service: ServiceUnderTest, context: ActionContext, arguments: tuple[str, ...], description: str
) -> FaultPlan:
    """Plan a deployment of a new task definition, in which the workload has more arguments."""
    ecs = context.client("ecs")
    [described] = ecs.describe_services(cluster=service.cluster, services=[service.service])["services"]
    before = ecs.describe_task_definition(taskDefinition=described["taskDefinition"])["taskDefinition"]
    kept = {name: before[name] for name in _DEFINITION if name in before}
    containers = [_with_arguments(container, arguments) for container in before["containerDefinitions"]]
    registered = ecs.register_task_definition(**kept, containerDefinitions=containers)["taskDefinition"]
    arn = registered["taskDefinitionArn"]

    names = {"cluster": service.cluster, "service": service.service}
    run = ApiAction("ecs", "update_service", {**names, "taskDefinition": arn})
    back = _restoration("definition", service, described["taskDefinition"], arn)
    deregister = ApiAction("ecs", "deregister_task_definition", {"taskDefinition": arn}, ("ClientException",))
    return FaultPlan((run,), (back, deregister), description=description)


def _with_arguments(container: Mapping[str, Any], arguments: tuple[str, ...]) -> dict[str, Any]:
    command = list(container.get("command") or ())
    is_workload = workload.is_command(command)
    return {**container, "command": [*command, *arguments]} if is_workload else dict(container)


SERVICE_FAULTS = (
    Fault(
        "service.scale",
        "changes the desired count of the service (UpdateService)",
        (FaultImplementation(_ECS, _scale),),
        lasting=True,
        scales=True,
    ),
    Fault(
        "service.deploy",
        "replaces all tasks with a new deployment (UpdateService)",
        (FaultImplementation(_ECS, _deploy),),
        deploys=True,
    ),
    Fault(
        "service.deploy-broken",
        "deploys tasks that listen at another port than the one that clients call",
        (FaultImplementation(_CALLED, _deploy_broken, workload=True),),
        lasting=True,
        creates=True,
        deploys=True,
    ),
    Fault(
        "task.slow-start",
        "deploys tasks that start to listen some time after they are RUNNING",
        (FaultImplementation(_CALLED, _slow_start, workload=True),),
        lasting=True,
        creates=True,
        deploys=True,
    ),
)
