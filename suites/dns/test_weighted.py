"""WEIGHTED routing: one instance at random. Asked at the name servers, where nothing is cached."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.testing import Clock, Eventually, MakeService, QueryDns, RegisterAll, proves, record_values, timeouts

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


A = {"RoutingPolicy": "WEIGHTED", "DnsRecords": [{"Type": "A", "TTL": 0}]}
FOUR = {f"i-{number}": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"} for number in range(1, 5)}
ADDRESSES = {attributes["AWS_INSTANCE_IPV4"] for attributes in FOUR.values()}


class Answers(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, service: dict[str, Any], count: int) -> list[list[str]]:
        """The addresses in each of `count` answers."""


@pytest.fixture
def answers(query_dns: QueryDns, public_namespace: dict[str, Any]) -> Answers:
    """Asks for the address of a service, so many times."""

    def look(service: dict[str, Any], count: int) -> list[list[str]]:
        name = f"{service['Name']}.{public_namespace['Name']}"
        return [record_values(query_dns(name, "A", public_namespace), name, "A") for _ in range(count)]

    return look


@proves("dns.weighted.returns-one-at-random")
def test_each_answer_is_one_of_four_with_equal_chances(
    make_service: MakeService,
    register_all: RegisterAll,
    answers: Answers,
    clock: Clock,
    public_namespace: dict[str, Any],
) -> None:
    """Each of 400 answers holds one address, and each of four instances has between half and twice its share of 100.

    Were all chances equal, a count below 50 or above 200 would come once in 10^9 runs.
    """
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, FOUR)
    clock.wait(timeouts.DNS_CHANGE)
    counted = Counter(address for [address] in answers(service, 400))
    assert counted.keys() == ADDRESSES
    assert min(counted.values()) >= 50
    assert max(counted.values()) <= 200


@proves("dns.weighted.returns-one-at-random")
def test_one_address_however_many_instances(
    make_service: MakeService,
    register_all: RegisterAll,
    answers: Answers,
    eventually: Eventually,
    public_namespace: dict[str, Any],
) -> None:
    """With a single instance every answer holds it; its neighbours in the namespace do not come up."""
    alone, neighbour = make_service(public_namespace, DnsConfig=A), make_service(public_namespace, DnsConfig=A)
    register_all(neighbour, FOUR)
    register_all(alone, {"i-1": {"AWS_INSTANCE_IPV4": "198.51.100.1"}})
    eventually(lambda: answers(alone, 1) != [[]], within=timeouts.DNS_CHANGE)
    assert answers(alone, 20) == [["198.51.100.1"]] * 20


@proves("dns.weighted.fails-open")
def test_answers_go_on_as_if_all_were_healthy(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    answers: Answers,
    clock: Clock,
    public_namespace: dict[str, Any],
) -> None:
    """While one of four is healthy it alone is answered; once none is, any of them, one in each answer.

    With equal chances one of the four would be missing among 100 answers once in 10^11 runs.
    """
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig={"FailureThreshold": 1})
    register_all(service, FOUR)
    first, *others = FOUR

    def turn_unhealthy(*names: str) -> None:
        for name in names:
            cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=name, Status="UNHEALTHY")
        clock.wait(timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE)

    turn_unhealthy(*others)
    assert answers(service, 20) == [["192.0.2.1"]] * 20
    turn_unhealthy(first)
    assert {address for [address] in answers(service, 100)} == ADDRESSES
