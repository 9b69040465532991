"""An account in use: calls are throttled, reads are late, calls fail, and other teams have resources there."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from types import ModuleType
from typing import Any

import orjson
import pytest

from surveyor_emulator.aws import cloudmap, ecs, eventbridge
from surveyor_emulator.aws.ec2.handlers import HANDLERS as EC2_HANDLERS
from surveyor_emulator.aws.forwarded import services
from surveyor_emulator.aws.iam import authorise
from surveyor_emulator.aws.inventory import list_resources
from surveyor_emulator.aws.route53.handlers import HANDLERS as ROUTE53_HANDLERS
from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.errors import ConnectionCut, ServiceError
from surveyor_emulator.core.settings import Delay, Settings
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.protocols import ParsedRequest
from surveyor_emulator.protocols.api_models import load_service_model
from surveyor_emulator.protocols.json import JsonProtocol
from surveyor_emulator.staging import AccountInUse, late_reads
from surveyor_policies.model import PolicySet, Principal

ACCOUNT, REGION = "111122223333", "eu-west-1"
HANDLERS = {
    "ecs": ecs.HANDLERS,
    "ec2": EC2_HANDLERS,
    "route53": ROUTE53_HANDLERS,
    "servicediscovery": cloudmap.HANDLERS,
}


class Account:
    """The owner of an account, whose calls meet the conditions that the settings say."""

    def __init__(self, **settings: Any) -> None:
        self.world = World(Settings(scale=None, **settings), Clock(start=1_000.0, scale=None))
        self.conditions = AccountInUse(self.world)

    def call(self, service: str, operation: str, /, **params: Any) -> Any:
        """Return the answer of one call."""
        call = Call(self.world, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root", service, operation)
        self.conditions.admit(call)

        def perform(name: str, given: Any) -> Any:
            return HANDLERS[service][name](replace(call, operation=name), given)

        return self.conditions.perform(call, params, perform)

    def count(self, service: str, operation: str, **params: Any) -> int:
        """Return how many calls at once succeed."""
        for number in range(1_000):
            try:
                self.call(service, operation, **params)
            except ServiceError as error:
                if "xceeded" not in error.message:
                    raise
                return number
        raise AssertionError(f"{service}:{operation} is not throttled")


def run(account: Account, *names: str, **params: Any) -> None:
    """Make one call within an event loop, which clusters need, and end the processes that they start."""

    async def inside() -> None:
        account.call(*names, **params)
        for end in account.world.at_end:
            end()

    asyncio.run(inside())


@pytest.mark.parametrize(
    ("service", "operation", "params", "burst", "per_second"),
    [
        ("ecs", "ListClusters", {}, 50, 20),
        ("ecs", "ListTaskDefinitions", {}, 50, 20),
        ("route53", "ListHostedZones", {}, 50, 10),
        ("ec2", "DescribeVpcs", {}, 100, 20),
        ("ec2", "DescribeSubnets", {}, 100, 20),
    ],
)
def test_calls_are_throttled_by_the_documented_buckets(
    service: str, operation: str, params: dict[str, Any], burst: int, per_second: int
) -> None:
    """A full bucket lets the burst pass; after a second the rate passes."""
    account = Account(call_rates="all")
    assert account.count(service, operation, **params) == burst
    asyncio.run(account.world.clock.advance(1))
    assert account.count(service, operation, **params) == per_second


def test_operations_share_a_bucket_and_accounts_and_regions_do_not() -> None:
    """ListClusters uses up the tokens of DescribeClusters; Cloud Map documents no rate for its control plane."""
    account = Account(call_rates="all")
    assert account.count("ecs", "ListClusters") == 50
    with pytest.raises(ServiceError, match="Rate exceeded"):
        account.call("ecs", "DescribeClusters", clusters=["x"])
    for _ in range(200):
        account.call("servicediscovery", "ListNamespaces")
    call = Call(account.world, ACCOUNT, "us-east-1", "", "ecs", "ListClusters")
    account.conditions.admit(call)


def test_a_call_that_is_refused_takes_no_token() -> None:
    """GetHealthCheckStatus has four tokens, and its refusals do not use up those of the account."""
    account = Account(call_rates="all")
    for _ in range(4):
        with pytest.raises(ServiceError, match="NoSuchHealthCheck"):
            account.call("route53", "GetHealthCheckStatus", HealthCheckId="x")
    for _ in range(100):
        with pytest.raises(ServiceError, match="Rate exceeded"):
            account.call("route53", "GetHealthCheckStatus", HealthCheckId="x")
    assert account.count("route53", "ListHostedZones") == 46


def test_a_new_vpc_is_not_found_for_a_moment() -> None:
    """DescribeVpcs of its id raises the error of an unknown id, and lists do not have it; then both show it."""
    account = Account(read_lag=1.0)
    vpc = account.call("ec2", "CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ServiceError, match=f"The ID '{vpc}' does not exist"):
        account.call("ec2", "DescribeVpcs", VpcIds=[vpc])
    assert vpc not in str(account.call("ec2", "DescribeVpcs"))
    account.call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.9.0.0/24")  # only reads are late
    asyncio.run(account.world.clock.advance(1))
    assert account.call("ec2", "DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]["VpcId"] == vpc
    assert vpc in str(account.call("ec2", "DescribeVpcs"))


def test_a_changed_value_is_as_before_for_a_moment() -> None:
    """A client that polls sees the old value for up to the lag; another account sees its own."""
    account = Account(read_lag=1.0)
    vpc = account.call("ec2", "CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    asyncio.run(account.world.clock.advance(1))

    def hostnames() -> bool:
        answer = account.call("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")
        return bool(answer["EnableDnsHostnames"]["Value"])

    assert hostnames() is False
    account.call("ec2", "ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert hostnames() is False
    asyncio.run(account.world.clock.advance(1))
    assert hostnames() is True


def test_a_deleted_resource_is_still_described_for_a_moment() -> None:
    """What was read before the deletion is read again, and then it is gone."""
    account = Account(read_lag=1.0)

    run(account, "ecs", "CreateCluster", clusterName="c")
    asyncio.run(account.world.clock.advance(1))

    def describe() -> str:
        return str(account.call("ecs", "DescribeClusters", clusters=["c"])["clusters"][0]["status"])

    assert describe() == "ACTIVE"
    account.call("ecs", "DeleteCluster", cluster="c")
    assert describe() == "ACTIVE"
    asyncio.run(account.world.clock.advance(1))
    assert describe() == "INACTIVE"


def test_a_new_resource_with_a_name_is_not_found_for_a_moment() -> None:
    """The name of a cluster is that of the request: it is not found by name and ARN, and one named alike is."""
    account = Account(read_lag=1.0)
    run(account, "ecs", "CreateCluster", clusterName="shop-1")
    asyncio.run(account.world.clock.advance(1))
    run(account, "ecs", "CreateCluster", clusterName="shop")
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
    answer = account.call("ecs", "DescribeClusters", clusters=["shop", arn, "shop-1"])
    assert [cluster["clusterName"] for cluster in answer["clusters"]] == ["shop-1"]
    assert [(failure["arn"], failure["reason"]) for failure in answer["failures"]] == [(arn, "MISSING")] * 2
    assert account.call("ecs", "ListClusters")["clusterArns"] == [f"{arn}-1"]
    with pytest.raises(ServiceError, match="ClusterNotFoundException"):
        account.call("ecs", "ListTasks", cluster="shop")
    asyncio.run(account.world.clock.advance(1))
    assert not account.call("ecs", "DescribeClusters", clusters=["shop", arn, "shop-1"])["failures"]


def test_what_was_seen_does_not_vanish_when_something_else_is_new() -> None:
    """An answer that names a cluster again, or a new resource beside it, does not make the cluster late."""
    account = Account(read_lag=1.0)
    run(account, "ecs", "CreateCluster", clusterName="c")
    asyncio.run(account.world.clock.advance(1))
    container = {"name": "app", "image": "busybox", "memory": 64}
    task = account.call("ecs", "RegisterTaskDefinition", family="f", containerDefinitions=[container])["taskDefinition"]
    account.call("ecs", "UpdateCluster", cluster="c", settings=[{"name": "containerInsights", "value": "enabled"}])
    assert [one["clusterName"] for one in account.call("ecs", "DescribeClusters", clusters=["c"])["clusters"]] == ["c"]
    with pytest.raises(ServiceError, match="ClientException"):
        account.call("ecs", "DescribeTaskDefinition", taskDefinition=task["taskDefinitionArn"])
    asyncio.run(account.world.clock.advance(1))
    bridge = {"cluster": "c", "serviceName": "web", "taskDefinition": "f", "desiredCount": 0, "launchType": "EC2"}
    account.call("ecs", "CreateService", **bridge)
    assert account.call("ecs", "DescribeServices", cluster="c", services=["web"])["services"] == []
    asyncio.run(account.world.clock.advance(1))
    account.call("ecs", "UpdateService", cluster="c", service="web", forceNewDeployment=True)
    [service] = account.call("ecs", "DescribeServices", cluster="c", services=["web"])["services"]
    assert [one["status"] for one in service["deployments"]].count("PRIMARY") == 1


def test_ids_of_other_services_are_not_new() -> None:
    """A namespace or a subnet in an answer of ECS does not make resources late that name it."""
    namespace = f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:namespace/ns-0123456789abcdef"
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c"
    texts = {"clusterArn": cluster, "namespace": namespace, "subnet": "subnet-01234567"}
    assert late_reads._resources(texts, "ecs") == {"c"}
    assert late_reads._resources(texts, "ec2") == {"subnet-01234567"}


def test_calls_fail_and_connections_are_reset_by_their_shares() -> None:
    """A failed call changes nothing; of the resets half come before the call is done, and half after it."""
    account = Account(failures=0.1, resets=0.2)
    outcomes: Counter[str] = Counter()
    for number in range(400):
        try:
            account.call("route53", "CreateHostedZone", Name=f"z{number}.net", CallerReference=str(number))
        except (ServiceError, ConnectionCut) as error:
            outcomes[type(error).__name__] += 1
    assert 20 < outcomes["ServiceError"] < 60
    assert 55 < outcomes["ConnectionCut"] < 105
    zones = [resource for resource in list_resources(account.world) if resource.kind == "route53:zone"]
    done = 400 - outcomes["ServiceError"] - outcomes["ConnectionCut"]
    assert done + 20 < len(zones) < done + 60


def test_other_teams_have_resources_of_each_kind() -> None:
    """They are there with the first call, tagged and untagged, once; three of five VPCs are theirs."""
    account = Account(residents="some")

    run(account, "servicediscovery", "ListNamespaces")
    asyncio.run(account.world.clock.advance(1))
    found = list_resources(account.world, ACCOUNT)
    assert Counter(resource.kind for resource in found) == {
        "cloudmap:instance": 4, "cloudmap:namespace": 4, "cloudmap:service": 4, "ec2:internet-gateway": 2,
        "ec2:nat-gateway": 1, "ec2:route-table": 1, "ec2:subnet": 7, "ec2:vpc": 4,
        "ecs:cluster": 2, "ecs:service": 2, "ecs:task-definition": 1, "route53:health-check": 1, "route53:zone": 4,
    }  # fmt: skip
    assert {bool(resource.tags) for resource in found if resource.kind == "cloudmap:namespace"} == {True, False}
    assert {resource.name for resource in found if resource.name.startswith("surveyor-")} == {
        "surveyor-dashboards", "surveyor-metrics"
    }  # fmt: skip
    asyncio.run(account.world.clock.advance(100))
    run(account, "servicediscovery", "ListNamespaces")
    assert list_resources(account.world, ACCOUNT) == found


def test_a_new_rule_matches_events_later() -> None:
    """Until the lag is over no event reaches the target of a rule; a change of its targets begins it anew."""
    world, account = World(Settings(scale=None, rule_lag=Delay(4.0, 5.0)), Clock(start=1_000.0, scale=None)), "1" * 12
    world.endpoint, wire = "http://127.0.0.1:1", JsonProtocol(load_service_model("events"))

    def call(service: str, operation: str, **params: Any) -> Any:
        made = Call(world, account, REGION, f"arn:aws:iam::{account}:root", service, operation)
        return orjson.loads(services.answer(made, ParsedRequest(operation, params), wire, "id").body or b"{}")

    def received(seconds: float) -> int:
        asyncio.run(world.clock.advance(seconds))
        eventbridge.publish(world, account, REGION, "aws.ecs", "kind", {}, [])
        return len(call("sqs", "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages") or ())

    services.load("events")
    queue = call("sqs", "CreateQueue", QueueName="events")["QueueUrl"]
    targets = [{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{account}:events"}]
    call("events", "PutRule", Name="rule", EventPattern='{"source": ["aws.ecs"]}')
    asyncio.run(world.clock.advance(10))
    call("events", "PutTargets", Rule="rule", Targets=targets)
    assert [received(seconds) for seconds in (0, 3.9, 1.1)] == [0, 0, 1]


def test_the_inventory_is_listed_while_moto_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of moto that a thread still executes has no backends yet, so it has no resources either."""
    monkeypatch.setitem(sys.modules, "moto.sqs.models", ModuleType("moto.sqs.models"))
    assert list_resources(Account().world, ACCOUNT) == []


def test_a_change_of_policies_takes_effect_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the lag is over the earlier policies decide; a principal that is seen for the first time has its own."""
    world = World(Settings(scale=None, iam_lag=Delay(2.0, 5.0)), Clock(start=1_000.0, scale=None))
    caller = Caller(Principal(f"arn:aws:iam::{ACCOUNT}:user/u", ACCOUNT, "user"), ("user", "u"), "AIDA")
    old, new = PolicySet(()), PolicySet((), boundary=())
    assert old != new
    current = [old]
    monkeypatch.setattr("surveyor_emulator.aws.iam.moto_store.policies_of_caller", lambda _: current[0])
    assert authorise._policies_in_effect(world, caller) is old
    current[0] = new
    assert authorise._policies_in_effect(world, caller) is old
    asyncio.run(world.clock.advance(1.9))
    assert authorise._policies_in_effect(world, caller) is old
    asyncio.run(world.clock.advance(5))
    assert authorise._policies_in_effect(world, caller) is new
