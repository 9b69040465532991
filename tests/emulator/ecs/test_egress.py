"""With the setting `egress=routed` a task starts only where an image can be pulled, as on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from tests.emulator.ecs.conftest import Ecs

IMAGE = "public.ecr.aws/docker/library/python:3.13-alpine"
FAILED = 300
"""Service seconds in which a task that cannot pull has stopped."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """Start an embedded target in which images are pulled by routes."""
    target = load_target("embedded", find_layout().targets)
    assert target.start is not None
    argv = (*target.start.argv, "--set", "egress=routed")
    with run_target(replace(target, start=replace(target.start, argv=argv)), 7) as running:
        yield running


class Network:
    """A VPC with one subnet and an internet gateway that is attached to it, without a route."""

    def __init__(self, ecs: Ecs, **subnet: Any) -> None:
        self.ec2 = ecs.ec2
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        block = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        address = {"CidrBlock": "10.0.0.0/24"} if not subnet else {"Ipv6CidrBlock": block.replace("/56", "/64")}
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, **address, **subnet)["Subnet"]["SubnetId"]
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        filters = [{"Name": "vpc-id", "Values": [self.vpc]}]
        self.table = self.ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]

    def route(self, **destination: str) -> None:
        """Add a route to the gateway."""
        self.ec2.create_route(RouteTableId=self.table, GatewayId=self.gateway, **destination)

    def configuration(self, public: bool) -> dict[str, Any]:
        """Return a networkConfiguration."""
        assign = "ENABLED" if public else "DISABLED"
        return {"awsvpcConfiguration": {"subnets": [self.subnet], "assignPublicIp": assign}}


def network_of(ecs: Ecs, public: bool) -> dict[str, Any]:
    """Return a networkConfiguration in the default VPC."""
    return {"awsvpcConfiguration": {"subnets": [ecs.subnet], "assignPublicIp": "ENABLED" if public else "DISABLED"}}


@pytest.mark.soak
def test_a_public_address_in_a_default_subnet_is_a_way_out(ecs: Ecs) -> None:
    """A task without one is PENDING while the pull is retried, then STOPPED, with AWS's words."""
    ecs.define(image=IMAGE)
    with_address = ecs.run(networkConfiguration=network_of(ecs, public=True))
    without = ecs.run(networkConfiguration=network_of(ecs, public=False))
    ecs.wait(150)
    assert ecs.task(with_address)["lastStatus"] == "RUNNING"
    assert ecs.task(without)["lastStatus"] == "PENDING"
    assert "pullStartedAt" in ecs.task(without)
    ecs.wait(FAILED - 150)
    task = ecs.task(without)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"] == task["containers"][0]["reason"]
    assert task["stoppedReason"] == (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
        f"{IMAGE}: failed to do request: "
        'Head "https://public.ecr.aws/v2/docker/library/python/manifests/3.13-alpine": '
        "dial tcp 192.0.2.53:443: i/o timeout"
    )


@pytest.mark.parametrize(
    ("image", "ref", "url"),
    [
        ("nginx", "docker.io/library/nginx:latest", "registry-1.docker.io/v2/library/nginx/manifests/latest"),
        ("shop/web:2", "docker.io/shop/web:2", "registry-1.docker.io/v2/shop/web/manifests/2"),
        ("localhost:5000/web", "localhost:5000/web:latest", "localhost:5000/v2/web/manifests/latest"),
        ("ghcr.io/a/b@sha256:12", "ghcr.io/a/b@sha256:12", "ghcr.io/v2/a/b/manifests/sha256:12"),
    ],
)
def test_the_reason_names_the_image(ecs: Ecs, image: str, ref: str, url: str) -> None:
    """Names of images are completed as Docker completes them."""
    ecs.define(image=image)
    task = ecs.run()
    ecs.wait(FAILED)
    reason = ecs.task(task)["stoppedReason"]
    assert f"failed to resolve ref {ref}: " in reason
    assert f'Head "https://{url}": ' in reason


def test_a_gateway_without_a_route_is_no_way_out(ecs: Ecs) -> None:
    """Nor is a public address; a route that is added while the pull is retried is."""
    network = Network(ecs)
    ecs.define()
    lost = ecs.run(networkConfiguration=network.configuration(public=True))
    ecs.wait(FAILED)
    assert ecs.task(lost)["stopCode"] == "TaskFailedToStart"
    late = ecs.run(networkConfiguration=network.configuration(public=True))
    ecs.wait(100)
    assert ecs.task(late)["lastStatus"] == "PENDING"
    network.route(DestinationCidrBlock="0.0.0.0/0")
    ecs.wait(FAILED - 100)
    assert ecs.task(late)["lastStatus"] == "RUNNING"


