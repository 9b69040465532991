"""Route 53 health checks at work: what they request, and what they take for healthy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor import bounds
from surveyor.testing import Inconclusive, proves, raises

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

    from surveyor.clock import Clock
    from surveyor.plugin.account import Unique
    from surveyor.plugin.names import Ask
    from surveyor.plugin.probed import ProbedServer, ServeProbes
    from surveyor.plugin.services import MakeService, Register
    from surveyor.plugin.time import Eventually

# Every checker has requested twice by then, and a threshold of one has decided.
TWO_ROUNDS = 2 * bounds.PROBE_INTERVAL + 5


class Probe(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, server: ProbedServer, check: str, **settings: Any) -> str:
        """Registers the server on a new service with this check and gives the service's id."""


@pytest.fixture
def probe(make_service: MakeService, register: Register, http_namespace: dict[str, Any]) -> Probe:
    """Has a server probed as an instance i-1 of an HTTP namespace."""

    def begin(server: ProbedServer, check: str, **settings: Any) -> str:
        service = make_service(http_namespace, HealthCheckConfig={"Type": check, **settings})["Id"]
        register(service, "i-1", server.attributes)
        return str(service)

    return begin


@pytest.fixture
def status(cloudmap: ServiceDiscoveryClient) -> Any:
    """Tells the status of i-1 of a service."""
    return lambda service: cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"]


@proves("health.route53.every-thirty-seconds")
def test_endpoint_is_requested_every_two_seconds(probed_server: ServeProbes, probe: Probe, clock: Clock) -> None:
    """In five minutes each checker requests ten times, give or take one; all of them about 150 times."""
    server = probed_server()
    probe(server, "HTTP", ResourcePath="/alive")
    clock.wait(60)
    server.forget()
    clock.wait(300)
    assert set(server.paths) == {"/alive"}
    assert 120 <= len(server.paths) <= 200
    assert all(9 <= count <= 11 for count in Counter(server.sources).values())


@proves("health.route53.response-limits")
@pytest.mark.parametrize(
    ("answers", "expected"), [([200, 204, 302, 399], "HEALTHY"), ([400, 404, 500, 503], "UNHEALTHY")]
)
def test_status_code_decides(
    probed_server: ServeProbes, probe: Probe, clock: Clock, status: Any, answers: list[int], expected: str
) -> None:
    """2xx and 3xx are healthy, what is more is not; a redirect is not followed."""
    server = probed_server()
    service = probe(server, "HTTP", FailureThreshold=1)
    for code in answers:
        server.answer(code)
        server.forget()
        clock.wait(TWO_ROUNDS)
        assert set(server.paths) == {"/"}
        assert status(service) == expected, code


@proves("health.route53.response-limits")
def test_answer_must_come_within_two_seconds(
    probed_server: ServeProbes, probe: Probe, clock: Clock, status: Any
) -> None:
    """Answers after 3 seconds and none at all are unhealthy, after 1 second and a half they are healthy."""
    server = probed_server()
    service = probe(server, "HTTP", FailureThreshold=1)
    server.answer(after=3)
    clock.wait(TWO_ROUNDS)
    assert status(service) == "UNHEALTHY"
    server.answer(after=1.5)
    clock.wait(TWO_ROUNDS)
    assert status(service) == "HEALTHY"
    server.hang()
    clock.wait(TWO_ROUNDS)
    assert status(service) == "UNHEALTHY"


@proves("health.route53.response-limits")
def test_tcp_needs_a_connection_only(probed_server: ServeProbes, probe: Probe, clock: Clock, status: Any) -> None:
    """To a TCP check a server that never answers is healthy, and one that refuses connections is not."""
    server = probed_server()
    server.hang()
    service = probe(server, "TCP", FailureThreshold=1)
    clock.wait(TWO_ROUNDS)
    assert status(service) == "HEALTHY"
    server.refuse()
    clock.wait(TWO_ROUNDS)
    assert status(service) == "UNHEALTHY"
    server.answer()
    clock.wait(TWO_ROUNDS)
    assert status(service) == "HEALTHY"


