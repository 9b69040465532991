"""Tasks of suites have a way to the registry of their image: the routes of their subnets decide by which address."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.fixtures.routes import network_configuration

SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1"}
TO_INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
TO_NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}


def table(*routes: dict[str, str], vpc: str = "vpc-1", **association: object) -> dict[str, Any]:
    """Return a route table with one association."""
    return {"VpcId": vpc, "Routes": [LOCAL, *routes], "Associations": [association]}


def assigned(*tables: dict[str, Any], subnet: dict[str, Any] = SUBNET, public: bool = False) -> str:
    """Return assignPublicIp for a subnet in a VPC with these tables."""
    pages = SimpleNamespace(paginate=lambda **filters: [{"RouteTables": list(tables)}])
    target = SimpleNamespace(place=SimpleNamespace(public=public), is_one_account=True)
    network = network_configuration(
        SimpleNamespace(target=target),  # type: ignore[arg-type]  # what the function reads of a target
        SimpleNamespace(get_paginator=lambda name: pages),  # type: ignore[arg-type]  # and of a client
        [subnet],
        ("sg-1",),
    )["awsvpcConfiguration"]
    assert (network["subnets"], network["securityGroups"]) == (["subnet-1"], ["sg-1"])
    return str(network["assignPublicIp"])


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([table(TO_INTERNET, Main=True)], "ENABLED"),
        ([table(TO_NAT, Main=True)], "DISABLED"),
        ([table(Main=True)], "DISABLED"),
        ([table(TO_INTERNET, Main=True), table(TO_NAT, SubnetId="subnet-1")], "DISABLED"),
        ([table(TO_NAT, Main=True), table(TO_INTERNET, SubnetId="subnet-1")], "ENABLED"),
        ([table(TO_NAT, Main=True), table(TO_INTERNET, SubnetId="subnet-2")], "DISABLED"),
        ([table(TO_INTERNET, Main=True, vpc="vpc-2")], "DISABLED"),
        ([table({"DestinationCidrBlock": "192.0.2.0/24", "GatewayId": "igw-1"}, Main=True)], "DISABLED"),
        ([table({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vgw-1"}, Main=True)], "DISABLED"),
    ],
)
def test_tasks_have_public_addresses_in_public_subnets(tables: list[dict[str, Any]], expected: str) -> None:
    """The table of the subnet decides, or the main one of its VPC: a default route to an internet gateway is public."""
    assert assigned(*tables) == expected


def test_ipv6_only_subnets_have_no_public_addresses() -> None:
    """There the route is enough."""
    assert assigned(table(TO_INTERNET, Main=True), subnet={**SUBNET, "Ipv6Native": True}) == "DISABLED"


def test_the_target_file_may_ask_for_public_addresses() -> None:
    """With `public` no route table is read."""
    assert assigned(public=True) == "ENABLED"


@pytest.mark.parametrize("is_one_account", [False, True])
def test_targets_without_route_tables_need_none(is_one_account: bool) -> None:
    """An emulator may lack the call; what an account refuses is reported."""

    def refuse(name: str) -> Any:
        raise ClientError({"Error": {"Code": "NotImplemented"}}, "DescribeRouteTables")

    target = SimpleNamespace(place=SimpleNamespace(public=False), is_one_account=is_one_account)
    arguments: Any = (SimpleNamespace(target=target), SimpleNamespace(get_paginator=refuse), [SUBNET], ())
    if is_one_account:
        with pytest.raises(ClientError):
            network_configuration(*arguments)
    else:
        assert network_configuration(*arguments)["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
