"""Probes of Route 53 health checks: what they request, and which answers are healthy."""

from collections import Counter

import pytest

from surveyor.testing import Inconclusive, proves, raises, timeouts


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
    """Wait for a status, round by round: a single round may be delayed by a busy machine."""

    def wait(service, status):
        for _ in range(4):
            clock.wait(timeouts.PROBE_INTERVAL + 5)
            if cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"] == status:
                return True
        return False

    return wait


@proves("health.route53.every-thirty-seconds")
def test_endpoint_is_requested_every_two_seconds(make_probed_server, probe, clock):
    """In five minutes each checker sends ten requests, plus or minus one; all checkers together send about 150."""
    server = make_probed_server()
    probe(server, "HTTP", ResourcePath="/alive")
    clock.wait(60)
    server.forget()
    clock.wait(300)
    assert set(server.paths) == {"/alive"}
    assert 120 <= len(server.paths) <= 200
    assert all(9 <= count <= 11 for count in Counter(server.sources).values())


@proves("health.route53.response-limits")
@pytest.mark.parametrize(("good", "bad"), [(200, 400), (204, 404), (302, 500), (399, 503)])
def test_status_code_decides(make_probed_server, probe, becomes, good, bad):
    """2xx and 3xx are healthy, higher status codes are not; redirects are not followed."""
    server = make_probed_server()
    service = probe(server, "HTTP", FailureThreshold=1)
    server.answer(bad)
    assert becomes(service, "UNHEALTHY")
    server.answer(good)
    assert becomes(service, "HEALTHY")
    assert set(server.paths) == {"/"}


@proves("health.route53.response-limits")
def test_answer_must_arrive_within_two_seconds(make_probed_server, probe, becomes):
    """An answer after 3 seconds, or none, is unhealthy; an answer after 1.5 seconds is healthy."""
    server = make_probed_server()
    service = probe(server, "HTTP", FailureThreshold=1)
    server.answer(after=3)
    assert becomes(service, "UNHEALTHY")
    server.answer(after=1.5)
    assert becomes(service, "HEALTHY")
    server.hang()
    assert becomes(service, "UNHEALTHY")


@proves("health.route53.response-limits")
def test_tcp_needs_a_connection_only(make_probed_server, probe, becomes):
    """For a TCP check a server that refuses connections is unhealthy; one that accepts and never answers is healthy."""
    server = make_probed_server()
    server.refuse()
    service = probe(server, "TCP", FailureThreshold=1)
    assert becomes(service, "UNHEALTHY")
    server.hang()
    assert becomes(service, "HEALTHY")


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
def test_string_is_searched_in_the_first_5120_bytes(route53, make_probed_server, unique_name, query_dns, eventually):
    """A record is answered if the string ends at byte 5,120 of the body, and not if it ends one byte later."""
    server = make_probed_server()
    server.answer(body=b"-" * 5118 + b"ok")
    check = {"Type": "HTTP_STR_MATCH", "SearchString": "ok", "IPAddress": server.address, "Port": server.port}
    check |= {"FailureThreshold": 1, "RequestInterval": 10}
    created = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=check)
    check_id = created["HealthCheck"]["Id"]
    name = f"{unique_name('zone')}.surveyor.test."
    zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    public = {"Type": "DNS_PUBLIC", "Properties": {"DnsProperties": {"HostedZoneId": zone}}}
    records = [
        {"Name": name, "Type": "A", "TTL": 60, "SetIdentifier": number, "MultiValueAnswer": True, **health_check}
        | {"ResourceRecords": [{"Value": f"192.0.2.{number}"}]}
        for number, health_check in (("1", {"HealthCheckId": check_id}), ("2", {}))
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def answered(*expected):
        reply = query_dns(name, "A", namespace=public)
        return {rdata.to_text() for rrset in reply.answer for rdata in rrset} == set(expected)

    # Two intervals of ten seconds, plus the delay of the name servers.
    eventually(lambda: len(server.paths) >= 3, within=40)
    eventually(lambda: answered("192.0.2.1", "192.0.2.2"), within=timeouts.DNS_CHANGE)
    server.answer(body=b"-" * 5119 + b"ok")
    eventually(lambda: answered("192.0.2.2"), within=timeouts.DNS_CHANGE)
    server.answer(body=b"-" * 5118 + b"ok")
    eventually(lambda: answered("192.0.2.1", "192.0.2.2"), within=timeouts.DNS_CHANGE)


@proves("health.route53.string-match")
def test_cloud_map_has_no_string_matching(make_service, http_namespace):
    """A service with a check of that type is refused with InvalidInput; with type HTTP it is accepted."""
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig={"Type": "HTTP_STR_MATCH"})
    make_service(http_namespace, HealthCheckConfig={"Type": "HTTP"})
