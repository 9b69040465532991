"""With `traffic=ruled` only what routes and security groups admit passes between tasks, and from this machine to them.

Tasks say by their exit codes what became of their calls.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.clock import WallClock
from surveyor.dns import query_server
from surveyor.targets.control import Control
from surveyor_agents import workload
from surveyor_emulator.runtime.envoy.binary import binary
from surveyor_emulator.runtime.tasks import traps
from tests.account.conftest import ACCOUNT, SECRET, flowing

SCALE = 60.0
IMAGE = "public.ecr.aws/docker/library/python:3.13-alpine"
PASSES, SWALLOWED, REFUSED = 10, 11, 12
CALL = f"""
import asyncio, socket, sys
address, port, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
async def open_it():
    await asyncio.wait_for(asyncio.open_connection(address, port), 1)
try:
    if way == "asyncio":
        asyncio.run(open_it())
    elif way == "ipv6":
        with socket.socket(socket.AF_INET6) as client:
            client.settimeout(1)
            client.connect(("::ffff:" + address, port))
    else:
        socket.create_connection((address, port), 1).close()
    sys.exit({PASSES})
except TimeoutError:
    sys.exit({SWALLOWED})
except ConnectionRefusedError:
    sys.exit({REFUSED})
"""
ASK = """
import socket, sys
from urllib.parse import urlsplit
from urllib.request import urlopen
try:
    urlopen(sys.argv[1], timeout=1)
    sys.exit(10)
except TimeoutError:
    sys.exit(11)
except OSError as error:
    sys.exit(10 if hasattr(error, "code") else 11 if "timed out" in str(error) else 12)
"""
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(traps.find_problem()), reason="this machine cannot decide what containers connect to"),
]


@dataclass(frozen=True)
class Account:
    """An account with two VPCs that have a way out, in an embedded target that rules its traffic."""

    endpoint: str
    ec2: Any
    ecs: Any
    elb: Any
    s3: Any
    clock: WallClock
    control: Control

    def network(self, cidr: str, *, is_open: bool = True) -> tuple[str, str]:
        """Return a new VPC and a subnet of it, with a route to the internet if it is open."""
        vpc = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        if is_open:
            gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
            self.ec2.create_route(RouteTableId=self.table(vpc), GatewayId=gateway, DestinationCidrBlock="0.0.0.0/0")
        return vpc, subnet

    def table(self, vpc: str) -> str:
        """Return the main route table of a VPC."""
        filters = [{"Name": "vpc-id", "Values": [vpc]}]
        return str(self.ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"])

    def group(self, vpc: str, name: str, *rules: dict[str, Any]) -> str:
        """Return a new security group that admits by these rules."""
        group = self.ec2.create_security_group(GroupName=name, Description="of a test", VpcId=vpc)["GroupId"]
        if rules:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(rules))
        return str(group)

    def run(self, command: list[str], subnet: str, *groups: str) -> str:
        """Start a task with a public address; return its ARN."""
        container = {"name": "app", "image": IMAGE, "command": command}
        self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", memory="512", cpu="256", requiresCompatibilities=["FARGATE"],
            containerDefinitions=[container],
        )  # fmt: skip
        network = {"subnets": [subnet], "securityGroups": list(groups), "assignPublicIp": "ENABLED"}
        started = self.ecs.run_task(
            taskDefinition="web", launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": network}
        )
        return str(started["tasks"][0]["taskArn"])

    def described(self, task: str) -> dict[str, Any]:
        """Return DescribeTasks of one task."""
        return dict(self.ecs.describe_tasks(tasks=[task])["tasks"][0])

    def serve(self, subnet: str, *groups: str) -> str:
        """Start a task that answers, and return its address once it runs."""
        task = self.run(workload.command("serve"), subnet, *groups)
        running = self.clock.eventually(lambda: self.described(task)["lastStatus"] == "RUNNING", within=300)
        assert running
        details = self.described(task)["attachments"][0]["details"]
        return next(str(detail["value"]) for detail in details if detail["name"] == "privateIPv4Address")

    def exit_code(self, task: str) -> int | None:
        """Return the exit code of a task once it has stopped."""
        self.clock.eventually(lambda: self.described(task)["lastStatus"] == "STOPPED", within=600)
        code: int | None = self.described(task)["containers"][0].get("exitCode")
        return code

    def call(
        self, address: str, subnet: str, *groups: str, port: int = workload.PORT, way: str = "socket"
    ) -> int | None:
        """Return what becomes of a call by a new task."""
        return self.exit_code(self.run(["python", "-c", CALL, address, str(port), way], subnet, *groups))


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """Run the target."""
    with flowing(SCALE, traffic="ruled", egress="routed") as running, mock.patch.dict(os.environ, running.environment):
        clients, control = running.clients(), Control(running.endpoint, running.token)
        ec2, ecs, elb, s3 = (clients.client(name, ACCOUNT) for name in ("ec2", "ecs", "elbv2", "s3"))
        ecs.create_cluster(clusterName="default")
        yield Account(running.endpoint, ec2, ecs, elb, s3, WallClock(SCALE, control.now), control)
        control.close()


@pytest.fixture(scope="module")
def first(account: Account) -> tuple[str, str]:
    """Return VPC and subnet with a way out."""
    return account.network("10.1.0.0/24")


def tcp(**source: Any) -> dict[str, Any]:
    """Return a rule for the port of the workload."""
    return {"IpProtocol": "tcp", "FromPort": workload.PORT, "ToPort": workload.PORT, **source}


def test_a_call_from_outside_is_swallowed(account: Account, first: tuple[str, str]) -> None:
    """The caller waits until its time-out, whatever the groups of the task admit."""
    vpc, subnet = first
    address = account.serve(subnet, account.group(vpc, "open", tcp(IpRanges=[{"CidrIp": "0.0.0.0/0"}])))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        socket.create_connection((address, workload.PORT), 0.7)
    assert time.monotonic() - began >= 0.7


@pytest.mark.parametrize("way", ["socket", "asyncio", "ipv6"])
def test_groups_decide_between_tasks(account: Account, first: tuple[str, str], way: str) -> None:
    """A caller passes with the group that is admitted, and is swallowed without it, however it waits."""
    vpc, subnet = first
    callers = account.group(vpc, f"callers-{way}")
    callees = account.group(vpc, f"callees-{way}", tcp(UserIdGroupPairs=[{"GroupId": callers}]))
    address = account.serve(subnet, callees)
    assert account.call(address, subnet, callers, way=way) == PASSES
    assert account.call(address, subnet, way=way) == SWALLOWED


def test_ports_and_addresses_decide(account: Account, first: tuple[str, str]) -> None:
    """A rule is for its ports, and for addresses that hold the caller's subnet."""
    vpc, subnet = first
    address = account.serve(subnet, account.group(vpc, "range", tcp(IpRanges=[{"CidrIp": "10.1.0.0/16"}])))
    other = account.serve(subnet, account.group(vpc, "another", tcp(IpRanges=[{"CidrIp": "10.9.0.0/16"}])))
    assert account.call(address, subnet) == PASSES
    assert account.call(address, subnet, port=workload.PORT + 1) == SWALLOWED
    assert account.call(other, subnet) == SWALLOWED


