"""Situations of ECS: clusters, services, tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from surveyor import timeouts
from surveyor.clock import Clock
from surveyor.conformance.replay.cloudmap_situations import A_RECORD, namespace_variables, service_variables
from surveyor.conformance.replay.situations import situation
from surveyor.fixtures.tasks import address_of, id_of
from surveyor_agents import workload

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__: list[str] = []

Make = Callable[..., dict[str, Any]]
_SRV = {"DnsRecords": [{"Type": "SRV", "TTL": 60}]}
CHECK = {"command": ["CMD", *workload.command("check")], "interval": 5, "retries": 3, "startPeriod": 60}


def ecs_variables(service: Mapping[str, Any], task: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the variables that requests use for an ECS service and one of its tasks."""
    found = {"ecs_service": service["serviceName"], "task_definition": service["taskDefinition"]}
    return found | ({"task": task["taskArn"], "task_id": id_of(task), "address": address_of(task)} if task else {})


@pytest.fixture
def place(cluster: str, network: dict[str, Any]) -> dict[str, str]:
    """Return the variables that requests use for the place of tasks."""
    return {"cluster": cluster, "subnet": network["awsvpcConfiguration"]["subnets"][0]}


@situation("cluster", "ecs")
def with_cluster(place: dict[str, str]) -> dict[str, str]:
    """Provide a cluster."""
    return place


@situation("task-definition", "ecs")
def with_task_definition(place: dict[str, str], make_task_definition: Make) -> dict[str, str]:
    """Provide a cluster, and a task definition for Fargate."""
    return place | {"task_definition": make_task_definition()["taskDefinitionArn"]}


@situation("a-registry", "ecs", "route53", "ec2")
def with_a_registry(
    place: dict[str, str],
    task_vpc: str,
    make_namespace: Make,
    make_service: Make,
    make_task_definition: Make,
) -> dict[str, str]:
    """Provide a task definition, and a Cloud Map service with A records in the VPC of the tasks."""
    namespace = make_namespace("private", Vpc=task_vpc)
    service = make_service(namespace, DnsConfig=A_RECORD)
    definition = make_task_definition()["taskDefinitionArn"]
    return place | namespace_variables(namespace) | service_variables(service) | {"task_definition": definition}


@situation("srv-registry-for-bridge", "ecs", "route53", "ec2")
def with_srv_registry(
    cluster: str, task_vpc: str, make_namespace: Make, make_service: Make, make_task_definition: Make
) -> dict[str, str]:
    """Provide a task definition in bridge mode, and a Cloud Map service with SRV records."""
    namespace = make_namespace("private", Vpc=task_vpc)
    service = make_service(namespace, DnsConfig=_SRV)
    definition = make_task_definition(networkMode="bridge", requiresCompatibilities=["EC2"])
    found = {"cluster": cluster, "task_definition": definition["taskDefinitionArn"]}
    return found | namespace_variables(namespace) | service_variables(service)


