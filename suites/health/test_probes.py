"""Probes of Route 53 health checks: what they request, and which answers are healthy."""

import pytest

from surveyor.testing import Inconclusive, for_each, proves, raises, timeouts

SECURE = {"HTTP": False, "HTTPS": True}


@pytest.fixture
def probe(make_service, register, http_namespace):
    """Have servers probed as instance i-1 of a service in an HTTP namespace."""

    def register_server(server, check, **settings):
        service = make_service(http_namespace, HealthCheckConfig={"Type": check, **settings})["Id"]
        register(service, "i-1", server.attributes)
        return str(service)

    return register_server


@pytest.fixture
def becomes(cloudmap, clock):
    """Wait for a status, round by round: rounds may be delayed by a busy machine."""

    def wait(service, status):
        for _ in range(8):
            clock.wait(timeouts.PROBE_INTERVAL + 5)
            if cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"] == status:
                return True
        return False

    return wait


@proves("health.route53.every-thirty-seconds")
def test_endpoint_is_requested_every_two_seconds(make_probed_server, probe, count_requests, clock):
    """In ten minutes each checker sends twenty requests, plus or minus one; all checkers together send about 300."""
    # servicediscovery/HealthCheckConfig: "On average, your endpoint receives a health check request about every two
    # seconds."
    server = make_probed_server()
    probe(server, "HTTP", ResourcePath="/alive?language=jp&login=y")
    clock.wait(60)
    counted = count_requests(server, 600)
    assert set(counted.paths) == {"/alive?language=jp&login=y"}
    assert 240 <= len(counted.paths) <= 400
    assert [count for count in counted.sources.values() if not counted.fits(count, 30)] == []


@proves("health.route53.response-limits")
@for_each("check", ["HTTP", "HTTPS"])
@for_each("good, bad", [(200, 199), (204, 404), (302, 500), (399, 400)])
def test_status_code_decides(make_probed_server, probe, becomes, check, good, bad):
    """200 to 399 are healthy, lower and higher status codes are not; redirects are not followed."""
    # route53/HealthCheckConfig.Type: "an HTTP status code of 200 or greater and less than 400"
    server = make_probed_server(tls=SECURE[check])
    service = probe(server, check, FailureThreshold=1)
    server.answer(bad)
    assert becomes(service, "UNHEALTHY")
    server.answer(good)
    assert becomes(service, "HEALTHY")
    assert set(server.paths) == {"/"}


@proves("health.route53.response-limits")
@for_each("check", ["HTTP", "HTTPS"])
def test_answer_must_arrive_within_two_seconds(make_probed_server, probe, becomes, check):
    """An answer after 2.5 seconds, or none, is unhealthy; an answer after 1.2 seconds is healthy."""
    server = make_probed_server(tls=SECURE[check])
    service = probe(server, check, FailureThreshold=1)
    server.answer(after=2.5)
    assert becomes(service, "UNHEALTHY")
    server.answer(after=1.2)
    assert becomes(service, "HEALTHY")
    server.hang()
    assert becomes(service, "UNHEALTHY")


@proves("health.route53.response-limits")
@for_each("check", ["HTTP", "HTTPS", "TCP"])
def test_a_connection_is_needed(make_probed_server, probe, becomes, check):
    """A server that refuses connections is unhealthy, whatever the type of the check."""
    server = make_probed_server(tls=SECURE.get(check, False))
    server.refuse()
    service = probe(server, check, FailureThreshold=1)
    assert becomes(service, "UNHEALTHY")
    server.answer()
    assert becomes(service, "HEALTHY")


@proves("health.route53.response-limits")
def test_tcp_needs_a_connection_only(make_probed_server, probe, becomes):
    """For a TCP check a server that accepts is healthy, even if it answers 503, late or never."""
    server = make_probed_server()
    service = probe(server, "TCP", FailureThreshold=1)
    for misbehave in (server.hang, lambda: server.answer(503), lambda: server.answer(after=3)):
        server.refuse()
        assert becomes(service, "UNHEALTHY")
        misbehave()
        assert becomes(service, "HEALTHY")


@proves("health.route53.response-limits")
@for_each("check", ["HTTP", "HTTPS"])
def test_the_type_decides_the_protocol(make_probed_server, probe, becomes, check):
    """An HTTP check of a server that speaks TLS is unhealthy, and so is an HTTPS check of one that does not."""
    matching, other = (make_probed_server(tls=tls) for tls in (SECURE[check], not SECURE[check]))
    services = [probe(server, check, FailureThreshold=1) for server in (matching, other)]
    assert becomes(services[1], "UNHEALTHY")
    assert becomes(services[0], "HEALTHY")


@proves("health.route53.certificates-are-not-validated")
def test_certificate_is_not_validated(make_probed_server, probe, becomes):
    """A self-signed, expired certificate for another name is accepted; the status code decides, as for HTTP."""
    server = make_probed_server(tls=True)
    server.answer(503)
    service = probe(server, "HTTPS", FailureThreshold=1)
    assert becomes(service, "UNHEALTHY")
    server.answer(200)
    assert becomes(service, "HEALTHY")


@proves("health.route53.eighteen-percent")
def test_more_than_18_percent_of_the_checkers_suffice(make_probed_server, probe, clock, becomes):
    """An endpoint that is healthy for at most 18 % of the checkers is unhealthy, for one checker more it is healthy."""
    # Route 53 Developer Guide: "If more than 18% of health checkers report that an endpoint is healthy, Route 53
    # considers it healthy."
    server = make_probed_server()
    service = probe(server, "HTTP", FailureThreshold=1)
    clock.wait(2 * timeouts.PROBE_INTERVAL + 5)
    checkers = sorted(set(server.sources))
    if len(checkers) < 3:
        raise Inconclusive(f"requests arrived from {len(checkers)} addresses only, so checkers cannot be distinguished")
    enough = next(count for count in range(len(checkers) + 1) if count > 0.18 * len(checkers))
    server.answer(healthy_for=checkers[: enough - 1])
    assert becomes(service, "UNHEALTHY")
    server.answer(healthy_for=checkers[:enough])
    assert becomes(service, "HEALTHY")


@proves("health.route53.string-match")
def test_cloud_map_has_no_string_matching(make_service, http_namespace):
    """A service with a check of these types is refused with InvalidInput; with type HTTP or HTTPS it is accepted."""
    for check in SECURE:
        with raises("InvalidInput"):
            make_service(http_namespace, HealthCheckConfig={"Type": f"{check}_STR_MATCH"})
        make_service(http_namespace, HealthCheckConfig={"Type": check})
