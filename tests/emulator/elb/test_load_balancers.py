"""Load balancers of ECS services: registration, health checks, draining, and invalid requests."""

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
    """Start an embedded target for this file."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        yield target


class LoadBalancedService:
    """An ECS service behind a load balancer, in one account."""

    def __init__(self, running: RunningTarget) -> None:
        self.running, account = running, str(next(_accounts))
        self.elb, self.ecs, self.ec2 = (running.clients.client(name, account) for name in ("elbv2", "ecs", "ec2"))
        self.account = account
        subnet = self.ec2.describe_subnets()["Subnets"][0]
        self.subnet, self.vpc = subnet["SubnetId"], subnet["VpcId"]
        self.balancer = self.elb.create_load_balancer(Name="front", Subnets=[self.subnet])["LoadBalancers"][0]
        self.group = self.create_group("front")
        self.elb.create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        self.ecs.create_cluster(clusterName="shop")

    def create_group(self, name: str, **more: Any) -> str:
        """Create a target group; return its ARN."""
        params = {"Protocol": "HTTP", "Port": 8080, "VpcId": self.vpc, "TargetType": "ip", "HealthCheckPath": "/health"}
        params |= {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2}
        return str(self.elb.create_target_group(Name=name, **{**params, **more})["TargetGroups"][0]["TargetGroupArn"])

    def deploy(self, count: int = 2) -> None:
        """Create the ECS service."""
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
        """Return the states of its targets, sorted."""
        targets = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return sorted(target["TargetHealth"]["State"] for target in targets)

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks whose desired status is RUNNING."""
        arns = self.ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"]
        return list(self.ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]) if arns else []

    def call(self) -> tuple[int, str]:
        """Call the load balancer; return the status, and the address of the task that answered."""
        resolver = self.running.resolver(self.account, "us-east-1", self.vpc)
        answer = dns.query.udp(
            dns.message.make_query(self.balancer["DNSName"], "A"), resolver.address, 5, resolver.port
        )
        [address] = [rdata.to_text() for rrset in answer.answer for rdata in rrset]
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=10) as response:
                return response.status, json.load(response)["address"]
        except urllib.error.HTTPError as refused:
            return refused.code, ""
        except OSError:
            return 0, ""  # its proxy does not listen yet

    def until(self, condition: Callable[[], bool]) -> None:
        """Advance service time until a condition holds; the proxy checks in wall time, so it advances in steps."""
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, (self.states(), [task["lastStatus"] for task in self.tasks()])
            self.running.clock.wait(0.5)


@pytest.fixture
def service(running: RunningTarget) -> LoadBalancedService:
    """Return a load balancer in an unused account; its service is not created yet."""
    return LoadBalancedService(running)


@pytest.mark.soak
def test_requests_go_to_healthy_tasks(service: LoadBalancedService) -> None:
    """Both tasks answer in turn; one that fails its checks gets no requests, and is replaced."""
    service.deploy()
    service.until(lambda: service.states() == ["healthy", "healthy"])
    both = {address_of(task) for task in service.tasks()}
    service.until(lambda: {service.call()[1] for _ in range(4)} == both)
    unhealthy = address_of(service.tasks()[0])
    urllib.request.urlopen(
        urllib.request.Request(f"http://{unhealthy}:8080/health?do=fail", method="PUT"), timeout=5
    ).close()
    service.until(lambda: "unhealthy" in service.states())
    assert unhealthy not in {service.call()[1] for _ in range(6)}
    service.until(
        lambda: (
            unhealthy not in {address_of(task) for task in service.tasks()} and service.states().count("healthy") == 2
        )
    )


@pytest.mark.soak
def test_a_task_drains_before_it_stops(service: LoadBalancedService) -> None:
    """A stopping task is draining for the deregistration delay, then it is removed from the target group."""
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": "60"}
    service.elb.modify_target_group_attributes(TargetGroupArn=service.group, Attributes=[attribute])
    service.deploy()
    service.until(lambda: service.states() == ["healthy", "healthy"])
    service.ecs.update_service(cluster="shop", service="web", desiredCount=1)
    service.until(lambda: "draining" in service.states())
    service.running.clock.wait(50)
    assert "draining" in service.states()
    service.running.clock.wait(20)
    service.until(lambda: service.states() == ["healthy"])
    assert service.call()[0] == 200


def test_an_empty_target_group_answers_503(service: LoadBalancedService) -> None:
    """A load balancer without targets answers with 503."""
    service.until(lambda: service.call()[0] == 503)


def test_a_deleted_load_balancer_is_not_listed(service: LoadBalancedService) -> None:
    """A target group can be deleted only after the load balancer that uses it; deleting twice is not an error."""
    with pytest.raises(ClientError) as used:
        service.elb.delete_target_group(TargetGroupArn=service.group)
    assert used.value.response["Error"]["Code"] == "ResourceInUse"
    service.elb.delete_load_balancer(LoadBalancerArn=service.balancer["LoadBalancerArn"])
    service.elb.delete_load_balancer(LoadBalancerArn=service.balancer["LoadBalancerArn"])
    service.elb.delete_target_group(TargetGroupArn=service.group)
    assert service.elb.describe_load_balancers()["LoadBalancers"] == []


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("create_load_balancer", {"Name": "front", "Subnets": ["SUBNET"]}, "DuplicateLoadBalancerName"),
        ("create_load_balancer", {"Name": "other", "Subnets": ["subnet-0"]}, "SubnetNotFound"),
        ("create_load_balancer", {"Name": "other"}, "ValidationError"),
        ("create_load_balancer", {"Name": "other", "Subnets": ["SUBNET"], "Type": "network"}, "UnsupportedFeature"),
        ("describe_load_balancers", {"Names": ["unknown"]}, "LoadBalancerNotFound"),
        ("describe_target_health", {"TargetGroupArn": "arn:none"}, "TargetGroupNotFound"),
        ("register_targets", {"TargetGroupArn": "arn:none", "Targets": [{"Id": "127.0.0.1"}]}, "TargetGroupNotFound"),
        ("deregister_targets", {"TargetGroupArn": "GROUP", "Targets": [{"Id": "127.0.0.1"}]}, "InvalidTarget"),
        ("delete_listener", {"ListenerArn": "arn:none"}, "ListenerNotFound"),
        ("create_target_group", {"Name": "front", "TargetType": "ip", "Port": 80}, "DuplicateTargetGroupName"),
        ("create_target_group", {"Name": "x", "TargetType": "lambda"}, "UnsupportedFeature"),
        ("create_target_group", {"Name": "x", "TargetType": "ip"}, "ValidationError"),
    ],
)
def test_invalid_requests_are_refused(
    service: LoadBalancedService, operation: str, params: dict[str, Any], code: str
) -> None:
    """Each gets the error that the API documents for it."""
    known = {"SUBNET": service.subnet, "GROUP": service.group}
    arguments = {
        key: [known.get(entry, entry) if isinstance(entry, str) else entry for entry in value]
        if isinstance(value, list)
        else known.get(value, value)
        for key, value in params.items()
    }
    with pytest.raises(ClientError) as refused:
        getattr(service.elb, operation)(**arguments)
    assert refused.value.response["Error"]["Code"] == code
