"""A real dnsmasq or unbound on premises forwards to an inbound endpoint, and keeps answers. Times are wall seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from surveyor.clock import WallClock
from tests.emulator.resolver.forwarders import ask_forwarder, dnsmasq, find_program, unbound
from tests.emulator.resolver.network import Network

pytestmark = [pytest.mark.soak]
needs_dnsmasq = pytest.mark.skipif(find_program("dnsmasq") is None, reason="dnsmasq is not installed")
needs_unbound = pytest.mark.skipif(find_program("unbound") is None, reason="unbound is not installed")

CLOCK = WallClock()
TTL = 3
SLACK = 1.5
"""Seconds by which an answer may be kept longer or shorter: TTLs are whole seconds, and processors are shared."""


class Registry:
    """A namespace in the first VPC, and a service to which hosts on premises are registered by hand."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.cloudmap = network.client("servicediscovery")
        started = self.cloudmap.create_private_dns_namespace(
            Name="corp.test", Vpc=network.vpcs[0], Properties={"DnsProperties": {"SOA": {"TTL": TTL}}}
        )
        network.control.advance(60)
        operation = self.cloudmap.get_operation(OperationId=started["OperationId"])["Operation"]
        dns = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": TTL}]}
        made = self.cloudmap.create_service(Name="web", NamespaceId=operation["Targets"]["NAMESPACE"], DnsConfig=dns)
        self.service = made["Service"]["Id"]
        self.inbound = network.endpoint("INBOUND", network.vpcs[0])
        self.address = network.addresses(self.inbound)[0]
        server = network.control.inbound_address(network.account, "us-east-1", self.address)
        self.server = server.address, server.port

    def register(self, number: int) -> None:
        """Register a host."""
        attributes = {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"}
        self.cloudmap.register_instance(ServiceId=self.service, InstanceId=f"host-{number}", Attributes=attributes)
        self.network.control.advance(60)

    def deregister(self, number: int) -> None:
        """Deregister a host."""
        self.cloudmap.deregister_instance(ServiceId=self.service, InstanceId=f"host-{number}")
        self.network.control.advance(60)


@pytest.fixture
def registry(network: Network) -> Registry:
    """Return a service with one host, which no resolver has asked for."""
    made = Registry(network)
    made.register(1)
    return made


def seconds_until(condition: Callable[[], bool]) -> float:
    """Return the wall seconds until a condition is true, 15 at most."""
    began = time.monotonic()
    while time.monotonic() - began < 15 and not condition():
        CLOCK.wait(0.05)
    return time.monotonic() - began


@needs_dnsmasq
def test_dnsmasq_keeps_an_answer_for_its_ttl(registry: Registry) -> None:
    """A host that is deregistered is answered until the TTL is over, and not after it."""
    registry.register(2)
    with dnsmasq("corp.test", registry.server) as port:
        assert ask_forwarder("web.corp.test", port) == ("NOERROR", ["192.0.2.1", "192.0.2.2"])
        asked = time.monotonic()
        registry.deregister(1)
        assert registry.network.ask_inbound("web.corp.test", registry.address) == ("NOERROR", ["192.0.2.2"])
        seconds_until(lambda: ask_forwarder("web.corp.test", port)[1] == ["192.0.2.2"])
        assert TTL - SLACK < time.monotonic() - asked < TTL + SLACK


@needs_dnsmasq
def test_dnsmasq_keeps_that_a_name_is_absent(registry: Registry) -> None:
    """A name that was asked for too early is absent for the zone's negative TTL."""
    registry.deregister(1)
    with dnsmasq("corp.test", registry.server) as port:
        assert ask_forwarder("web.corp.test", port)[1] == []
        asked = time.monotonic()
        registry.register(2)
        assert registry.network.ask_inbound("web.corp.test", registry.address) == ("NOERROR", ["192.0.2.2"])
        seconds_until(lambda: ask_forwarder("web.corp.test", port)[1] == ["192.0.2.2"])
        assert TTL - SLACK < time.monotonic() - asked < TTL + SLACK


@needs_unbound
def test_unbound_serves_expired_answers_once(registry: Registry, tmp_path: Path) -> None:
    """With serve-expired the first question after the TTL gets the dead host, which the next ones do not."""
    registry.register(2)
    options = ("serve-expired: yes", "serve-expired-client-timeout: 0")
    with unbound("corp.test", registry.server, tmp_path, *options) as port:
        assert ask_forwarder("web.corp.test", port) == ("NOERROR", ["192.0.2.1", "192.0.2.2"])
        registry.deregister(1)
        CLOCK.wait(TTL + 1)
        assert ask_forwarder("web.corp.test", port) == ("NOERROR", ["192.0.2.1", "192.0.2.2"])
        assert seconds_until(lambda: ask_forwarder("web.corp.test", port)[1] == ["192.0.2.2"]) < SLACK


@needs_unbound
@needs_dnsmasq
def test_an_endpoint_that_is_gone(registry: Registry, tmp_path: Path) -> None:
    """After the TTL dnsmasq has no answer any more, and unbound with serve-expired still has the old one."""
    options = ("serve-expired: yes", "serve-expired-client-timeout: 0")
    with (
        dnsmasq("corp.test", registry.server) as plain,
        unbound("corp.test", registry.server, tmp_path, *options) as serving,
    ):
        for port in (plain, serving):
            assert ask_forwarder("web.corp.test", port) == ("NOERROR", ["192.0.2.1"])
        registry.network.resolver.delete_resolver_endpoint(ResolverEndpointId=registry.inbound)
        CLOCK.wait(TTL + 1)
        assert ask_forwarder("web.corp.test", plain)[1] == []
        assert ask_forwarder("web.corp.test", serving) == ("NOERROR", ["192.0.2.1"])


@needs_dnsmasq
def test_a_vpc_finds_hosts_of_dnsmasq(registry: Registry) -> None:
    """A rule forwards a domain on premises to dnsmasq, which has the host."""
    network, vpc = registry.network, registry.network.vpcs[0]
    with dnsmasq("corp.test", registry.server, "--address=/db.site.test/192.0.2.77") as port:
        network.forward("site.test", vpc, network.endpoint("OUTBOUND", vpc), [{"Ip": "127.0.0.1", "Port": port}])
        assert network.ask("db.site.test", vpc) == ("NOERROR", ["192.0.2.77"])


@needs_dnsmasq
def test_a_loop_through_dnsmasq_ends(registry: Registry) -> None:
    """The VPC forwards the namespace's domain to dnsmasq, and this back: both answer within seconds, without a host."""
    network, vpc = registry.network, registry.network.vpcs[0]
    with dnsmasq("corp.test", registry.server) as port:
        network.forward("corp.test", vpc, network.endpoint("OUTBOUND", vpc), [{"Ip": "127.0.0.1", "Port": port}])
        began = time.monotonic()
        assert network.ask("web.corp.test", vpc) == ("SERVFAIL", [])
        assert ask_forwarder("web.corp.test", port)[1] == []
        assert time.monotonic() - began < 10
