"""Invalid requests: each gets its error, nothing is created, and the target continues to work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.errors import NotOffered
from tests.emulator.ecs.conftest import Ecs


def error_code(call: Callable[[], object]) -> str:
    """Return the error code that a call gets."""
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"cluster": "nowhere"}, "ClusterNotFoundException"),
        ({"taskDefinition": "nothing"}, "ClientException"),
        ({"taskDefinition": "web:99"}, "ClientException"),
        ({"taskDefinition": None}, "InvalidParameterException"),
        ({"desiredCount": -1}, "InvalidParameterException"),
        ({"desiredCount": 5_001}, "InvalidParameterException"),
        ({"desiredCount": None}, "InvalidParameterException"),
        ({"serviceName": "not a name"}, "InvalidParameterException"),
        ({"networkConfiguration": None}, "InvalidParameterException"),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0"]}}}, "InvalidParameterException"),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}}, "InvalidParameterException"),
        ({"platformVersion": "9.9.9"}, "PlatformUnknownException"),
        ({"role": "any"}, "InvalidParameterException"),
        ({"schedulingStrategy": "DAEMON"}, "InvalidParameterException"),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
            "InvalidParameterException",
        ),
        ({"deploymentConfiguration": {"minimumHealthyPercent": 101}}, "InvalidParameterException"),
        ({"serviceRegistries": [{"registryArn": "arn:aws:s3:::bucket"}]}, "InvalidParameterException"),
        ({"tags": [{"key": "aws:mine", "value": ""}]}, "InvalidParameterException"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}, "InvalidParameterException"),
    ],
)
def test_invalid_services_are_refused(ecs: Ecs, change: dict[str, Any], error: str) -> None:
    """CreateService refuses each, and no service exists after that."""
    ecs.define()
    assert error_code(lambda: ecs.create(**change)) == error
    assert ecs.ecs.list_services(cluster="shop")["serviceArns"] == []
    assert ecs.create(count=0)["status"] == "ACTIVE"
    assert error_code(lambda: ecs.create(count=0)) == "InvalidParameterException"  # the name is taken


def test_registries_elsewhere_are_refused(ecs: Ecs, running: Any) -> None:
    """A registry of another Region or account, or a deleted one, cannot be used."""
    ecs.define()
    other_region, other_account, deleted = ecs.registry("eu-west-1"), Ecs(running).registry(), ecs.registry()
    ecs.cloudmap.delete_service(Id=deleted["Id"])
    for registry in (other_region, other_account, deleted):
        create = partial(ecs.create, serviceRegistries=[{"registryArn": registry["Arn"]}])
        assert error_code(create) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("container", "error"),
    [
        ({"name": "not a name"}, "ClientException"),
        ({"image": ""}, "ClientException"),
        ({"stopTimeout": 121}, "ClientException"),
        ({"stopTimeout": 1}, "ClientException"),
        ({"essential": False}, "ClientException"),
        ({"portMappings": [{"containerPort": 70_000}]}, "ClientException"),
        ({"portMappings": [{"containerPort": 80, "hostPort": 81}]}, "ClientException"),
        ({"healthCheck": {"command": ["exit 0"]}}, "ClientException"),
        ({"healthCheck": {"command": ["CMD"]}}, "ClientException"),
    ],
)
def test_invalid_containers_are_refused(ecs: Ecs, container: dict[str, Any], error: str) -> None:
    """RegisterTaskDefinition refuses each, and the family has no revision after that."""
    assert error_code(lambda: ecs.define(**container)) == error
    assert ecs.ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_containers_start_after_those_they_depend_on(ecs: Ecs) -> None:
    """Containers are listed in that order; circles, unknown containers and unsupported conditions are refused."""

    def register(**depends: list[tuple[str, str]]) -> Any:
        containers = [
            {
                "name": name, "image": "any", "memory": 64, "command": ["sleep", "1000"],
                "dependsOn": [{"containerName": on, "condition": condition} for on, condition in dependencies],
            }
            for name, dependencies in depends.items()
        ]  # fmt: skip
        return ecs.ecs.register_task_definition(family="f", containerDefinitions=containers)["taskDefinition"]

    definition = register(a=[("b", "START")], b=[("c", "START")], c=[])
    assert [container["name"] for container in definition["containerDefinitions"]] == ["c", "b", "a"]
    assert error_code(lambda: register(a=[("b", "START")], b=[("a", "START")])) == "ClientException"
    assert error_code(lambda: register(a=[("z", "START")])) == "ClientException"
    with pytest.raises(NotOffered, match="NotImplemented"):
        register(a=[("b", "HEALTHY")], b=[])


LATTICE = {"roleArn": "arn:aws:iam::1:role/x", "targetGroupArn": "arn:aws:vpc-lattice:us-east-1:1:t", "portName": "web"}


@pytest.mark.parametrize(
    "members",
    [
        {"vpcLatticeConfigurations": [LATTICE]},
        {"gatewayConnectors": [{"portName": "web"}]},
        {"launchType": "MANAGED_INSTANCES"},
    ],
)
def test_what_the_target_does_not_offer_is_refused(ecs: Ecs, members: dict[str, Any]) -> None:
    """CreateService and UpdateService refuse VPC Lattice and gateways, and managed instances; nothing is changed."""
    ecs.define()
    assert error_code(lambda: ecs.create(count=0, **members)) == "UnsupportedFeatureException"
    assert ecs.ecs.list_services(cluster="shop")["serviceArns"] == []
    ecs.create(count=0)
    if "launchType" in members:
        assert error_code(lambda: ecs.run(**members)) == "UnsupportedFeatureException"
        return
    update = partial(ecs.ecs.update_service, cluster="shop", service="web", **members)
    assert error_code(update) == "UnsupportedFeatureException"
    assert len(ecs.service()["deployments"]) == 1


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("create_express_gateway_service", {"infrastructureRoleArn": "arn:aws:iam::1:role/x"}),
        ("list_gateways", {}),
        ("list_daemons", {}),
    ],
)
def test_operations_on_what_the_target_does_not_offer(ecs: Ecs, operation: str, params: dict[str, Any]) -> None:
    """Express services, gateways and managed daemons have operations that are not implemented, and say so."""
    with pytest.raises(NotOffered, match="NotImplemented"):
        getattr(ecs.ecs, operation)(**params)


def test_fargate_accepts_only_certain_sizes(ecs: Ecs) -> None:
    """Only some combinations of CPU and memory are valid, and both are needed."""
    app = [{"name": "app", "image": "any"}]
    for cpu, memory in (("256", "4096"), ("300", "512"), ("256", None), ("x", "512")):
        params: dict[str, Any] = {
            "family": "f",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": cpu,
        }
        params |= {"containerDefinitions": app, **({"memory": memory} if memory else {})}
        assert error_code(partial(ecs.ecs.register_task_definition, **params)) == "ClientException"
    answer = ecs.ecs.register_task_definition(
        family="f", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="0.25 vCPU", memory="0.5 GB",
        containerDefinitions=app,
    )  # fmt: skip
    assert answer["taskDefinition"]["revision"] == 1


def test_unknown_resources_are_failures_of_describe_calls(ecs: Ecs) -> None:
    """Describe calls list unknown resources as MISSING, beside those that exist."""
    ecs.define()
    ecs.create(count=0)
    assert ecs.ecs.describe_clusters(clusters=["shop", "no"])["failures"][0]["reason"] == "MISSING"
    answer = ecs.ecs.describe_services(cluster="shop", services=["web", "no"])
    assert (len(answer["services"]), answer["failures"][0]["reason"]) == (1, "MISSING")
    assert ecs.ecs.describe_tasks(cluster="shop", tasks=["0" * 32])["failures"][0]["reason"] == "MISSING"
    assert error_code(lambda: ecs.ecs.stop_task(cluster="shop", task="0" * 32)) == "InvalidParameterException"
    assert error_code(lambda: ecs.ecs.update_service(cluster="shop", service="no")) == "ServiceNotFoundException"
    assert error_code(lambda: ecs.ecs.delete_service(cluster="shop", service="no")) == "ServiceNotFoundException"


def test_tokens_are_idempotent(ecs: Ecs) -> None:
    """RunTask and CreateService with a token take effect once; another request with it is a conflict."""
    ecs.define()
    assert ecs.run(clientToken="one") == ecs.run(clientToken="one")
    assert error_code(lambda: ecs.run(clientToken="one", count=2)) == "ConflictException"
    assert ecs.create(clientToken="two")["serviceArn"] == ecs.create(clientToken="two")["serviceArn"]


def test_lists_have_pages(ecs: Ecs) -> None:
    """Pages contain every entry once; a page has ten services by default."""
    ecs.define()
    for number in range(13):
        ecs.create(count=0, serviceName=f"s{number}")
    pages = list(ecs.ecs.get_paginator("list_services").paginate(cluster="shop"))
    assert [len(page["serviceArns"]) for page in pages] == [10, 3]
    assert len({arn for page in pages for arn in page["serviceArns"]}) == 13
    assert error_code(lambda: ecs.ecs.list_services(cluster="shop", nextToken="x")) == "InvalidParameterException"


def test_tags_are_kept(ecs: Ecs) -> None:
    """Tags can be set at creation, added and removed, and are propagated to tasks on request."""
    ecs.define()
    service = ecs.create(tags=[{"key": "team", "value": "red"}], propagateTags="SERVICE")
    ecs.ecs.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "stage", "value": "test"}])
    ecs.ecs.untag_resource(resourceArn=service["serviceArn"], tagKeys=["team"])
    tags = ecs.ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
    assert tags == [{"key": "stage", "value": "test"}]
    ecs.wait(5)
    arns = ecs.ecs.list_tasks(cluster="shop")["taskArns"]
    tasks = ecs.ecs.describe_tasks(cluster="shop", tasks=arns, include=["TAGS"])["tasks"]
    assert [task["tags"] for task in tasks] == [tags]


def test_resources_in_use_are_not_deleted(ecs: Ecs) -> None:
    """A cluster with services or tasks, a service scaled above zero and an active task definition cannot be deleted."""
    arn = ecs.define()
    ecs.create(count=1)
    assert error_code(lambda: ecs.ecs.delete_cluster(cluster="shop")) == "ClusterContainsServicesException"
    assert error_code(lambda: ecs.ecs.delete_service(cluster="shop", service="web")) == "InvalidParameterException"
    assert ecs.ecs.delete_task_definitions(taskDefinitions=[arn])["failures"]
    ecs.run()
    ecs.ecs.delete_service(cluster="shop", service="web", force=True)
    ecs.wait(60)
    assert ecs.service()["status"] == "INACTIVE"
    assert error_code(lambda: ecs.ecs.delete_cluster(cluster="shop")) == "ClusterContainsTasksException"
