"""The lifecycle of tasks on an advanced clock: each step happens at its service second."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulator.ecs.conftest import Ecs


@pytest.mark.soak
@pytest.mark.parametrize(
    ("container", "stop_code", "reason"),
    [
        ({"command": ["no-such-program"]}, "TaskFailedToStart", "CannotStartContainerError: No such file"),
        ({"command": ["sh", "-c", "exit 3"]}, "EssentialContainerExited", "Essential container in task exited"),
        ({"command": []}, "TaskFailedToStart", "CannotStartContainerError"),
    ],
)
def test_commands_that_end_or_do_not_start(ecs: Ecs, container: dict[str, Any], stop_code: str, reason: str) -> None:
    """A task stops if its command does not exist, exits at once, or is missing."""
    ecs.define(**container)
    arn = ecs.run()
    ecs.wait(60)
    task = ecs.task(arn)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", stop_code)
    assert task["stoppedReason"].startswith(reason)
    if stop_code == "EssentialContainerExited":
        assert task["containers"][0]["exitCode"] == 3


@pytest.mark.soak
def test_sigkill_is_sent_at_the_right_second(ecs: Ecs) -> None:
    """A task that ignores SIGTERM ends exactly stopTimeout after it, with exit code 137."""
    ecs.define("serve", "--on-term", "ignore", stopTimeout=7)
    arn = ecs.run()
    ecs.wait(30)
    assert ecs.task(arn)["lastStatus"] == "RUNNING"
    ecs.ecs.stop_task(cluster="shop", task=arn)
    while ecs.task(arn)["lastStatus"] != "STOPPING":
        ecs.wait(0.05)
    stopping_since = ecs.running.clock.now()
    ecs.wait(6.9)
    assert ecs.task(arn)["lastStatus"] == "STOPPING"
    ecs.wait(0.2)
    task = ecs.task(arn)
    assert task["lastStatus"] == "DEPROVISIONING"
    assert task["containers"][0]["exitCode"] == 137
    assert task["executionStoppedAt"].timestamp() == pytest.approx(stopping_since + 7, abs=0.1)


@pytest.mark.parametrize("after", [0.0, 3.0, 9.0, 12.5, 40.0])
def test_a_task_can_be_stopped_in_any_state(ecs: Ecs, after: float) -> None:
    """A task that is stopped in any status ends STOPPED, and none of its instances stay registered."""
    ecs.define()
    registry = ecs.registry()
    ecs.create(serviceRegistries=[{"registryArn": registry["Arn"]}])
    ecs.wait(1.6)
    (task,) = ecs.tasks()
    ecs.wait(after)
    ecs.ecs.update_service(cluster="shop", service="web", desiredCount=0)
    ecs.ecs.stop_task(cluster="shop", task=task["taskArn"], reason="enough")
    ecs.ecs.stop_task(cluster="shop", task=task["taskArn"])
    ecs.wait(60)
    task = ecs.task(task["taskArn"])
    assert (task["lastStatus"], task["stopCode"], task["stoppedReason"]) == ("STOPPED", "UserInitiated", "enough")
    assert ecs.cloudmap.list_instances(ServiceId=registry["Id"])["Instances"] == []


@pytest.mark.soak
def test_only_essential_containers_end_a_task(ecs: Ecs) -> None:
    """A task continues after a non-essential container has ended; all containers stop with the essential one."""
    helper = {"name": "helper", "image": "any", "essential": False, "command": ["true"]}
    app = {"name": "app", "image": "any", "command": ["sleep", "1000"]}
    beside = {"name": "beside", "image": "any", "essential": False, "command": ["sleep", "1000"]}
    ecs.ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[helper, app, beside],
    )  # fmt: skip
    arn = ecs.run()
    ecs.wait(30)
    task = ecs.task(arn)
    status = {container["name"]: container["lastStatus"] for container in task["containers"]}
    assert (task["lastStatus"], status) == ("RUNNING", {"helper": "STOPPED", "app": "RUNNING", "beside": "RUNNING"})
    ecs.ecs.stop_task(cluster="shop", task=arn)
    ecs.wait(60)
    assert {container["lastStatus"] for container in ecs.task(arn)["containers"]} == {"STOPPED"}


@pytest.mark.soak
def test_hanging_checks_take_little_wall_time(ecs: Ecs) -> None:
    """An hour with a health check that never ends passes quickly: each check fails after a short wall time."""
    check = {"command": ["CMD-SHELL", "sleep 1000"], "interval": 300, "timeout": 2, "retries": 3}
    ecs.define(healthCheck=check)
    arn = ecs.run()
    ecs.wait(600)
    assert ecs.task(arn)["healthStatus"] == "UNKNOWN"
    ecs.wait(3_000)
    assert (ecs.task(arn)["healthStatus"], ecs.task(arn)["lastStatus"]) == ("UNHEALTHY", "RUNNING")


@pytest.mark.soak
def test_failures_in_the_start_period_do_not_count(ecs: Ecs) -> None:
    """A container is UNKNOWN until the start period is over, whatever its checks return."""
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1, "startPeriod": 60}
    ecs.define(healthCheck=check)
    arn = ecs.run()
    ecs.wait(60)
    assert ecs.task(arn)["healthStatus"] == "UNKNOWN"
    ecs.wait(30)
    assert ecs.task(arn)["healthStatus"] == "UNHEALTHY"


@pytest.mark.soak
def test_a_task_has_metadata_and_the_permissions_of_its_role(ecs: Ecs) -> None:
    """A task can read its metadata (version 4), and credentials that are limited by the policies of its role."""
    iam = ecs.client("iam")
    tasks = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [tasks]}
    role = iam.create_role(RoleName="discoverer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    listing = {"Effect": "Allow", "Action": "servicediscovery:ListNamespaces", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [listing]}
    iam.put_role_policy(RoleName="discoverer", PolicyName="p", PolicyDocument=json.dumps(policy))
    names = "$ECS_CONTAINER_METADATA_URI_V4 $AWS_CONTAINER_CREDENTIALS_FULL_URI token=$SURVEYOR_TOKEN"
    command = ["sh", "-c", f"echo {names}; sleep 1000"]
    arn = ecs.ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        taskRoleArn=role, containerDefinitions=[{"name": "app", "image": "any", "command": command}],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    task = ecs.run(taskDefinition=arn)
    ecs.wait(60)
    path = f"ecs/{ecs.account}/us-east-1/shop/{task.rpartition('/')[2]}"
    metadata, credentials, token = ecs.written(f"{path}/output").split()
    assert token == "token="
    key = metadata.split("/")[5]
    for wrong in (
        metadata.replace(key, "0" * len(key)),
        metadata.replace(f"{key}/", ""),
        metadata.replace("shop", "x"),
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(wrong)
    with pytest.raises(urllib.error.HTTPError, match="404"):  # the output is for people
        urllib.request.urlopen(credentials.replace("/credentials", "/output"))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(credentials.replace(f"tasks/{key}", "ecs"))
    with urllib.request.urlopen(f"{metadata}/task") as answer:
        document = json.load(answer)
    assert (document["TaskARN"], document["KnownStatus"], document["Family"]) == (task, "RUNNING", "web")
    with urllib.request.urlopen(credentials) as answer:
        keys = json.load(answer)
    assert keys["RoleArn"] == role
    cloudmap = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"], "us-east-1").client(
        "servicediscovery", endpoint_url=ecs.running.endpoint, config=Config(inject_host_prefix=False)
    )
    assert cloudmap.list_namespaces()["Namespaces"] == []
    with pytest.raises(ClientError, match="AccessDeniedException"):
        cloudmap.list_services()


@pytest.mark.soak
def test_deregistration_follows_the_configured_order(ecs: Ecs) -> None:
    """A task is deregistered before SIGTERM, without or with waiting for it, or after its process has ended."""
    ecs.define()
    registry = ecs.registry()
    order_of_events = {}
    for order in ("no-wait", "wait-for-operation", "after-exit"):
        ecs.change_settings(f"deregistration={order}", "operation_run=5", "task_deactivating=1")
        ecs.create(serviceName=order, serviceRegistries=[{"registryArn": registry["Arn"]}])
        ecs.wait(60)
        since = ecs.running.clock.now()
        ecs.ecs.delete_service(cluster="shop", service=order, force=True)
        ecs.wait(60)
        events = ecs.control(f"events?since={since}")["events"]
        own = [event for event in events if event["account"] == ecs.account]
        names = {
            "ecs.container.sigterm": "sigterm",
            "ecs.container.exited": "exit",
            "instance.deregistered": "deregistered",
        }
        order_of_events[order] = [names[event["kind"]] for event in own if event["kind"] in names]
    ecs.change_settings()
    assert order_of_events == {
        "no-wait": ["sigterm", "exit", "deregistered"],
        "wait-for-operation": ["deregistered", "sigterm", "exit"],
        "after-exit": ["sigterm", "exit", "deregistered"],
    }
