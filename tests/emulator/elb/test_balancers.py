"""Load balancers before tasks: registration, health checks, draining, and what is refused."""

from __future__ import annotations

import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import dns.message
import dns.query
import pytest
from botocore.exceptions import ClientError

from surveyor.fixtures.tasks import address_of
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_agents import workload
from surveyor_emulator.runtime.envoy.binary import binary

pytestmark = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")
_accounts = itertools.count(720_000_000_000)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """An embedded target for this file."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        yield target


class FaultProxy:
    """A load balancer before an ECS service of one account."""

    def __init__(self, running: RunningTarget) -> None:
        self.running, account = running, str(next(_accounts))
        self.elb, self.ecs, self.ec2 = (running.clients.client(name, account) for name in ("elbv2", "ecs", "ec2"))
        self.account = account
        subnet = self.ec2.describe_subnets()["Subnets"][0]
        self.subnet, self.vpc = subnet["SubnetId"], subnet["VpcId"]
        self.balancer = self.elb.create_load_balancer(Name="front", Subnets=[self.subnet])["LoadBalancers"][0]
        self.group = self.make_group("front")
        self.elb.create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        self.ecs.create_cluster(clusterName="shop")

    def make_group(self, name: str, **more: Any) -> str:
        """A target group; its ARN."""
        given = {"Protocol": "HTTP", "Port": 8080, "VpcId": self.vpc, "TargetType": "ip", "HealthCheckPath": "/health"}
        given |= {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2}
        return str(self.elb.create_target_group(Name=name, **{**given, **more})["TargetGroups"][0]["TargetGroupArn"])

    def deploy(self, count: int = 2) -> None:
        """An ECS service behind it."""
        app: Any = {"name": "app", "image": "x", "command": workload.command("serve")}
        app["portMappings"] = [{"containerPort": 8080}]
        self.ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[app],
        )
        self.ecs.create_service(
            cluster="shop",
            serviceName="web",
            taskDefinition="web",
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [self.subnet]}},
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "app", "containerPort": 8080}],
        )

    def states(self) -> list[str]:
        """Of its targets."""
        told = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return sorted(one["TargetHealth"]["State"] for one in told)

    def tasks(self) -> list[dict[str, Any]]:
        """Those that are to run."""
        arns = self.ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"]
        return list(self.ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]) if arns else []

    def call(self) -> tuple[int, str]:
        """Status, and who answered."""
        resolver = self.running.resolver(self.account, "us-east-1", self.vpc)
        answer = dns.query.udp(
            dns.message.make_query(self.balancer["DNSName"], "A"), resolver.address, 5, resolver.port
        )
        [address] = [rdata.to_text() for rrset in answer.answer for rdata in rrset]
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=10) as told:
                return told.status, json.load(told)["address"]
        except urllib.error.HTTPError as refused:
            return refused.code, ""
        except OSError:
            return 0, ""  # its proxy does not listen yet

    def until(self, condition: Callable[[], bool]) -> None:
        """Let service time pass until something is so; its proxy checks in wall time."""
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, (self.states(), [one["lastStatus"] for one in self.tasks()])
            self.running.clock.wait(0.5)


@pytest.fixture
def front(running: RunningTarget) -> FaultProxy:
    """In an account that nobody has used."""
    return FaultProxy(running)


def test_requests_go_to_tasks_that_are_well(front: FaultProxy) -> None:
    """Both answer in turn; the one that fails its checks is left out, and replaced."""
    front.deploy()
    front.until(lambda: front.states() == ["healthy", "healthy"])
    both = {address_of(one) for one in front.tasks()}
    front.until(lambda: {front.call()[1] for _ in range(4)} == both)
    sick = address_of(front.tasks()[0])
    urllib.request.urlopen(
        urllib.request.Request(f"http://{sick}:8080/health?do=fail", method="PUT"), timeout=5
    ).close()
    front.until(lambda: "unhealthy" in front.states())
    assert sick not in {front.call()[1] for _ in range(6)}
    # The service replaces it.
    front.until(lambda: sick not in {address_of(one) for one in front.tasks()} and front.states().count("healthy") == 2)


def test_a_task_drains_before_it_stops(front: FaultProxy) -> None:
    """For the deregistration delay it is draining, gets nothing, and lives; then it is gone."""
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": "60"}
    front.elb.modify_target_group_attributes(TargetGroupArn=front.group, Attributes=[attribute])
    front.deploy()
    front.until(lambda: front.states() == ["healthy", "healthy"])
    front.ecs.update_service(cluster="shop", service="web", desiredCount=1)
    front.until(lambda: "draining" in front.states())
    front.running.clock.wait(50)
    assert "draining" in front.states()
    front.running.clock.wait(20)
    front.until(lambda: front.states() == ["healthy"])
    assert front.call()[0] == 200


def test_nobody_behind_it_is_503(front: FaultProxy) -> None:
    """A load balancer whose group is empty answers for itself."""
    front.until(lambda: front.call()[0] == 503)


def test_it_is_gone_when_it_is_deleted(front: FaultProxy) -> None:
    """Its name leads to nobody of this machine, its group can be deleted only then."""
    with pytest.raises(ClientError) as used:
        front.elb.delete_target_group(TargetGroupArn=front.group)
    assert used.value.response["Error"]["Code"] == "ResourceInUse"
    front.elb.delete_load_balancer(LoadBalancerArn=front.balancer["LoadBalancerArn"])
    front.elb.delete_load_balancer(LoadBalancerArn=front.balancer["LoadBalancerArn"])
    front.elb.delete_target_group(TargetGroupArn=front.group)
    assert front.elb.describe_load_balancers()["LoadBalancers"] == []


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("create_load_balancer", {"Name": "front", "Subnets": ["SUBNET"]}, "DuplicateLoadBalancerName"),
        ("create_load_balancer", {"Name": "other", "Subnets": ["subnet-0"]}, "SubnetNotFound"),
        ("create_load_balancer", {"Name": "other"}, "ValidationError"),
        ("create_load_balancer", {"Name": "other", "Subnets": ["SUBNET"], "Type": "network"}, "UnsupportedFeature"),
        ("describe_load_balancers", {"Names": ["nobody"]}, "LoadBalancerNotFound"),
        ("describe_target_health", {"TargetGroupArn": "arn:none"}, "TargetGroupNotFound"),
        ("register_targets", {"TargetGroupArn": "arn:none", "Targets": [{"Id": "127.0.0.1"}]}, "TargetGroupNotFound"),
        ("deregister_targets", {"TargetGroupArn": "GROUP", "Targets": [{"Id": "127.0.0.1"}]}, "InvalidTarget"),
        ("delete_listener", {"ListenerArn": "arn:none"}, "ListenerNotFound"),
        ("create_target_group", {"Name": "front", "TargetType": "ip", "Port": 80}, "DuplicateTargetGroupName"),
        ("create_target_group", {"Name": "x", "TargetType": "lambda"}, "UnsupportedFeature"),
        ("create_target_group", {"Name": "x", "TargetType": "ip"}, "ValidationError"),
    ],
)
def test_what_cannot_be_is_refused(front: FaultProxy, operation: str, params: dict[str, Any], code: str) -> None:
    """With the error that the API names for it."""
    known = {"SUBNET": front.subnet, "GROUP": front.group}
    given = {
        key: [known.get(one, one) if isinstance(one, str) else one for one in value]
        if isinstance(value, list)
        else known.get(value, value)
        for key, value in params.items()
    }
    with pytest.raises(ClientError) as refused:
        getattr(front.elb, operation)(**given)
    assert refused.value.response["Error"]["Code"] == code
