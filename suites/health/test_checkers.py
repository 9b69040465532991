"""Health checkers of Route 53: from where and how often they request, and what a check makes of their findings."""

from typing import Any

import pytest

from surveyor.testing import Inconclusive, for_each, proves, raises, record_values, timeouts

SECURE = {"HTTP": False, "HTTPS": True}


@pytest.fixture
def create_check(route53, unique_name):
    """Create a health check in Route 53 that probes a server every ten seconds, and return its id."""

    def create(server, **settings):
        config = {"Type": "HTTP", "IPAddress": server.address, "Port": server.port, "ResourcePath": "/"}
        config |= {"FailureThreshold": 1, "RequestInterval": 10, **settings}
        config = {name: value for name, value in config.items() if value is not None}
        created = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        return created["HealthCheck"]["Id"]

    return create


@pytest.fixture
def zone(route53, unique_name):
    """Create a public hosted zone, and return its id and name."""
    name = f"{unique_name('zone')}.surveyor.test."
    return route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"], name


@pytest.fixture
def answers(query_dns, zone):
    """Return the addresses in an answer to the name of the zone."""
    zone_id, name = zone
    public = {"Type": "DNS_PUBLIC", "Properties": {"DnsProperties": {"HostedZoneId": zone_id}}}
    return lambda: sorted(record_values(query_dns(name, "A", namespace=public), name, "A"))


@pytest.fixture
def answered_for(route53, zone, answers):
    """Create records with these health checks, and one without, and return whether DNS answers the former."""
    zone_id, name = zone

    def create(*checks):
        records = [
            {"Name": name, "Type": "A", "TTL": 60, "SetIdentifier": str(number), "MultiValueAnswer": True}
            | {"ResourceRecords": [{"Value": f"192.0.2.{number}"}]}
            | ({"HealthCheckId": check} if check else {})
            for number, check in enumerate((*checks, None), 1)
        ]
        changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
        route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        addresses = [f"192.0.2.{number}" for number in range(1, len(checks) + 2)]
        return lambda is_answered: answers() == (addresses if is_answered else addresses[-1:])

    return create


@proves("health.route53.requested-at-its-interval")
@for_each("interval", [10, 30])
def test_interval_decides_how_often_a_checker_requests(
    make_probed_server, create_check, count_requests, clock, interval
):
    """In five minutes a checker sends 30 requests with 10 seconds and 10 with 30 seconds, or one more or less."""
    server = make_probed_server()
    create_check(server, RequestInterval=interval)
    clock.wait(60)
    counted = count_requests(server, 300)
    assert counted.sources
    assert [count for count in counted.sources.values() if not counted.fits(count, interval)] == []


@proves("health.route53.eighteen-percent")
@for_each("regions", [3, 5, 6])
def test_share_of_fewer_checkers(make_probed_server, create_check, answered_for, clock, eventually, regions):
    """With the checkers of three, five and six regions the same share decides: 17 % are too few, 20 % are enough."""
    server = make_probed_server()
    places = ["us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "sa-east-1"]
    is_answered = answered_for(create_check(server, Regions=places[:regions]))
    clock.wait(25)
    checkers = sorted(set(server.sources))
    if len(checkers) < 3:
        raise Inconclusive(f"requests arrived from {len(checkers)} addresses only, so checkers cannot be distinguished")
    enough = next(count for count in range(len(checkers) + 1) if count > 0.18 * len(checkers))
    for healthy, expected in ((enough - 1, False), (enough, True)):
        server.answer(healthy_for=checkers[:healthy])
        eventually(lambda expected=expected: is_answered(expected), within=timeouts.DNS_CHANGE)


@proves("health.route53.healthy-until-known")
def test_new_checks_are_healthy(make_probed_server, create_check, answered_for, answers, eventually):
    """The first answer that has a record without a check also has those with new checks of a dead endpoint."""
    # Route 53 Developer Guide: "considers a new health check to be healthy until there's enough data"
    server = make_probed_server()
    server.refuse()
    checks = [create_check(server, FailureThreshold=3, RequestInterval=30) for _ in range(6)]
    are_answered = answered_for(*checks)
    eventually(answers, within=timeouts.DNS_CHANGE)
    assert are_answered(True)
    eventually(lambda: are_answered(False), within=3 * timeouts.PROBE_INTERVAL + timeouts.DNS_CHANGE)


@proves("health.route53.checked-from-regions")
def test_checkers_are_those_of_the_regions(route53, make_probed_server, create_check, clock, eventually):
    """GetHealthCheckStatus has the checkers of the given regions, with the addresses that requests come from."""
    regions = ["eu-west-1", "sa-east-1", "us-west-2"]
    server = make_probed_server()
    check = create_check(server, Regions=regions)
    clock.wait(30)
    reports = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    assert {report["Region"] for report in reports} == set(regions)
    assert {report["IPAddress"] for report in reports} == set(server.sources)
    assert route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]["Regions"] == regions
    with raises("InvalidInput"):
        create_check(server, Regions=regions[:2])
    others = ["us-east-1", "us-west-1", "us-west-2"]
    route53.update_health_check(HealthCheckId=check, Regions=others)

    def reporting():
        current = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return {report["Region"] for report in current}

    eventually(lambda: reporting() == set(others), within=timeouts.DNS_CHANGE)


