"""Clusters, task definitions, ECS services and their tasks, which run surveyor.workload unless told otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from botocore.exceptions import ClientError

from surveyor import bounds, workload
from surveyor.answers import member
from surveyor.clock import Clock
from surveyor.errors import FeatureLacking, NotOffered
from surveyor.plugin.account import ClientFactory, Unique
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__ = ["IMAGE", "PORT", "MakeEcsService", "MakeTaskDefinition", "Steady", "TasksOf", "address_of", "id_of"]

IMAGE = "public.ecr.aws/docker/library/python:3.13-alpine"
"""Any Python image will do: the task definition's command carries the program."""

PORT = workload.PORT
_FARGATE = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}


class MakeTaskDefinition(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, *arguments: str, container: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """`make_task_definition(*arguments, container={}, **params)`: registers one, returns its description.

        `arguments` go to the workload (`serve` if there are none), `container` changes its container's definition, and
        `params` are as in RegisterTaskDefinition: Fargate of the smallest size unless they say otherwise.
        """


class MakeEcsService(Protocol):
    """What the fixture of this name gives."""

    def __call__(
        self, definition: Mapping[str, Any], registry: Mapping[str, Any] | None = None, count: int = 1, **params: Any
    ) -> dict[str, Any]:
        """`make_ecs_service(definition, registry=None, count=1, **params)`: creates one, returns it.

        `registry`: a Cloud Map service, or a ServiceRegistry with `registryArn`; `params` are as in CreateService.
        """


class Steady(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: Mapping[str, Any]) -> dict[str, Any]:
        """`steady(service)`: waits until one deployment is COMPLETED with all tasks RUNNING; the service then."""


class TasksOf(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: Mapping[str, Any], status: str = "RUNNING") -> list[dict[str, Any]]:
        """`tasks_of(service, status="RUNNING")`: DescribeTasks of those whose desired status is that."""


@pytest.fixture
def ecs(client: ClientFactory) -> ECSClient:
    """ECS as the test's account sees it."""
    made: ECSClient = client("ecs")
    return made


@pytest.fixture
def cluster(running: RunningTarget, ecs: ECSClient, unique: Unique) -> Iterator[str]:
    """The name of a cluster: the one that the target's file gives, or a new one, whose tasks are stopped in the end."""
    given = running.target.place.cluster
    if given is not None:
        yield given
        return
    made = str(member(ecs.create_cluster(clusterName=unique("cluster")), "cluster", "clusterName", of="CreateCluster"))
    yield made
    if not running.target.is_one_account:
        # Those of no service would go on running, and being checked, through the hours of all later tests.
        with contextlib.suppress(ClientError, NotOffered, KeyError):
            for arn in ecs.list_tasks(cluster=made)["taskArns"]:
                ecs.stop_task(cluster=made, task=arn)


@pytest.fixture
def network(running: RunningTarget, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The networkConfiguration of tasks: the target file's subnets, or those of the default VPC."""
    place = running.target.place
    subnets = list(place.subnets)
    if not subnets:
        if running.target.features is not None and "ec2" not in running.target.features:
            subnets = ["subnet-0123456789abcdef0"]  # a target without EC2 can only take any well-formed id
        else:
            default = [{"Name": "default-for-az", "Values": ["true"]}]
            found = request.getfixturevalue("ec2").describe_subnets(Filters=default)
            subnets = [one["SubnetId"] for one in member(found, "Subnets", of="DescribeSubnets")]
    if not subnets:
        raise FeatureLacking(f"{running.target.name} has no default VPC: name subnets in its target file, under [ecs]")
    public = "ENABLED" if place.public else "DISABLED"
    # No group means the VPC's default one. Said in full, so that a target that falls over its absence shows the rest.
    groups = list(place.security_groups)
    return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups, "assignPublicIp": public}}


@pytest.fixture
def task_vpc(running: RunningTarget, network: dict[str, Any], request: pytest.FixtureRequest) -> str:
    """The VPC that tasks are in."""
    if running.target.features is not None and "ec2" not in running.target.features:
        return str(request.getfixturevalue("vpc"))
    subnets = network["awsvpcConfiguration"]["subnets"]
    found = request.getfixturevalue("ec2").describe_subnets(SubnetIds=subnets[:1])
    return str(member(found, "Subnets", of="DescribeSubnets")[0]["VpcId"])


