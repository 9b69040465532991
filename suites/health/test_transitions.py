"""Endpoints that fail and recover, as DNS and DiscoverInstances show them."""

from collections import Counter

import pytest

from surveyor.testing import dns_config, for_each, proves, timeouts

# Three checks in a row, and the delay until DNS shows their result.
THREE_CHECKS = 3 * timeouts.PROBE_INTERVAL + timeouts.DNS_CHANGE

# An answer that arrives too late is a failed check, after which three others in a row are needed.
THREE_PASSED_CHECKS = THREE_CHECKS + 3 * timeouts.PROBE_INTERVAL


@pytest.fixture
def servers(make_probed_server):
    """Start two servers, and return them by the id of their instance."""
    return {"i-1": make_probed_server(), "i-2": make_probed_server()}


class Views:
    """The views that DNS and DiscoverInstances give of a service in a public namespace."""

    def __init__(self, cloudmap, query_dns, namespace, service):
        self.cloudmap, self.query_dns, self.namespace, self.service = cloudmap, query_dns, namespace, service

    def discovered(self, **params):
        """Return the ids that DiscoverInstances returns."""
        names = {"NamespaceName": self.namespace["Name"], "ServiceName": self.service["Name"]}
        answer = self.cloudmap.discover_instances(**names, **params)
        return {instance["InstanceId"] for instance in answer["Instances"]}

    def answered(self, kind="A", queries=1):
        """Return the addresses in the answers to that many DNS queries."""
        name = f"{self.service['Name']}.{self.namespace['Name']}"
        replies = [self.query_dns(name, kind, namespace=self.namespace) for _ in range(queries)]
        return {rdata.to_text() for reply in replies for rrset in reply.answer for rdata in rrset}


@pytest.fixture
def views(cloudmap, query_dns, make_service, register, eventually, public_namespace, servers, policy):
    """Register two servers with one service, and wait until both are discovered and answered."""
    records = dns_config("A", policy=policy)
    service = make_service(public_namespace, DnsConfig=records, HealthCheckConfig={"Type": "HTTP"})
    for instance, server in servers.items():
        register(service, instance, server.attributes)
    views = Views(cloudmap, query_dns, public_namespace, service)
    both = {server.address for server in servers.values()}
    # With two equal weights forty answers lack one address less than once in 500,000,000,000 times.
    eventually(lambda: views.answered(queries=40) == both and len(views.discovered()) == 2, within=timeouts.DNS_CHANGE)
    return views


