"""Endpoints that fail and recover, as each observer sees them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    Clock,
    Eventually,
    MakeProbedServer,
    MakeService,
    ProbedServer,
    QueryDns,
    Register,
    proves,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


# Three checks in a row, the answer to the last, and how long DNS takes to follow.
THREE_CHECKS = 3 * timeouts.PROBE_INTERVAL + timeouts.DNS_CHANGE


@pytest.fixture
def servers(make_probed_server: MakeProbedServer) -> dict[str, ProbedServer]:
    """Two servers by the id of their instance."""
    return {"one": make_probed_server(), "other": make_probed_server()}


class Views:
    """A service in a public namespace as DNS and DiscoverInstances show it."""

    def __init__(self, cloudmap: ServiceDiscoveryClient, query_dns: QueryDns, namespace: Any, service: Any) -> None:
        self.cloudmap, self.ask, self.namespace, self.service = cloudmap, query_dns, namespace, service

    def discovered(self, **how: Any) -> set[str]:
        """Ids that DiscoverInstances returns."""
        of = {"NamespaceName": self.namespace["Name"], "ServiceName": self.service["Name"]}
        return {one["InstanceId"] for one in self.cloudmap.discover_instances(**of, **how)["Instances"]}

    def answered(self, kind: str = "A", looks: int = 1) -> set[str]:
        """Addresses in so many answers of DNS."""
        name = f"{self.service['Name']}.{self.namespace['Name']}"
        replies = [self.ask(name, kind, namespace=self.namespace) for _ in range(looks)]
        return {rdata.to_text() for reply in replies for rrset in reply.answer for rdata in rrset}


@pytest.fixture
def views(
    cloudmap: ServiceDiscoveryClient,
    query_dns: QueryDns,
    make_service: MakeService,
    register: Register,
    eventually: Eventually,
    public_namespace: dict[str, Any],
    servers: dict[str, ProbedServer],
    policy: str,
) -> Views:
    """Two servers in one service; both are discovered and answered."""
    records = {"RoutingPolicy": policy, "DnsRecords": [{"Type": "A", "TTL": 60}]}
    service = make_service(public_namespace, DnsConfig=records, HealthCheckConfig={"Type": "HTTP"})
    for instance, server in servers.items():
        register(service, instance, server.attributes)
    made = Views(cloudmap, query_dns, public_namespace, service)
    both = {server.address for server in servers.values()}
    # Of two equal weights forty answers miss one less than once in 500,000,000,000.
    eventually(lambda: made.answered(looks=40) == both and len(made.discovered()) == 2, within=timeouts.DNS_CHANGE)
    return made


@proves("health.route53.threshold-counts-both-ways")
@pytest.mark.parametrize(("given", "threshold"), [({}, 3), ({"FailureThreshold": 1}, 1), ({"FailureThreshold": 5}, 5)])
def test_threshold_counts_both_ways(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    clock: Clock,
    eventually: Eventually,
    http_namespace: dict[str, Any],
    make_probed_server: MakeProbedServer,
    given: dict[str, Any],
    threshold: int,
) -> None:
    """One result short of the threshold nothing has moved; at the threshold it has, to unhealthy and back."""
    server = make_probed_server()
    service = make_service(http_namespace, HealthCheckConfig={"Type": "HTTP", **given})["Id"]
    register(service, "i-1", server.attributes)

    def status() -> str:
        return str(cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"])

    def turn(answer: int, before: str, after: str) -> None:
        checkers = set(server.sources)
        server.answer(answer)
        server.forget()
        for results in range(1, threshold):
            # None of the checkers has had more, whether or not the others have had as many.
            eventually(lambda: max(Counter(server.sources).values(), default=0) >= results, within=40)  # noqa: B023 (called at once)
            assert status() == before, f"after {results} of {threshold}"
        eventually(lambda: min(Counter(server.sources)[one] for one in checkers) >= threshold, within=30 * threshold)
        # An answer that comes too late is one more failure, and recovery is counted from the start again.
        again = timeouts.PROBE_INTERVAL * threshold if answer == 200 else 0
        eventually(lambda: status() == after, within=5 + again)

    clock.wait(2 * timeouts.PROBE_INTERVAL)
    turn(503, "HEALTHY", "UNHEALTHY")
    turn(200, "UNHEALTHY", "HEALTHY")


@proves("health.route53.threshold-counts-both-ways")
@pytest.mark.parametrize("policy", ["MULTIVALUE", "WEIGHTED"])
def test_an_unhealthy_instance_leaves_every_view_and_returns(
    views: Views, servers: dict[str, ProbedServer], eventually: Eventually
) -> None:
    """DNS and DiscoverInstances hold the other instance alone while one fails, and both when it has recovered."""
    servers["one"].answer(503)
    eventually(lambda: views.discovered() == {"other"}, within=THREE_CHECKS)
    eventually(lambda: views.answered(looks=40) == {servers["other"].address}, within=timeouts.DNS_CHANGE)
    assert views.discovered(HealthStatus="UNHEALTHY") == {"one"}
    assert views.discovered(HealthStatus="ALL") == {"one", "other"}
    servers["one"].answer(200)
    eventually(lambda: views.discovered() == {"one", "other"}, within=THREE_CHECKS)
    both = {server.address for server in servers.values()}
    eventually(lambda: views.answered(looks=40) == both, within=timeouts.DNS_CHANGE)


@proves("health.route53.threshold-counts-both-ways")
@pytest.mark.parametrize("policy", ["MULTIVALUE", "WEIGHTED"])
def test_with_none_healthy_answers_fail_open(
    views: Views, servers: dict[str, ProbedServer], eventually: Eventually
) -> None:
    """When all endpoints have failed, DNS answers them nonetheless, and HEALTHY_OR_ELSE_ALL returns them."""
    for server in servers.values():
        server.refuse()
    eventually(lambda: views.discovered() == set(), within=THREE_CHECKS)
    assert views.discovered(HealthStatus="HEALTHY_OR_ELSE_ALL") == {"one", "other"}
    assert views.answered(looks=40) == {server.address for server in servers.values()}


@proves("health.route53.healthy-until-known")
@pytest.mark.parametrize("policy", ["MULTIVALUE"])
def test_a_dead_endpoint_is_healthy_at_first(
    views: Views, make_probed_server: MakeProbedServer, register: Register, eventually: Eventually, cloudmap: Any
) -> None:
    """Registered dead, an instance is answered and discovered as healthy, and after three checks no longer."""
    dead = make_probed_server()
    dead.refuse()
    register(views.service, "dead", dead.attributes)
    eventually(lambda: "dead" in views.discovered() and dead.address in views.answered(), within=20)
    # Cloud Map may say UNKNOWN of it while Route 53 counts it as healthy.
    assert cloudmap.get_instances_health_status(ServiceId=views.service["Id"])["Status"]["dead"] != "UNHEALTHY"
    eventually(lambda: views.discovered() == {"one", "other"}, within=THREE_CHECKS)
    eventually(lambda: dead.address not in views.answered(), within=timeouts.DNS_CHANGE)


@proves("health.route53.threshold-counts-both-ways")
def test_of_two_addresses_the_ipv4_one_decides_for_both(
    cloudmap: ServiceDiscoveryClient,
    query_dns: QueryDns,
    make_service: MakeService,
    register: Register,
    eventually: Eventually,
    clock: Clock,
    public_namespace: dict[str, Any],
    make_probed_server: MakeProbedServer,
) -> None:
    """With A and AAAA a dead IPv6 address changes nothing, and a dead IPv4 one takes both records out."""
    kinds = [{"Type": kind, "TTL": 60} for kind in ("A", "AAAA")]
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": kinds}
    service = make_service(public_namespace, DnsConfig=records, HealthCheckConfig={"Type": "TCP"})
    half, whole = make_probed_server(), make_probed_server()
    register(service, "half", {**half.attributes, "AWS_INSTANCE_IPV6": "::1"})
    register(service, "whole", {**whole.attributes, "AWS_INSTANCE_IPV6": "2001:db8::2"})
    views = Views(cloudmap, query_dns, public_namespace, service)
    clock.wait(THREE_CHECKS)
    assert views.answered("A") == {half.address, whole.address}
    assert views.answered("AAAA") == {"::1", "2001:db8::2"}
    half.refuse()
    eventually(lambda: views.answered("A") == {whole.address}, within=THREE_CHECKS)
    assert views.answered("AAAA") == {"2001:db8::2"}
