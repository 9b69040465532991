"""MULTIVALUE routing: all healthy instances, or eight of them. Asked at the name servers, where nothing is cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.testing import (
    Always,
    Clock,
    Eventually,
    MakeService,
    QueryDns,
    RegisterAll,
    proves,
    record_values,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


A = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]}
CHECKED = {"FailureThreshold": 1}


class Answered(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: dict[str, Any]) -> list[str]:
        """The addresses in one answer, sorted."""


@pytest.fixture
def answered(query_dns: QueryDns, public_namespace: dict[str, Any]) -> Answered:
    """Asks for the addresses of a service."""

    def look(service: dict[str, Any]) -> list[str]:
        name = f"{service['Name']}.{public_namespace['Name']}"
        return sorted(record_values(query_dns(name, "A", public_namespace), name, "A"))

    return look


def addresses(count: int) -> list[str]:
    """So many addresses, in the order of their text."""
    return sorted(f"192.0.2.{number}" for number in range(1, count + 1))


def instances(count: int, **attributes: str) -> dict[str, dict[str, str]]:
    """So many instances by id, one to an address."""
    return {f"i-{address}": {"AWS_INSTANCE_IPV4": address, **attributes} for address in addresses(count)}


@proves("dns.multivalue.returns-all-up-to-eight")
@pytest.mark.parametrize("count", [2, 8])
def test_every_answer_holds_all_up_to_eight(
    make_service: MakeService,
    register_all: RegisterAll,
    answered: Answered,
    eventually: Eventually,
    public_namespace: dict[str, Any],
    count: int,
) -> None:
    """With up to eight instances each of 50 answers holds all addresses, and each once."""
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, instances(count))
    eventually(lambda: answered(service) == addresses(count), within=timeouts.DNS_CHANGE)
    for _ in range(50):
        assert answered(service) == addresses(count)


@proves("dns.multivalue.caps-at-eight")
@pytest.mark.parametrize("count", [9, 20])
def test_no_answer_holds_more_than_eight(
    make_service: MakeService,
    register_all: RegisterAll,
    answered: Answered,
    clock: Clock,
    public_namespace: dict[str, Any],
    count: int,
) -> None:
    """With more than eight instances an answer holds some of their addresses, each once and not more than eight."""
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, instances(count))
    clock.wait(timeouts.DNS_CHANGE)  # by now all of them are known: nine would fit into one answer
    for _ in range(50):
        answer = answered(service)
        assert 1 <= len(answer) <= 8
        assert len(answer) == len(set(answer))
        assert set(answer) <= set(addresses(count))


@proves("dns.multivalue.fails-open")
def test_unhealthy_instances_are_answered_if_none_is_healthy(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    answered: Answered,
    eventually: Eventually,
    always: Always,
    public_namespace: dict[str, Any],
) -> None:
    """While one of three is healthy it alone is answered; when that one is unhealthy too, answers go on."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig=CHECKED)
    first, *others = instances(3)
    everything = addresses(3)
    register_all(service, instances(3))
    eventually(lambda: answered(service) == everything, within=timeouts.DNS_CHANGE)
    for other in others:
        cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=other, Status="UNHEALTHY")
    settled = timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE
    eventually(lambda: answered(service) == everything[:1], within=settled)
    cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=first, Status="UNHEALTHY")
    eventually(lambda: len(answered(service)) > 1, within=settled)
    always(lambda: answered(service) and set(answered(service)) <= set(everything), during=30)


@proves("dns.multivalue.fails-open")
def test_failing_open_is_capped_at_eight_too(
    make_service: MakeService,
    register_all: RegisterAll,
    answered: Answered,
    clock: Clock,
    public_namespace: dict[str, Any],
) -> None:
    """With ten instances, all unhealthy from the start, an answer holds some of them and not more than eight."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig=CHECKED)
    register_all(service, instances(10, AWS_INIT_HEALTH_STATUS="UNHEALTHY"))
    clock.wait(timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE)
    for _ in range(20):
        answer = answered(service)
        assert 1 <= len(answer) <= 8
        assert set(answer) <= set(addresses(10))