@proves("health.route53.threshold-counts-both-ways")
@for_each("threshold", {"by default 3": None, "1": 1, "10": 10})
def test_threshold_counts_both_ways(
    cloudmap, make_service, register, clock, eventually, http_namespace, make_probed_server, threshold
):
    """The status changes at the threshold and not one result earlier, to UNHEALTHY and back to HEALTHY."""
    server = make_probed_server()
    setting, threshold = ({"FailureThreshold": threshold}, threshold) if threshold else ({}, 3)
    service = make_service(http_namespace, HealthCheckConfig={"Type": "HTTP", **setting})["Id"]
    register(service, "i-1", server.attributes)

    def status():
        return str(cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"])

    def check_transition(answer, before, after):
        checkers = set(server.sources)
        server.answer(answer)
        server.forget()
        for results in range(1, threshold):
            # No checker has had more results; some may have had fewer.
            eventually(lambda: max(Counter(server.sources).values(), default=0) >= results, within=40)  # noqa: B023 (called at once)
            assert status() == before, f"after {results} of {threshold}"
        eventually(
            lambda: min(Counter(server.sources)[checker] for checker in checkers) >= threshold, within=30 * threshold
        )
        # An answer that arrives too late counts as a failure, and recovery is counted from the start again.
        recount = timeouts.PROBE_INTERVAL * threshold if answer == 200 else 0
        eventually(lambda: status() == after, within=5 + recount)

    # One result of each checker: one that is late on a busy machine is no threshold, not even with the first 503.
    clock.wait(timeouts.PROBE_INTERVAL)
    eventually(lambda: server.sources, within=timeouts.PROBE_INTERVAL)
    check_transition(503, "HEALTHY", "UNHEALTHY")
    check_transition(200, "UNHEALTHY", "HEALTHY")


@proves("health.route53.threshold-counts-both-ways")
@for_each("initial, rare", {"failures": (200, 503), "passes": (503, 200)})
def test_only_results_in_a_row_count(
    cloudmap, make_service, register, eventually, http_namespace, make_probed_server, initial, rare
):
    """Two failed checks, a passed one, two failed ones and so on change nothing, and the same the other way round."""
    # route53/HealthCheckConfig.FailureThreshold: "consecutive health checks that an endpoint must pass or fail"
    server = make_probed_server()
    service = make_service(http_namespace, HealthCheckConfig={"Type": "HTTP", "FailureThreshold": 3})["Id"]
    server.answer(initial)
    register(service, "i-1", server.attributes)
    expected = "HEALTHY" if initial == 200 else "UNHEALTHY"

    def status():
        return cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"]

    eventually(lambda: status() == expected and len(server.sources) > 1, within=THREE_CHECKS)
    for _ in range(3):
        checkers = set(server.sources)
        server.answer(rare)
        server.forget()
        eventually(lambda: max(Counter(server.sources).values(), default=0) == 2, within=70)
        assert status() == expected
        server.answer(initial)
        server.forget()
        eventually(lambda: set(server.sources) >= checkers, within=70)  # noqa: B023 (called at once)
        assert status() == expected


@proves("health.route53.threshold-counts-both-ways")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_an_unhealthy_instance_disappears_from_every_view_and_returns(views, servers, eventually):
    """While an instance fails DNS and DiscoverInstances show only the other one; after its recovery they show both."""
    servers["i-1"].answer(503)
    eventually(lambda: views.discovered() == {"i-2"}, within=THREE_CHECKS)
    eventually(lambda: views.answered(queries=40) == {servers["i-2"].address}, within=timeouts.DNS_CHANGE)
    assert views.discovered(HealthStatus="UNHEALTHY") == {"i-1"}
    assert views.discovered(HealthStatus="ALL") == {"i-1", "i-2"}
    servers["i-1"].answer(200)
    eventually(lambda: views.discovered() == {"i-1", "i-2"}, within=THREE_PASSED_CHECKS)
    both = {server.address for server in servers.values()}
    eventually(lambda: views.answered(queries=40) == both, within=timeouts.DNS_CHANGE)


@proves("health.route53.threshold-counts-both-ways")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_with_none_healthy_answers_fail_open(views, servers, eventually):
    """When all endpoints have failed, DNS still answers them, and HEALTHY_OR_ELSE_ALL returns them."""
    for server in servers.values():
        server.refuse()
    eventually(lambda: views.discovered() == set(), within=THREE_CHECKS)
    for filtered in ("HEALTHY_OR_ELSE_ALL", "UNHEALTHY"):
        assert views.discovered(HealthStatus=filtered) == {"i-1", "i-2"}
    assert views.answered(queries=40) == {server.address for server in servers.values()}


@proves("health.route53.healthy-until-known")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_a_dead_endpoint_is_healthy_at_first(views, make_probed_server, register, eventually, cloudmap):
    """An instance with a dead endpoint is answered and discovered at first, and no longer after three checks."""
    dead = make_probed_server()
    dead.refuse()
    register(views.service, "dead", dead.attributes)
    eventually(
        lambda: "dead" in views.discovered() and dead.address in views.answered(queries=40), within=timeouts.DNS_CHANGE
    )
    # Cloud Map may report UNKNOWN while Route 53 counts it as healthy.
    assert cloudmap.get_instances_health_status(ServiceId=views.service["Id"])["Status"]["dead"] != "UNHEALTHY"
    eventually(lambda: views.discovered() == {"i-1", "i-2"}, within=THREE_CHECKS)
    eventually(lambda: dead.address not in views.answered(queries=40), within=timeouts.DNS_CHANGE)


@proves("health.route53.threshold-counts-both-ways")
def test_of_two_addresses_the_ipv4_one_decides_for_both(
    cloudmap, query_dns, make_service, register, eventually, clock, public_namespace, make_probed_server
):
    """With A and AAAA a dead IPv6 address changes nothing; a dead IPv4 address removes both records from answers."""
    kinds = [{"Type": kind, "TTL": 60} for kind in ("A", "AAAA")]
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": kinds}
    service = make_service(public_namespace, DnsConfig=records, HealthCheckConfig={"Type": "TCP"})
    failing, healthy = make_probed_server(), make_probed_server()
    register(service, "i-1", {**failing.attributes, "AWS_INSTANCE_IPV6": "::1"})
    register(service, "i-2", {**healthy.attributes, "AWS_INSTANCE_IPV6": "2001:db8::2"})
    views = Views(cloudmap, query_dns, public_namespace, service)
    clock.wait(THREE_CHECKS)
    assert views.answered("A") == {failing.address, healthy.address}
    assert views.answered("AAAA") == {"::1", "2001:db8::2"}
    failing.refuse()
    eventually(lambda: views.answered("A") == {healthy.address}, within=THREE_CHECKS)
    assert views.answered("AAAA") == {"2001:db8::2"}