@pytest.mark.parametrize(("image", "status"), [(IMAGE, "STOPPED"), (f"ecr-{IMAGE}", "RUNNING")])
def test_ipv6_only_tasks_need_a_route_and_a_registry(ecs: Ecs, image: str, status: str) -> None:
    """They need no public address, but a registry that has IPv6 (ECR: its dual-stack endpoint)."""
    network = Network(ecs, Ipv6Native=True)
    network.route(DestinationIpv6CidrBlock="::/0")
    ecs.define(image=image.replace("ecr-public.ecr.aws", "ecr-public.aws.com"))
    task = ecs.run(networkConfiguration=network.configuration(public=False))
    ecs.wait(FAILED)
    assert ecs.task(task)["lastStatus"] == status
    if status == "STOPPED":
        assert ecs.task(task)["stoppedReason"].endswith("dial tcp 192.0.2.53:443: connect: network is unreachable")


def test_a_gateway_stays_attached_while_a_task_has_a_public_address(ecs: Ecs) -> None:
    """It is detached when the task is STOPPED."""
    network = Network(ecs)
    network.route(DestinationCidrBlock="0.0.0.0/0")
    ecs.define()
    task = ecs.run(networkConfiguration=network.configuration(public=True))
    ecs.wait(30)
    with pytest.raises(ClientError, match="has some mapped public address"):
        network.ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)
    ecs.ecs.stop_task(cluster="shop", task=task)
    ecs.wait(60)
    network.ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)


def test_failed_pulls_are_counted_and_fail_a_deployment(ecs: Ecs) -> None:
    """Each is an event of the service and a failed task of its deployment; the circuit breaker ends it."""
    ecs.define()
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    ecs.create(count=2, deploymentConfiguration=breaker)
    ecs.wait(FAILED)
    (deployment,) = ecs.service()["deployments"]
    assert (deployment["failedTasks"], deployment["rolloutState"]) == (2, "IN_PROGRESS")
    messages = [event["message"] for event in ecs.service()["events"]]
    assert any("was unable to place a task. Reason: CannotPullContainerError: " in message for message in messages)
    ecs.wait(2 * FAILED)
    (deployment,) = ecs.service()["deployments"]
    assert (deployment["failedTasks"] >= 3, deployment["rolloutState"]) == (True, "FAILED")


def test_an_instance_without_a_way_out_joins_no_cluster(ecs: Ecs) -> None:
    """One with a public address does; when its route is gone its agent is not connected, and tasks cannot pull."""
    network = Network(ecs)
    network.route(DestinationCidrBlock="0.0.0.0/0")
    data = "#!/bin/bash\necho ECS_CLUSTER=shop >> /etc/ecs/ecs.config"
    run = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": network.subnet, "UserData": data}

    def instances() -> list[dict[str, Any]]:
        arns = ecs.ecs.list_container_instances(cluster="shop")["containerInstanceArns"]
        described = ecs.ecs.describe_container_instances(cluster="shop", containerInstances=arns) if arns else {}
        return list(described.get("containerInstances", []))

    ecs.ec2.run_instances(**run)
    ecs.wait(120)
    assert instances() == []
    ecs.ec2.modify_subnet_attribute(SubnetId=network.subnet, MapPublicIpOnLaunch={"Value": True})
    ecs.ec2.run_instances(**run)
    ecs.wait(120)
    assert [instance["agentConnected"] for instance in instances()] == [True]
    ecs.define(mode="bridge")
    params: dict[str, Any] = {"launchType": "EC2", "networkConfiguration": {}}
    task = ecs.run(**params)
    ecs.wait(60)
    assert ecs.task(task)["lastStatus"] == "RUNNING"
    ecs.ec2.delete_route(RouteTableId=network.table, DestinationCidrBlock="0.0.0.0/0")
    assert [instance["agentConnected"] for instance in instances()] == [False]
    late = ecs.run(**params)
    ecs.wait(FAILED)
    assert ecs.task(late)["stoppedReason"].startswith("CannotPullContainerError: ")
    assert ecs.task(task)["lastStatus"] == "RUNNING"
