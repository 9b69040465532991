"""Names of load balancers are recognised and resolved."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from surveyor_emulator.aws.route53.load_balancers import is_load_balancer, load_balancer_addresses
from surveyor_emulator.core.world import World

DOCUMENTATION = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web-123.us-east-1.elb.amazonaws.com.", True),
        ("dualstack.web-123.us-east-1.elb.amazonaws.com.", True),
        ("net-123.elb.eu-west-1.amazonaws.com.", True),
        ("web-123.cn-north-1.elb.amazonaws.com.cn.", True),
        ("elb.amazonaws.com.", False),
        ("web.s3.amazonaws.com.", False),
        ("web.elb.amazonaws.com.example.com.", False),
    ],
)
def test_names_of_elastic_load_balancing(name: str, expected: bool) -> None:
    """Names of application and network load balancers are recognised in both partitions."""
    assert is_load_balancer(name) is expected


def test_addresses_are_for_documentation_only(world: World) -> None:
    """Each family has two addresses, which never change and are in networks reserved for documentation."""
    name = "dualstack.web-1.us-east-1.elb.amazonaws.com."
    for kind in ("A", "AAAA"):
        found = load_balancer_addresses(world, name, kind)
        assert found == load_balancer_addresses(world, name, kind)
        assert (len(set(found.values)), found.ttl) == (2, 60)
        assert all(any(ip_address(value) in network for network in DOCUMENTATION) for value in found.values)
    assert not load_balancer_addresses(world, "web-1.us-east-1.elb.amazonaws.com.", "AAAA")
    assert not load_balancer_addresses(world, name, "MX")
