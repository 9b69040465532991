"""Requests that cannot be: one error each, nothing made, and the target goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.errors import NotOffered
from tests.emulator.ecs.conftest import Ecs


def code(call: Callable[[], object]) -> str:
    """The error code that a call has."""
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
        ({"schedulingStrategy": "DAEMON"}, "UnsupportedFeatureException"),
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
def test_services_that_cannot_be(ecs: Ecs, change: dict[str, Any], error: str) -> None:
    """CreateService refuses each, and there is no service then."""
    ecs.define()
    assert code(lambda: ecs.create(**change)) == error
    assert ecs.ecs.list_services(cluster="shop")["serviceArns"] == []
    assert ecs.create(count=0)["status"] == "ACTIVE"
    assert code(lambda: ecs.create(count=0)) == "InvalidParameterException"  # the name is taken


def test_registries_of_other_places(ecs: Ecs, running: Any) -> None:
    """Neither another Region's registry, nor another account's, nor one that is gone."""
    ecs.define()
    far, theirs, own = ecs.registry("eu-west-1"), Ecs(running).registry(), ecs.registry()
    ecs.cloudmap.delete_service(Id=own["Id"])
    for registry in (far, theirs, own):
        refused = partial(ecs.create, serviceRegistries=[{"registryArn": registry["Arn"]}])
        assert code(refused) == "InvalidParameterException"


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
def test_containers_that_cannot_be(ecs: Ecs, container: dict[str, Any], error: str) -> None:
    """RegisterTaskDefinition refuses each, and the family has no revision then."""
    assert code(lambda: ecs.define(**container)) == error
    assert ecs.ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_containers_start_after_those_they_depend_on(ecs: Ecs) -> None:
    """In that order they are told; circles, strangers and conditions that are not offered are refused."""

    def register(**depends: list[tuple[str, str]]) -> Any:
        containers = [
            {
                "name": name, "image": "any", "memory": 64, "command": ["sleep", "1000"],
                "dependsOn": [{"containerName": on, "condition": condition} for on, condition in wanted],
            }
            for name, wanted in depends.items()
        ]  # fmt: skip
        return ecs.ecs.register_task_definition(family="f", containerDefinitions=containers)["taskDefinition"]

    made = register(a=[("b", "START")], b=[("c", "START")], c=[])
    assert [one["name"] for one in made["containerDefinitions"]] == ["c", "b", "a"]
    assert code(lambda: register(a=[("b", "START")], b=[("a", "START")])) == "ClientException"
    assert code(lambda: register(a=[("z", "START")])) == "ClientException"
    with pytest.raises(NotOffered, match="NotImplemented"):
        register(a=[("b", "HEALTHY")], b=[])


def test_fargate_has_its_sizes(ecs: Ecs) -> None:
    """Of processor and memory only some go together, and both are needed."""
    app = [{"name": "app", "image": "any"}]
    for cpu, memory in (("256", "4096"), ("300", "512"), ("256", None), ("x", "512")):
        given = {"family": "f", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": cpu}
        more = {"memory": memory} if memory else {}
        asked = {**given, **more, "containerDefinitions": app}
        expected = "InvalidParameterException" if cpu == "x" else "ClientException"
        assert code(partial(ecs.ecs.register_task_definition, **asked)) == expected
    told = ecs.ecs.register_task_definition(
        family="f", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="0.25 vCPU", memory="0.5 GB",
        containerDefinitions=app,
    )  # fmt: skip
    assert told["taskDefinition"]["revision"] == 1


def test_unknown_things_are_failures_where_many_are_asked_for(ecs: Ecs) -> None:
    """Describe calls tell what is MISSING beside what is there."""
    ecs.define()
    ecs.create(count=0)
    assert ecs.ecs.describe_clusters(clusters=["shop", "no"])["failures"][0]["reason"] == "MISSING"
    told = ecs.ecs.describe_services(cluster="shop", services=["web", "no"])
    assert (len(told["services"]), told["failures"][0]["reason"]) == (1, "MISSING")
    assert ecs.ecs.describe_tasks(cluster="shop", tasks=["0" * 32])["failures"][0]["reason"] == "MISSING"
    assert code(lambda: ecs.ecs.stop_task(cluster="shop", task="0" * 32)) == "InvalidParameterException"
    assert code(lambda: ecs.ecs.update_service(cluster="shop", service="no")) == "ServiceNotFoundException"
    assert code(lambda: ecs.ecs.delete_service(cluster="shop", service="no")) == "ServiceNotFoundException"


def test_tokens_are_idempotent(ecs: Ecs) -> None:
    """RunTask and CreateService with a token are done once; another request with it is a conflict."""
    ecs.define()
    assert ecs.run(clientToken="one") == ecs.run(clientToken="one")
    assert code(lambda: ecs.run(clientToken="one", count=2)) == "ConflictException"
    assert ecs.create(clientToken="two")["serviceArn"] == ecs.create(clientToken="two")["serviceArn"]


def test_lists_have_pages(ecs: Ecs) -> None:
    """Every entry once, ten services a page unless told."""
    ecs.define()
    for number in range(13):
        ecs.create(count=0, serviceName=f"s{number}")
    pages = list(ecs.ecs.get_paginator("list_services").paginate(cluster="shop"))
    assert [len(page["serviceArns"]) for page in pages] == [10, 3]
    assert len({arn for page in pages for arn in page["serviceArns"]}) == 13
    assert code(lambda: ecs.ecs.list_services(cluster="shop", nextToken="x")) == "InvalidParameterException"


def test_tags_are_kept(ecs: Ecs) -> None:
    """Given when something is made, added, taken away, and passed on to tasks where that is asked for."""
    ecs.define()
    service = ecs.create(tags=[{"key": "team", "value": "red"}], propagateTags="SERVICE")
    ecs.ecs.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "stage", "value": "test"}])
    ecs.ecs.untag_resource(resourceArn=service["serviceArn"], tagKeys=["team"])
    told = ecs.ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
    assert told == [{"key": "stage", "value": "test"}]
    ecs.wait(5)
    arns = ecs.ecs.list_tasks(cluster="shop")["taskArns"]
    tasks = ecs.ecs.describe_tasks(cluster="shop", tasks=arns, include=["TAGS"])["tasks"]
    assert [one["tags"] for one in tasks] == [told]


def test_what_is_in_use_is_not_deleted(ecs: Ecs) -> None:
    """A cluster with services or tasks, a service above zero, an active task definition."""
    arn = ecs.define()
    ecs.create(count=1)
    assert code(lambda: ecs.ecs.delete_cluster(cluster="shop")) == "ClusterContainsServicesException"
    assert code(lambda: ecs.ecs.delete_service(cluster="shop", service="web")) == "InvalidParameterException"
    assert ecs.ecs.delete_task_definitions(taskDefinitions=[arn])["failures"]
    ecs.run()
    ecs.ecs.delete_service(cluster="shop", service="web", force=True)
    ecs.wait(60)
    assert ecs.service()["status"] == "INACTIVE"
    assert code(lambda: ecs.ecs.delete_cluster(cluster="shop")) == "ClusterContainsTasksException"