@pytest.fixture
def make_task_definition(ecs: ECSClient, unique: Unique) -> MakeTaskDefinition:
    """Registers task definitions whose container runs the workload."""

    def make(*arguments: str, container: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        app = {
            "name": "app",
            "image": IMAGE,
            "essential": True,
            "command": workload.command(*(arguments or ("serve",))),
            "portMappings": [{"containerPort": PORT}],
        }
        given = {
            "family": unique("family"),
            **_FARGATE,
            "containerDefinitions": [{**app, **(container or {})}],
            **params,
        }
        wanted = {key: value for key, value in given.items() if value is not None}
        answer = ecs.register_task_definition(**wanted)
        return dict(member(answer, "taskDefinition", of="RegisterTaskDefinition"))

    return make


@pytest.fixture
def make_ecs_service(
    running: RunningTarget, ecs: ECSClient, cluster: str, unique: Unique, request: pytest.FixtureRequest
) -> Iterator[MakeEcsService]:
    """Creates services; where an account is the test's own they are deleted with their tasks in the end."""
    made: list[dict[str, Any]] = []

    def make(
        definition: Mapping[str, Any], registry: Mapping[str, Any] | None = None, count: int = 1, **params: Any
    ) -> dict[str, Any]:
        given: dict[str, Any] = {
            "cluster": cluster,
            "serviceName": unique("service"),
            "taskDefinition": definition["taskDefinitionArn"],
            "desiredCount": count,
        }
        if definition.get("networkMode") == "awsvpc":
            given["networkConfiguration"] = request.getfixturevalue("network")
        if "FARGATE" in (definition.get("requiresCompatibilities") or ()):
            capacity = running.target.place.capacity
            strategy = [{"capacityProvider": capacity}]
            given |= {"capacityProviderStrategy": strategy} if capacity else {"launchType": "FARGATE"}
        if registry is not None:
            given["serviceRegistries"] = [registry if "registryArn" in registry else {"registryArn": registry["Arn"]}]
        wanted = {key: value for key, value in {**given, **params}.items() if value is not None}
        made.append(dict(member(ecs.create_service(**wanted), "service", of="CreateService")))
        return made[-1]

    yield make
    if not running.target.is_one_account:
        # Processes of finished tests would go on running; a target that will not let go fails no test by it.
        for service in made:
            try:
                ecs.delete_service(cluster=cluster, service=service["serviceName"], force=True)
            except (ClientError, NotOffered, KeyError):
                continue


@pytest.fixture
def steady(ecs: ECSClient, clock: Clock, cluster: str) -> Steady:
    """Waits until a service is as it is to be."""

    def wait(service: Mapping[str, Any]) -> dict[str, Any]:
        def is_steady() -> dict[str, Any] | None:
            answer = ecs.describe_services(cluster=cluster, services=[service["serviceName"]])
            found: dict[str, Any] = member(answer, "services", of="DescribeServices")[0]
            deployments = member(found, "deployments", of="DescribeServices")
            whole = found.get("runningCount") == found.get("desiredCount")
            done = len(deployments) == 1 and deployments[0].get("rolloutState") == "COMPLETED"
            return found if whole and done else None

        return clock.eventually(is_steady, within=bounds.DEPLOYMENT)

    return wait


@pytest.fixture
def tasks_of(ecs: ECSClient, cluster: str) -> TasksOf:
    """Describes the tasks of a service."""

    def look(service: Mapping[str, Any], status: str = "RUNNING") -> list[dict[str, Any]]:
        wanted: Any = status
        name = service["serviceName"]
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=name, desiredStatus=wanted)
        arns = [arn for page in pages for arn in member(page, "taskArns", of="ListTasks")]
        found: list[dict[str, Any]] = []
        for start in range(0, len(arns), 100):
            answer = ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])
            found += [dict(one) for one in member(answer, "tasks", of="DescribeTasks")]
        return found

    return look


def id_of(task: Mapping[str, Any] | str) -> str:
    """A task's id: the last part of its ARN."""
    arn = task if isinstance(task, str) else str(member(task, "taskArn", of="DescribeTasks"))
    return arn.rpartition("/")[2]


def address_of(task: Mapping[str, Any], kind: str = "privateIPv4Address") -> str:
    """An address of a task's network interface, "" if it has none yet; `ipv6Address` is the other kind."""
    for attachment in task.get("attachments") or ():
        for detail in attachment.get("details") or ():
            if detail.get("name") == kind:
                return str(detail.get("value") or "")
    return ""