def test_the_default_group_admits_its_own(account: Account, first: tuple[str, str]) -> None:
    """Tasks without groups call each other; a port without a listener refuses."""
    _, subnet = first
    address = account.serve(subnet)
    assert account.call(address, subnet) == PASSES
    assert account.call(address, subnet, port=workload.PORT + 1) == REFUSED


def test_egress_decides_too(account: Account, first: tuple[str, str]) -> None:
    """A group that lets out only TLS lets no call to another port out."""
    vpc, subnet = first
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    only_tls = account.group(vpc, "only-tls")
    account.ec2.revoke_security_group_egress(GroupId=only_tls, IpPermissions=everything)
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    account.ec2.authorize_security_group_egress(GroupId=only_tls, IpPermissions=[rule])
    address = account.serve(subnet, account.group(vpc, "all", tcp(IpRanges=[{"CidrIp": "0.0.0.0/0"}])))
    assert account.call(address, subnet, only_tls) == SWALLOWED
    account.ec2.revoke_security_group_egress(GroupId=only_tls, IpPermissions=[rule])
    lost = account.run(workload.command("serve"), subnet, only_tls)
    assert account.exit_code(lost) is None
    assert "CannotPullContainerError" in account.described(lost)["stoppedReason"]


def test_nothing_crosses_the_border_of_a_vpc(account: Account, first: tuple[str, str]) -> None:
    """Not even what the groups of the callee admit."""
    vpc, subnet = first
    _, other = account.network("10.2.0.0/24")
    address = account.serve(subnet, account.group(vpc, "world", tcp(IpRanges=[{"CidrIp": "0.0.0.0/0"}])))
    assert account.call(address, subnet) == PASSES
    assert account.call(address, other) == SWALLOWED