@proves("health.route53.checked-from-regions")
def test_by_default_all_regions_check(route53, make_probed_server, create_check, clock):
    """Without Regions there are checkers of all eight regions, and each reports when it checked last."""
    # route53/HealthCheckConfig.Regions: "automatically performs checks from all of the regions that are listed"
    server = make_probed_server()
    check = create_check(server)
    clock.wait(30)
    start = clock.now()
    clock.wait(30)
    reports = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    assert {report["Region"] for report in reports} == {
        *("ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1"),
        *("sa-east-1", "us-east-1", "us-west-1", "us-west-2"),
    }
    assert all(start <= report["StatusReport"]["CheckedTime"].timestamp() <= clock.now() for report in reports)


@proves("health.route53.last-failure-reason")
def test_last_failure_of_each_checker(route53, make_probed_server, create_check, clock):
    """GetHealthCheckLastFailureReason has the latest failure of each checker, also once the endpoint passes again."""
    server = make_probed_server()
    server.answer(503)
    check = create_check(server)
    clock.wait(30)
    start = clock.now()
    clock.wait(30)
    server.answer(200)
    server.forget()
    end = clock.now()
    clock.wait(30)
    reports = route53.get_health_check_last_failure_reason(HealthCheckId=check)["HealthCheckObservations"]
    assert {report["IPAddress"] for report in reports} == set(server.sources)
    assert len({report["Region"] for report in reports}) == 8
    for report in reports:
        assert report["StatusReport"]["Status"]
        assert start <= report["StatusReport"]["CheckedTime"].timestamp() <= end


@proves("health.route53.calculated")
@for_each("threshold", [0, 1, 2, 3])
def test_calculated_check_counts_healthy_children(
    route53, make_probed_server, create_check, answered_for, eventually, unique_name, clock, threshold
):
    """With two children a CALCULATED check is healthy if at least HealthThreshold of them are, never with three."""
    servers = [make_probed_server() for _ in range(2)]
    children = [create_check(server) for server in servers]
    config = {"Type": "CALCULATED", "HealthThreshold": threshold, "ChildHealthChecks": children}
    parent = route53.create_health_check(CallerReference=unique_name("parent"), HealthCheckConfig=config)["HealthCheck"]
    is_answered = answered_for(parent["Id"])
    for healthy in (2, 1, 0):
        clock.wait(30)
        eventually(lambda: is_answered(healthy >= threshold), within=timeouts.DNS_CHANGE)  # noqa: B023 (called at once)
        if healthy:
            servers[healthy - 1].answer(503)


@proves("health.route53.host-header")
@for_each("check", ["HTTP", "HTTPS"])
def test_host_header(make_probed_server, create_check, clock, unique_name, check):
    """The Host header is the domain name of the check, or else its address, with the port if that is not usual."""
    named, unnamed = (make_probed_server(tls=SECURE[check]) for _ in range(2))
    name = f"{unique_name('host')}.surveyor.test"
    create_check(named, Type=check, FullyQualifiedDomainName=name)
    create_check(unnamed, Type=check)
    clock.wait(30)
    assert set(named.hosts) == {f"{name}:{named.port}"}
    assert set(unnamed.hosts) == {f"{unnamed.address}:{unnamed.port}"}


