"""Tasks in subnets with IPv6."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    Eventually,
    MakeEcsService,
    MakeNamespace,
    MakeService,
    MakeTaskDefinition,
    QueryDns,
    TasksOf,
    WaitUntilSteady,
    address_of,
    proves,
    record_values,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


AAAA: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "AAAA", "TTL": 10}]}


@proves("ecs.dns.ipv6-is-registered")
@pytest.mark.parametrize("only", [False, True], ids=["dual stack", "IPv6 only"])
def test_ipv6_addresses_are_registered(
    ec2: EC2Client,
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    query_dns: QueryDns,
    eventually: Eventually,
    only: bool,
) -> None:
    """The instance has the IPv6 address, and the IPv4 address if the interface has one; AAAA returns the address."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]

    def block() -> str:
        blocks = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
        return "".join(
            found["Ipv6CidrBlock"] for found in blocks if found["Ipv6CidrBlockState"]["State"] == "associated"
        )

    whole = IPv6Network(eventually(block, within=timeouts.OPERATION))
    part = str(next(whole.subnets(new_prefix=64)))
    kind: Any = {"Ipv6Native": True} if only else {"CidrBlock": "10.9.1.0/24"}
    subnet = ec2.create_subnet(VpcId=vpc, Ipv6CidrBlock=part, **kind)["Subnet"]["SubnetId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    namespace = make_namespace("private", Vpc=vpc)
    registry = make_service(namespace, DnsConfig=AAAA)
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, networkConfiguration=network))
    (task,) = tasks_of(service)
    (instance,) = cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]
    attributes, address = instance["Attributes"], address_of(task, "ipv6Address")
    assert attributes["AWS_INSTANCE_IPV6"] == address
    assert attributes.get("AWS_INSTANCE_IPV4", "") == ("" if only else address_of(task))
    name = f"{registry['Name']}.{namespace['Name']}"

    def answers() -> list[str]:
        return record_values(query_dns(name, "AAAA", namespace), name, "AAAA")

    assert eventually(answers, within=timeouts.DNS_CHANGE) == [address]
