"""Container health checks and their effect in Cloud Map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    Always,
    CallTask,
    Clock,
    Eventually,
    MakeEcsService,
    MakeService,
    MakeTaskDefinition,
    TasksOf,
    WaitUntilSteady,
    id_of,
    proves,
    raises,
    timeouts,
    workload,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


CUSTOM: dict[str, Any] = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
INTERVAL, RETRIES = 10, 2
CHECK: dict[str, Any] = {
    "healthCheck": {"command": ["CMD", *workload.command("check")], "interval": INTERVAL, "retries": RETRIES}
}


@proves("ecs.health.defaults")
def test_a_check_has_defaults(ecs: ECSClient, make_task_definition: MakeTaskDefinition) -> None:
    """A check with only a command has interval 30 s, timeout 5 s, 3 retries and no start period."""
    definition = make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"]}})
    answer = ecs.describe_task_definition(taskDefinition=definition["taskDefinitionArn"])
    check = answer["taskDefinition"]["containerDefinitions"][0]["healthCheck"]
    assert (check["interval"], check["timeout"], check["retries"]) == (30, 5, 3)
    assert not check.get("startPeriod")


@proves("ecs.health.bounds")
@pytest.mark.parametrize(
    ("member", "minimum", "maximum"),
    [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)],
)
def test_figures_have_bounds(make_task_definition: MakeTaskDefinition, member: str, minimum: int, maximum: int) -> None:
    """The minimum and the maximum are accepted; values beyond them raise ClientException."""
    for accepted in (minimum, maximum):
        make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"], member: accepted}})
    for refused in (minimum - 1, maximum + 1):
        with raises("ClientException"):
            make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"], member: refused}})


@proves("ecs.health.unhealthy-until-the-check-passes")
def test_unhealthy_until_the_check_passes(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> None:
    """A new instance is UNHEALTHY and not discovered; when its check has passed, it is HEALTHY and discovered."""
    registry = make_service(http_namespace, **CUSTOM)
    make_ecs_service(make_task_definition(container=CHECK), registry)
    names: Any = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"]}

    def status() -> str:
        statuses = cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"]
        return "".join(statuses.values())

    assert eventually(status, within=timeouts.TASK) == "UNHEALTHY"
    assert cloudmap.discover_instances(**names)["Instances"] == []
    healthy = timeouts.CUSTOM_HEALTH + timeouts.TASK
    eventually(lambda: status() == "HEALTHY", within=healthy)
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == 1, within=timeouts.DISCOVERY)


@proves("ecs.health.failed-check-deregisters", "ecs.health.failed-task-is-replaced")
def test_a_failed_check_deregisters_and_replaces(
    ecs: ECSClient,
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    call_task: CallTask,
    eventually: Eventually,
    always: Always,
    cluster: str,
    http_namespace: dict[str, Any],
) -> None:
    """At the last retry, not before, the instance is deregistered; the task is stopped and another one runs."""
    registry = make_service(http_namespace, **CUSTOM)
    service = wait_until_steady(make_ecs_service(make_task_definition(container=CHECK), registry))
    (task,) = tasks_of(service)

    def listed() -> set[str]:
        return {instance["Id"] for instance in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}

    assert listed() == {id_of(task)}
    call_task(task, "/health?do=fail", "PUT")
    # The first failure happens within an interval, and the second and last one interval later.
    always(lambda: id_of(task) in listed(), during=(RETRIES - 1) * INTERVAL - 2)
    within = RETRIES * INTERVAL + timeouts.OPERATION
    eventually(lambda: id_of(task) not in listed(), within=within)

    def stopped() -> dict[str, Any] | None:
        found = ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]])["tasks"][0]
        return dict(found) if found["lastStatus"] == "STOPPED" else None

    end = eventually(stopped, within=timeouts.DEPLOYMENT)
    assert (end["healthStatus"], end["stopCode"]) == ("UNHEALTHY", "ServiceSchedulerInitiated")
    (other,) = tasks_of(wait_until_steady(service))
    assert other["taskArn"] != task["taskArn"]
    assert listed() == {id_of(other)}


@proves("ecs.health.standalone-task-goes-on")
def test_a_standalone_task_keeps_running(
    ecs: ECSClient,
    make_task_definition: MakeTaskDefinition,
    call_task: CallTask,
    eventually: Eventually,
    clock: Clock,
    cluster: str,
    network: Any,
) -> None:
    """A task of RunTask whose check has failed is UNHEALTHY, and still RUNNING two minutes later."""
    definition = make_task_definition(container=CHECK)["taskDefinitionArn"]
    run: Any = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": network}
    arn = ecs.run_task(taskDefinition=definition, **run)["tasks"][0]["taskArn"]

    def task() -> dict[str, Any]:
        return dict(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])

    eventually(lambda: task()["healthStatus"] == "HEALTHY", within=timeouts.TASK)
    call_task(task(), "/health?do=fail", "PUT")
    eventually(lambda: task()["healthStatus"] == "UNHEALTHY", within=2 * RETRIES * INTERVAL)
    clock.wait(120)
    assert task()["lastStatus"] == "RUNNING"
    ecs.stop_task(cluster=cluster, task=arn)