@proves("health.route53.resolves-domain-name")
def test_without_address_the_domain_name_is_resolved(
    route53, make_probed_server, create_check, answered_for, zone, eventually
):
    """A check without IPAddress follows the A record of its domain name, and fails when there is none."""
    zone_id, parent = zone
    name, server = f"host.{parent}".rstrip("."), make_probed_server()

    def change(action, address):
        record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)

    change("CREATE", server.address)
    is_answered = answered_for(create_check(server, IPAddress=None, FullyQualifiedDomainName=name))
    eventually(lambda: server.sources and is_answered(True), within=2 * timeouts.DNS_CHANGE)
    assert set(server.hosts) == {f"{name}:{server.port}"}
    for action, address in (("DELETE", server.address), ("UPSERT", "127.0.0.9")):
        change(action, address)
        eventually(lambda: is_answered(False), within=2 * timeouts.DNS_CHANGE)
        change("UPSERT", server.address)
        eventually(lambda: is_answered(True), within=2 * timeouts.DNS_CHANGE)


@proves("health.route53.inverted")
def test_inverted_check_is_unhealthy_while_the_endpoint_passes(
    route53, make_probed_server, create_check, answered_for, eventually
):
    """With Inverted an endpoint that passes is not answered, one that fails is; UpdateHealthCheck can undo it."""
    server = make_probed_server()
    check = create_check(server, Inverted=True)
    is_answered = answered_for(check)
    eventually(lambda: server.sources and is_answered(False), within=timeouts.DNS_CHANGE)
    server.answer(503)
    eventually(lambda: is_answered(True), within=timeouts.DNS_CHANGE)
    route53.update_health_check(HealthCheckId=check, Inverted=False)
    eventually(lambda: is_answered(False), within=timeouts.DNS_CHANGE)


@proves("health.route53.disabled")
def test_disabled_check_is_healthy_and_sends_nothing(
    route53, make_probed_server, create_check, answered_for, eventually, clock
):
    """After Disabled requests stop and the failing endpoint counts as healthy; enabled again, it is unhealthy."""
    server = make_probed_server()
    check = create_check(server)
    is_answered = answered_for(check)
    server.answer(503)
    eventually(lambda: is_answered(False), within=timeouts.DNS_CHANGE)
    route53.update_health_check(HealthCheckId=check, Disabled=True)
    eventually(lambda: is_answered(True), within=timeouts.DNS_CHANGE)
    server.forget()
    clock.wait(60)
    assert server.sources == []
    assert is_answered(True)
    route53.update_health_check(HealthCheckId=check, Disabled=False)
    eventually(lambda: is_answered(False), within=timeouts.DNS_CHANGE)


@proves("health.route53.string-match")
@for_each("check", ["HTTP", "HTTPS"])
def test_string_is_searched_in_the_first_5120_bytes(make_probed_server, create_check, answered_for, eventually, check):
    """A record is answered if the string ends at byte 5,120 of the body; one byte later, or in capitals, it is not."""
    server = make_probed_server(tls=SECURE[check])
    last: dict[str, Any] = {"body": b"-" * 5118 + b"ok"}
    server.answer(**last)
    is_answered = answered_for(create_check(server, Type=f"{check}_STR_MATCH", SearchString="ok"))
    # Two intervals of ten seconds, plus the delay of the name servers.
    eventually(lambda: len(server.paths) >= 3, within=40)
    # Developer Guide: "it must receive the response body from the endpoint within the next two seconds"
    slow: dict[str, Any] = {"body": b"ok", "after": 1.2, "body_after": 1.2}
    failing: tuple[dict[str, Any], ...] = (
        {"body": b"-" * 5119 + b"ok"},
        {"body": b"OK"},
        {"status": 503, "body": b"ok"},
    )
    for bad, good in zip((*failing, {"body": b"ok", "body_after": 2.5}), (last, last, slow, last), strict=True):
        eventually(lambda: is_answered(True), within=timeouts.DNS_CHANGE)
        server.answer(**bad)
        eventually(lambda: is_answered(False), within=timeouts.DNS_CHANGE)
        server.answer(**good)
    eventually(lambda: is_answered(True), within=timeouts.DNS_CHANGE)