@proves("health.route53.certificates-are-not-validated")
def test_any_certificate_will_do(probed_server: ServeProbes, probe: Probe, clock: Clock, status: Any) -> None:
    """An expired certificate of its own, for another name, is healthy, and the status decides as it does for HTTP."""
    server = probed_server(tls=True)
    service = probe(server, "HTTPS", FailureThreshold=1)
    clock.wait(TWO_ROUNDS)
    assert server.paths
    assert status(service) == "HEALTHY"
    server.answer(503)
    clock.wait(TWO_ROUNDS)
    assert status(service) == "UNHEALTHY"


@proves("health.route53.eighteen-percent")
def test_more_than_18_percent_of_the_checkers_suffice(
    probed_server: ServeProbes, probe: Probe, clock: Clock, status: Any
) -> None:
    """Healthy for at most 18 % of the checkers is unhealthy, for one checker more it is healthy."""
    server = probed_server()
    service = probe(server, "HTTP", FailureThreshold=1)
    clock.wait(TWO_ROUNDS)
    checkers = sorted(set(server.sources))
    if len(checkers) < 3:
        raise Inconclusive(f"requests came from {len(checkers)} addresses only, so checkers cannot be told apart")
    enough = next(count for count in range(len(checkers) + 1) if count > 0.18 * len(checkers))
    server.answer(healthy_for=checkers[: enough - 1])
    clock.wait(TWO_ROUNDS)
    assert status(service) == "UNHEALTHY"
    server.answer(healthy_for=checkers[:enough])
    clock.wait(TWO_ROUNDS)
    assert status(service) == "HEALTHY"


@proves("health.route53.string-match")
def test_string_is_looked_for_in_the_first_5120_bytes(
    route53: Route53Client, probed_server: ServeProbes, unique: Unique, ask: Ask, eventually: Eventually
) -> None:
    """A record is answered while the string ends at byte 5,120 of the body, and not when it ends one byte later."""
    server = probed_server()
    server.answer(body=b"-" * 5118 + b"ok")
    check: Any = {"Type": "HTTP_STR_MATCH", "SearchString": "ok", "IPAddress": server.address, "Port": server.port}
    check |= {"FailureThreshold": 1, "RequestInterval": 10}
    made = route53.create_health_check(CallerReference=unique("check"), HealthCheckConfig=check)["HealthCheck"]["Id"]
    name = f"{unique('zone')}.surveyor.test."
    zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    records: Any = [
        {"Name": name, "Type": "A", "TTL": 60, "SetIdentifier": last, "MultiValueAnswer": True, **watched}
        | {"ResourceRecords": [{"Value": f"192.0.2.{last}"}]}
        for last, watched in (("1", {"HealthCheckId": made}), ("2", {}))
    ]
    changes: Any = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def answered(*expected: str) -> bool:
        reply = ask(name, "A", namespace={"Id": zone, "Type": "DNS_PUBLIC"})
        return {rdata.to_text() for rrset in reply.answer for rdata in rrset} == set(expected)

    # Two intervals of ten seconds, and how long the name servers take.
    eventually(lambda: len(server.paths) >= 3, within=40)
    eventually(lambda: answered("192.0.2.1", "192.0.2.2"), within=bounds.DNS_CHANGE)
    server.answer(body=b"-" * 5119 + b"ok")
    eventually(lambda: answered("192.0.2.2"), within=bounds.DNS_CHANGE)
    server.answer(body=b"-" * 5118 + b"ok")
    eventually(lambda: answered("192.0.2.1", "192.0.2.2"), within=bounds.DNS_CHANGE)


@proves("health.route53.string-match")
def test_cloud_map_has_no_string_matching(make_service: MakeService, http_namespace: dict[str, Any]) -> None:
    """A service with a check of that type is refused with InvalidInput, with one of type HTTP it is not."""
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig={"Type": "HTTP_STR_MATCH"})
    make_service(http_namespace, HealthCheckConfig={"Type": "HTTP"})
