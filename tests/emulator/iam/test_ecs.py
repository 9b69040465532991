"""Permissions of ECS: resources, condition keys, and passing roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target

ACCOUNT = "800000000000"
ECS = f"arn:aws:ecs:us-east-1:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
APP = [{"name": "app", "image": "any", "command": ["sleep", "1000"], "memory": 128}]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """Run a target with two clusters, a service in each, and a task definition."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        owner = target.clients.client("ecs", ACCOUNT)
        subnet = target.clients.client("ec2", ACCOUNT).describe_subnets()["Subnets"][0]["SubnetId"]
        owner.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=APP,
        )  # fmt: skip
        for name in ("ours", "theirs"):
            owner.create_cluster(clusterName=name, tags=[{"key": "team", "value": name}])
            owner.create_service(
                cluster=name, serviceName="web", taskDefinition="web", desiredCount=0, launchType="FARGATE",
                networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
            )  # fmt: skip
        yield target


def user(running: RunningTarget, name: str, *statements: dict[str, Any]) -> Any:
    """Create a user with these statements; return its ECS client."""
    iam = running.clients.client("iam", ACCOUNT)
    iam.create_user(UserName=name)
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    return session.client("ecs", endpoint_url=running.endpoint, config=Config(retries={"total_max_attempts": 1}))


def denied(call: Any, *words: str, **params: Any) -> None:
    """Assert that the call is denied as ECS denies, with these words in the message."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    error = raised.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert [word for word in words if word not in error["Message"]] == []


def test_services_are_allowed_by_arn(running: RunningTarget) -> None:
    """A user allowed on the services of one cluster is denied those of another; the message names action and ARN."""
    ecs = user(running, "deployer", {"Action": ["ecs:UpdateService", "ecs:DescribeServices"],
                                     "Resource": f"{ECS}:service/ours/*"})  # fmt: skip
    assert ecs.update_service(cluster="ours", service="web", desiredCount=0)["service"]["status"] == "ACTIVE"
    assert ecs.describe_services(cluster="ours", services=["web"])["failures"] == []
    denied(ecs.update_service, "ecs:UpdateService", f"{ECS}:service/theirs/web", cluster="theirs", service="web")
    denied(ecs.describe_services, "ecs:DescribeServices", cluster="theirs", services=["web"])
    denied(ecs.list_services, "ecs:ListServices", cluster="ours")


def test_the_cluster_is_a_condition_key(running: RunningTarget) -> None:
    """ecs:cluster limits actions without a resource type to the named cluster."""
    condition = {"ArnEquals": {"ecs:cluster": f"{ECS}:cluster/ours"}}
    ecs = user(running, "lister", {"Action": "ecs:List*", "Resource": "*", "Condition": condition})
    assert len(ecs.list_services(cluster="ours")["serviceArns"]) == 1
    denied(ecs.list_services, cluster="theirs")
    denied(ecs.list_clusters)


def test_tags_of_clusters_decide(running: RunningTarget) -> None:
    """aws:ResourceTag reads the tags of the cluster, aws:RequestTag the tags in the request."""
    mine = {"StringEquals": {"aws:ResourceTag/team": "ours"}}
    tagged = {"StringEquals": {"aws:RequestTag/team": "ours"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    ecs = user(
        running, "tagger",
        {"Action": "ecs:UpdateCluster", "Resource": "*", "Condition": mine},
        {"Action": ["ecs:CreateCluster", "ecs:TagResource"], "Resource": "*", "Condition": tagged},
    )  # fmt: skip
    settings = [{"name": "containerInsights", "value": "enabled"}]
    assert ecs.update_cluster(cluster="ours", settings=settings)["cluster"]["clusterName"] == "ours"
    denied(ecs.update_cluster, cluster="theirs", settings=settings)
    assert (
        ecs.create_cluster(clusterName="new", tags=[{"key": "team", "value": "ours"}])["cluster"]["status"] == "ACTIVE"
    )
    denied(ecs.create_cluster, clusterName="other", tags=[{"key": "team", "value": "theirs"}])
    denied(ecs.create_cluster, clusterName="bare")


@pytest.mark.parametrize(
    ("operation", "request_", "resource"),
    [
        ("create_cluster", {"clusterName": "tagged"}, "cluster/tagged"),
        ("register_task_definition", {"family": "tagged", "containerDefinitions": []}, "task-definition/tagged:*"),
        (
            "create_service",
            {"cluster": "ours", "serviceName": "tagged", "taskDefinition": "web", "desiredCount": 0},
            "service/ours/tagged",
        ),
        ("run_task", {"cluster": "ours", "taskDefinition": "web"}, "task/ours/*"),
    ],
)
def test_tags_at_creation_need_tag_resource(
    running: RunningTarget, operation: str, request_: dict[str, Any], resource: str
) -> None:
    """Without ecs:TagResource a creation with tags is denied, and with it only by the creation that it names."""
    action = f"ecs:{''.join(word.capitalize() for word in operation.split('_'))}"
    tags = [{"key": "team", "value": "ours"}]
    bare = user(running, f"bare-{operation}", {"Action": action, "Resource": "*"})
    denied(getattr(bare, operation), "ecs:TagResource", f"{ECS}:{resource}", tags=tags, **request_)
    by_creation = {"StringEquals": {"ecs:CreateAction": action.removeprefix("ecs:")}}
    statements = (
        {"Action": action, "Resource": "*"},
        {"Action": "ecs:TagResource", "Resource": "*", "Condition": by_creation},
    )
    allowed = user(running, f"allowed-{operation}", *statements)
    try:
        getattr(allowed, operation)(tags=tags, **request_)
    except ClientError as error:  # allowed, and then refused for what it lacks
        assert error.response["Error"]["Code"] != "AccessDeniedException", error  # noqa: PT017  # or nothing is raised
    denied(allowed.tag_resource, "ecs:TagResource", resourceArn=f"{ECS}:cluster/ours", tags=tags)


def test_run_task_is_allowed_by_revision(running: RunningTarget) -> None:
    """RunTask is authorised on the task definition; without a revision on its latest revision."""
    ecs = user(running, "runner", {"Action": "ecs:RunTask", "Resource": f"{ECS}:task-definition/web:1"})
    request = {"cluster": "ours", "launchType": "FARGATE", "count": 0}
    with pytest.raises(ClientError, match="InvalidParameterException"):  # allowed, then rejected for its count
        ecs.run_task(taskDefinition="web", **request)
    denied(ecs.run_task, f"{ECS}:task-definition/web:2", taskDefinition="web:2", **request)


def test_passing_a_role_needs_pass_role(running: RunningTarget) -> None:
    """A task definition with a role needs iam:PassRole on it, for ECS tasks; without a role it does not."""
    register = {"Action": "ecs:RegisterTaskDefinition", "Resource": "*"}
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    request = {"family": "other", "containerDefinitions": APP}
    without = user(running, "without", register)
    assert without.register_task_definition(**request)["taskDefinition"]["revision"] == 1
    denied(without.register_task_definition, "iam:PassRole", ROLE, taskRoleArn=ROLE, **request)
    denied(without.register_task_definition, "iam:PassRole", ROLE, executionRoleArn=ROLE, **request)
    having = user(running, "having", register, {"Action": "iam:PassRole", "Resource": ROLE, "Condition": to_tasks})
    assert having.register_task_definition(taskRoleArn=ROLE, **request)["taskDefinition"]["taskRoleArn"] == ROLE
    denied(having.register_task_definition, "iam:PassRole", taskRoleArn=f"{ROLE}-2", **request)