def test_a_way_to_s3(account: Account, first: tuple[str, str]) -> None:
    """A route that goes away takes the endpoints of AWS with it; a gateway endpoint leads to S3 only."""
    vpc, subnet = account.network("10.3.0.0/24")
    account.s3.create_bucket(Bucket="mailbox")
    request = AWSRequest("GET", f"{account.endpoint}/mailbox/object")
    S3SigV4QueryAuth(Credentials(ACCOUNT, SECRET), "s3", "us-east-1").add_auth(request)
    urls = [str(request.url), f"{account.endpoint}/"]
    table, anywhere = account.table(vpc), {"DestinationCidrBlock": "0.0.0.0/0"}
    [internet] = account.ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])[
        "InternetGateways"
    ]

    def ask_later(*, endpoint: bool) -> list[int | None]:
        """Return what becomes of requests that tasks make once they have lost their way out."""
        wait = "import time\ntime.sleep(1.5)\n"
        tasks = [account.run(["python", "-c", wait + ASK, url], subnet) for url in urls]
        account.clock.eventually(
            lambda: all(account.described(t)["lastStatus"] == "RUNNING" for t in tasks), within=300
        )
        account.ec2.delete_route(RouteTableId=table, **anywhere)
        made = None
        if endpoint:
            made = account.ec2.create_vpc_endpoint(
                VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table]
            )["VpcEndpoint"]["VpcEndpointId"]
            [routes] = account.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
            assert any(route.get("GatewayId") == made for route in routes["Routes"])
        codes = [account.exit_code(task) for task in tasks]
        if made is not None:
            with pytest.raises(ClientError, match="DependencyViolation"):
                account.ec2.delete_vpc(VpcId=vpc)
            assert account.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"] == []
            assert not account.ec2.describe_vpc_endpoints()["VpcEndpoints"]
        account.ec2.create_route(RouteTableId=table, GatewayId=internet["InternetGatewayId"], **anywhere)
        return codes

    assert ask_later(endpoint=True) == [PASSES, SWALLOWED]
    assert ask_later(endpoint=False) == [SWALLOWED, SWALLOWED]


@pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")
def test_load_balancers_are_ruled(account: Account, first: tuple[str, str]) -> None:
    """Health checks need a group that the tasks admit; this machine reaches what faces the internet and admits it."""
    vpc, subnet = first
    web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    open_group, closed_group = account.group(vpc, "front", web), account.group(vpc, "back")
    task = account.serve(subnet, account.group(vpc, "behind", tcp(UserIdGroupPairs=[{"GroupId": open_group}])))
    resolver = account.control.resolver(ACCOUNT, "us-east-1", vpc)

    def balancer(name: str, scheme: str, group: str) -> tuple[str, str]:
        """Return the address of a load balancer, and its target group."""
        arn, made = "LoadBalancerArn", {"Name": name, "Subnets": [subnet], "Scheme": scheme, "SecurityGroups": [group]}
        front = account.elb.create_load_balancer(**made)["LoadBalancers"][0]
        assert front["SecurityGroups"] == [group]
        targets = account.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        account.elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": task, "Port": 8080}])
        forward = [{"Type": "forward", "TargetGroupArn": targets}]
        account.elb.create_listener(Protocol="HTTP", Port=80, DefaultActions=forward, **{arn: front[arn]})
        answer = query_server(front["DNSName"], "A", resolver)
        return str(next(iter(answer.answer[0])).to_text()), targets

    def state(targets: str) -> str:
        [described] = account.elb.describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
        return str(described["TargetHealth"]["State"])

    facing, targets = balancer("facing", "internet-facing", open_group)
    account.clock.eventually(lambda: state(targets) == "healthy", within=600)
    with socket.create_connection((facing, 80), 2):
        pass
    internal, inner_targets = balancer("internal", "internal", open_group)
    account.clock.eventually(lambda: state(inner_targets) == "healthy", within=600)
    with pytest.raises(TimeoutError):
        socket.create_connection((internal, 80), 0.7)
    assert account.call(internal, subnet, port=80) == PASSES
    _, unreached = balancer("unreached", "internal", closed_group)
    account.clock.wait(60)
    assert state(unreached) != "healthy"


def test_groups_in_use_stay(account: Account, first: tuple[str, str]) -> None:
    """A group of a task that runs cannot be deleted; afterwards it can."""
    vpc, subnet = first
    group = account.group(vpc, "in-use")
    task = account.run(["python", "-c", "import time; time.sleep(60)"], subnet, group)
    account.clock.eventually(lambda: account.described(task)["lastStatus"] == "RUNNING", within=300)
    with pytest.raises(ClientError, match="DependencyViolation"):
        account.ec2.delete_security_group(GroupId=group)
    account.ecs.stop_task(task=task)
    account.exit_code(task)
    account.ec2.delete_security_group(GroupId=group)
