"""A VPC's resolver asks where its rules say, over real sockets."""

from __future__ import annotations

import time

import pytest

from tests.emulator.resolver.network import Network, OutsideServer


def test_the_most_specific_of_rules_and_zones_decides(network: Network, outside: OutsideServer) -> None:
    """Of one domain the rule wins over the zone, below it the zone, and a SYSTEM rule ends what is forwarded."""
    vpc = network.vpcs[0]
    network.zone("corp.test", vpc, {"web.corp.test": ["192.0.2.1"]})
    network.zone("deep.corp.test", vpc, {"web.deep.corp.test": ["192.0.2.2"]})
    network.zone("own.test", vpc, {"web.own.test": ["192.0.2.3"]})
    outside.records |= {f"web.{domain}.": ["198.51.100.9"] for domain in ("corp.test", "deep.corp.test", "own.test")}
    outbound, target = network.endpoint("OUTBOUND", vpc), [{"Ip": "127.0.0.1", "Port": outside.port}]
    rule = network.forward("corp.test", vpc, outbound, target)
    network.forward("test", vpc, outbound, target)
    assert network.ask("web.corp.test", vpc) == ("NOERROR", ["198.51.100.9"])
    assert network.ask("nothing.corp.test", vpc) == ("NXDOMAIN", [])
    assert network.ask("WEB.deep.corp.test", vpc) == ("NOERROR", ["192.0.2.2"])
    assert network.ask("web.own.test", vpc) == ("NOERROR", ["192.0.2.3"])
    assert network.ask("other.test", vpc) == ("NXDOMAIN", [])
    network.associate(network.rule("SYSTEM", "web.corp.test"), vpc)
    assert network.ask("web.corp.test", vpc) == ("NOERROR", ["192.0.2.1"])
    assert network.ask("web.corp.test", network.vpcs[1])[0] == "REFUSED"  # neither zone nor rule
    network.resolver.disassociate_resolver_rule(ResolverRuleId=rule, VPCId=vpc)
    assert network.ask("nothing.corp.test", vpc) == ("NXDOMAIN", [])
    assert ("udp", "nothing.corp.test.") in outside.asked


def test_a_truncated_answer_is_fetched_over_tcp(network: Network, outside: OutsideServer) -> None:
    """The resolver asks again over TCP; the answer to a client without EDNS is truncated, so that it does the same."""
    vpc = network.vpcs[0]
    outside.records["many.corp.test."] = [f"198.51.100.{number}" for number in range(1, 60)]
    network.forward("corp.test", vpc, network.endpoint("OUTBOUND", vpc), [{"Ip": "127.0.0.1", "Port": outside.port}])
    assert network.ask("many.corp.test", vpc) == ("NOERROR", [])
    assert {transport for transport, _ in outside.asked} == {"udp", "tcp"}
    assert len(network.ask("many.corp.test", vpc, tcp=True)[1]) == 59


def test_an_alias_is_followed_into_a_forwarded_domain(network: Network, outside: OutsideServer) -> None:
    """A CNAME of a private zone leads to what a rule forwards: the answer has both."""
    vpc = network.vpcs[0]
    network.zone("corp.test", vpc, {"old.corp.test": "web.site.test"})
    outside.records["web.site.test."] = ["198.51.100.7"]
    network.forward("site.test", vpc, network.endpoint("OUTBOUND", vpc), [{"Ip": "127.0.0.1", "Port": outside.port}])
    assert network.ask("old.corp.test", vpc) == ("NOERROR", ["198.51.100.7", "web.site.test."])