@pytest.fixture
def running_service(
    place: dict[str, str],
    make_task_definition: Make,
    make_ecs_service: Make,
    wait_until_steady: Make,
    tasks_of: Callable[..., list[dict[str, Any]]],
) -> Callable[..., dict[str, str]]:
    """Return a function that starts an ECS service, and returns its variables when it is steady."""

    def start(
        registry: Mapping[str, Any] | None = None,
        *arguments: str,
        container: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> dict[str, str]:
        definition = make_task_definition(*arguments, container=container)
        service = make_ecs_service(definition, registry, **params)
        wait_until_steady(service)
        return place | ecs_variables(service, tasks_of(service)[0])

    return start


@situation("ecs-service", "ecs")
def with_ecs_service(running_service: Callable[..., dict[str, str]]) -> dict[str, str]:
    """Provide a steady ECS service with one Fargate task."""
    return running_service()


@situation("two-tasks", "ecs")
def with_two_tasks(running_service: Callable[..., dict[str, str]]) -> dict[str, str]:
    """Provide a steady ECS service with two Fargate tasks."""
    return running_service(count=2)


@situation("draining-service", "ecs")
def with_draining_service(
    running_service: Callable[..., dict[str, str]], ecs: ECSClient, cluster: str
) -> dict[str, str]:
    """Provide an ECS service whose desired count was just set to 0, while its task still runs."""
    found = running_service(None, "serve", "--on-term", "ignore")
    ecs.update_service(cluster=cluster, service=found["ecs_service"], desiredCount=0)
    return found


def _private_service(
    task_vpc: str, make_namespace: Make, make_service: Make
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a private namespace in the VPC of the tasks, and a Cloud Map service in it for tasks."""
    namespace = make_namespace("private", Vpc=task_vpc)
    return namespace, make_service(namespace, DnsConfig=A_RECORD, HealthCheckCustomConfig={"FailureThreshold": 1})


def _registered(
    namespace: Mapping[str, Any], service: Mapping[str, Any], variables: Mapping[str, str]
) -> dict[str, str]:
    return {**namespace_variables(namespace), **service_variables(service), **variables}


@situation("registered-task", "ecs", "route53", "ec2")
def with_registered_task(
    task_vpc: str,
    make_namespace: Make,
    make_service: Make,
    running_service: Callable[..., dict[str, str]],
) -> dict[str, str]:
    """Provide a steady ECS service whose task is registered in a Cloud Map service with A records."""
    namespace, service = _private_service(task_vpc, make_namespace, make_service)
    return _registered(namespace, service, running_service(service))


@situation("registered-task-with-check", "ecs", "route53", "ec2")
def with_registered_checked_task(
    task_vpc: str,
    make_namespace: Make,
    make_service: Make,
    running_service: Callable[..., dict[str, str]],
) -> dict[str, str]:
    """Provide such a service whose container has a health check that passes."""
    namespace, service = _private_service(task_vpc, make_namespace, make_service)
    return _registered(namespace, service, running_service(service, container={"healthCheck": CHECK}))


@situation("running-task", "ecs")
def with_running_task(
    place: dict[str, str], make_task_definition: Make, run_task: Make, describe_task: Make, clock: Clock
) -> dict[str, str]:
    """Provide a RUNNING task that belongs to no service."""
    task = run_task(make_task_definition())
    clock.eventually(lambda: describe_task(task)["lastStatus"] == "RUNNING", within=timeouts.TASK)
    return place | {"task": task["taskArn"], "task_id": id_of(task)}


@situation("new-task", "ecs")
def with_new_task(place: dict[str, str], make_task_definition: Make, run_task: Make) -> dict[str, str]:
    """Provide a task that was just started, and has a health check."""
    task = run_task(make_task_definition(container={"healthCheck": CHECK}))
    return place | {"task": task["taskArn"], "task_id": id_of(task)}


@situation("stopped-task", "ecs")
def with_stopped_task(
    place: dict[str, str],
    make_task_definition: Make,
    run_task: Make,
    describe_task: Make,
    ecs: ECSClient,
    cluster: str,
    clock: Clock,
) -> dict[str, str]:
    """Provide a task that ran and has STOPPED."""
    task = run_task(make_task_definition())
    clock.eventually(lambda: describe_task(task)["lastStatus"] == "RUNNING", within=timeouts.TASK)
    ecs.stop_task(cluster=cluster, task=task["taskArn"])
    clock.eventually(lambda: describe_task(task)["lastStatus"] == "STOPPED", within=timeouts.TASK)
    return place | {"task": task["taskArn"], "task_id": id_of(task)}


@situation("services-in-a-namespace", "ecs", "service-connect", "route53", "ec2")
def with_services_in_namespace(
    place: dict[str, str],
    task_vpc: str,
    make_namespace: Make,
    make_service: Make,
    make_task_definition: Make,
    make_ecs_service: Make,
) -> dict[str, str]:
    """Provide two ECS services of one namespace: one uses Service Connect, the other a registry alone."""
    namespace = make_namespace("private", Vpc=task_vpc)
    definition = make_task_definition()
    connect = {"enabled": True, "namespace": namespace["Arn"]}
    connected = make_ecs_service(definition, count=0, serviceConnectConfiguration=connect)
    registered = make_ecs_service(definition, make_service(namespace, DnsConfig=A_RECORD), count=0)
    found = {"connected": connected["serviceArn"], "registered": registered["serviceArn"]}
    return place | namespace_variables(namespace) | found
