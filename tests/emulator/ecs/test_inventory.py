"""The inventory lists whatever is made in an account, and nothing that is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.ecs.conftest import Ecs


EMPTY_ARCHIVE = b"PK\x05\x06" + bytes(18)
"""A zip archive without files."""


def inventory(ecs: Ecs) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the resources of the account by kind and id."""
    found = ecs.control(f"inventory?account={ecs.account}")["resources"]
    return {(entry["kind"], entry["id"]): entry for entry in found}


def test_an_unused_account_has_its_default_network(ecs: Ecs) -> None:
    """A new account has the default VPC with its subnets and gateway, and here a cluster."""
    assert {kind for kind, _ in inventory(ecs)} == {"ec2:internet-gateway", "ec2:vpc", "ec2:subnet", "ecs:cluster"}


def make_all(ecs: Ecs) -> None:
    """Make a resource of each kind that a run may make."""
    registry = ecs.registry(HealthCheckCustomConfig={"FailureThreshold": 1})
    ecs.cloudmap.register_instance(
        ServiceId=registry["Id"], InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"}
    )
    ecs.wait(10)
    route53, elb = ecs.client("route53"), ecs.client("elbv2")
    route53.create_hosted_zone(Name="example.net", CallerReference="1")
    route53.create_health_check(
        CallerReference="2", HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 1}
    )
    ecs.define()
    ecs.create(count=0)
    ecs.run()
    vpc = ecs.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ecs.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")
    ecs.ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)
    ecs.ec2.create_internet_gateway()
    ecs.ec2.create_route_table(VpcId=vpc)
    ecs.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=ecs.subnet)
    subnets = [found["SubnetId"] for found in ecs.ec2.describe_subnets()["Subnets"][:2]]
    elb.create_load_balancer(Name="lb", Subnets=subnets, Scheme="internal")
    elb.create_target_group(Name="tg", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    ecs.client("ram").create_resource_share(name="share")
    iam = ecs.client("iam")
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    iam.create_user(UserName="u")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(allow))
    ecs.client("logs").create_log_group(logGroupName="/l")
    alarm = {"MetricName": "m", "Namespace": "n", "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
    ecs.client("cloudwatch").put_metric_alarm(AlarmName="a", Period=60, EvaluationPeriods=1, Threshold=1, **alarm)
    ecs.client("lambda").create_function(
        FunctionName="f", Runtime="python3.11", Role="arn:aws:iam::111122223333:role/r", Handler="f.f",
        Code={"ZipFile": EMPTY_ARCHIVE},
    )  # fmt: skip
    ecs.client("sqs").create_queue(QueueName="q")
    ecs.client("events").put_rule(Name="rule", EventPattern='{"source": ["aws.ecs"]}')


def test_each_kind_is_listed(ecs: Ecs) -> None:
    """Resources of every service are listed with name and tags; those of other accounts are not."""
    before = inventory(ecs)
    make_all(ecs)
    made = {key: entry for key, entry in inventory(ecs).items() if key not in before}
    assert {kind for kind, _ in made} == {
        "cloudmap:instance", "cloudmap:namespace", "cloudmap:service", "cloudwatch:alarm", "ec2:instance",
        "ec2:internet-gateway", "ec2:route-table", "ec2:security-group", "ec2:subnet", "ec2:vpc", "ecs:service",
        "ecs:task", "ecs:task-definition", "elb:load-balancer", "elb:target-group", "events:rule", "iam:policy",
        "iam:role", "iam:user", "lambda:function", "logs:group", "ram:share", "route53:health-check", "route53:zone",
        "sqs:queue",
    }  # fmt: skip
    assert {entry["account"] for entry in made.values()} == {ecs.account}


def test_what_is_deleted_is_gone_and_what_is_changed_differs(ecs: Ecs) -> None:
    """Tags and settings show a change; after everything is deleted, the inventory is that of before."""
    before = inventory(ecs)
    [arn] = [id_ for kind, id_ in before if kind == "ecs:cluster"]
    ecs.ecs.tag_resource(resourceArn=arn, tags=[{"key": "k", "value": "v"}])
    assert inventory(ecs)["ecs:cluster", arn]["tags"] == {"k": "v"}
    ecs.ecs.untag_resource(resourceArn=arn, tagKeys=["k"])
    zone = ecs.client("route53").create_hosted_zone(Name="example.net", CallerReference="1")["HostedZone"]["Id"]
    ecs.client("logs").create_log_group(logGroupName="/l")
    assert len(inventory(ecs)) == len(before) + 2
    [vpc] = [id_ for kind, id_ in before if kind == "ec2:vpc"]
    route = {"RouteTableId": ecs.ec2.describe_route_tables()["RouteTables"][0]["RouteTableId"]}
    route["DestinationCidrBlock"] = "192.0.2.0/24"
    [gateway] = [id_ for kind, id_ in before if kind == "ec2:internet-gateway"]
    ecs.ec2.create_route(**route, GatewayId=gateway)
    assert inventory(ecs)["ec2:vpc", vpc]["settings"]["routes"]["192.0.2.0/24"] == gateway
    ecs.ec2.delete_route(**route)
    ecs.client("route53").delete_hosted_zone(Id=zone)
    ecs.client("logs").delete_log_group(logGroupName="/l")
    assert inventory(ecs) == before


@pytest.mark.parametrize("query", ["account=1", "account=x", "vpc=1"])
def test_other_questions_are_refused(ecs: Ecs, query: str) -> None:
    """The answer is 400."""
    with pytest.raises(OSError, match="400"):
        ecs.control(f"inventory?{query}")