def test_names_of_others_may_have_any_octets(network: Network, outside: OutsideServer) -> None:
    """A CNAME with octets that no zone here would have, and an answer that is none, are survived."""
    vpc = network.vpcs[0]
    strange = "a\\009\\255\\046b.site.test."
    outside.redirects["web.site.test."] = strange
    network.forward("site.test", vpc, network.endpoint("OUTBOUND", vpc), [{"Ip": "127.0.0.1", "Port": outside.port}])
    assert network.ask("web.site.test", vpc) == ("NOERROR", ["a\\009\\255\\.b.site.test."])
    network.block(vpc, ["other.test"], {"Action": "BLOCK", "BlockResponse": "NXDOMAIN"})
    assert network.ask("web.site.test", vpc)[0] == "NOERROR"
    outside.garbage = b"\0" * 40
    assert network.ask("new.site.test", vpc) == ("SERVFAIL", [])


@pytest.mark.soak
def test_a_target_that_is_silent_is_not_the_only_one(network: Network, outside: OutsideServer) -> None:
    """The other target answers; without any, and at addresses that are not of this machine, it is SERVFAIL."""
    vpc = network.vpcs[0]
    outside.records["web.corp.test."] = ["198.51.100.7"]
    outbound = network.endpoint("OUTBOUND", vpc)
    here = {"Ip": "127.0.0.1", "Port": outside.port}
    network.forward("corp.test", vpc, outbound, [{"Ip": "203.0.113.9"}, here])
    network.forward("gone.test", vpc, outbound, [{"Ip": "203.0.113.9"}])
    assert network.ask("web.corp.test", vpc) == ("NOERROR", ["198.51.100.7"])
    assert network.ask("web.gone.test", vpc) == ("SERVFAIL", [])
    outside.is_silent = True
    assert network.ask("web.corp.test", vpc) == ("SERVFAIL", [])


def test_inbound_endpoints_answer_as_the_resolver_of_their_vpc(network: Network) -> None:
    """Each address answers with the zones of the VPC, until it is removed; another VPC forwards to them."""
    hub, spoke = network.vpcs
    network.zone("corp.test", hub, {"web.corp.test": ["192.0.2.1"]})
    network.zone("corp.test", spoke, {"web.corp.test": ["192.0.2.2"]})
    inbound, outbound = network.endpoint("INBOUND", hub), network.endpoint("OUTBOUND", hub)
    addresses = network.addresses(inbound)
    assert [network.ask_inbound("web.corp.test", ip) for ip in addresses] == [("NOERROR", ["192.0.2.1"])] * 2
    assert network.ask("web.corp.test", spoke) == ("NOERROR", ["192.0.2.2"])
    network.forward("corp.test", spoke, outbound, [{"Ip": ip} for ip in addresses])
    assert network.ask("web.corp.test", spoke) == ("NOERROR", ["192.0.2.1"])
    network.resolver.delete_resolver_endpoint(ResolverEndpointId=inbound)
    assert network.ask("web.corp.test", spoke) == ("SERVFAIL", [])


@pytest.mark.soak
def test_a_loop_of_forwarders_ends(network: Network) -> None:
    """Two VPCs forward a domain to each other: one question becomes SERVFAIL, and no more packets travel."""
    first, second = network.vpcs
    ends = {vpc: (network.endpoint("INBOUND", vpc), network.endpoint("OUTBOUND", vpc)) for vpc in (first, second)}
    for vpc, other in ((first, second), (second, first)):
        targets = [{"Ip": network.addresses(ends[other][0])[0]}]
        network.forward("corp.test", vpc, ends[vpc][1], targets)
    began = time.monotonic()
    assert network.ask("web.corp.test", first) == ("SERVFAIL", [])
    assert time.monotonic() - began < 5


@pytest.mark.soak
def test_packets_beyond_the_limit_are_dropped(network: Network) -> None:
    """A second has as many packets of one client as the setting says; the rest is not answered."""
    vpc = network.vpcs[0]
    network.zone("corp.test", vpc, {"web.corp.test": ["192.0.2.1"]})
    network.set("resolver_packets=40")
    try:
        assert 40 <= network.answered("web.corp.test", vpc, 200) < 120
    finally:
        network.set()
    assert network.answered("web.corp.test", vpc, 200) == 200
