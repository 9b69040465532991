"""WEIGHTED routing: one instance at random. Name servers are queried: they cache nothing."""

from collections import Counter

import pytest

from surveyor.testing import dns_config, proves, record_values, timeouts

A = dns_config("A", ttl=0, policy="WEIGHTED")
FOUR = {f"i-{number}": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"} for number in range(1, 5)}
ADDRESSES = {attributes["AWS_INSTANCE_IPV4"] for attributes in FOUR.values()}


@pytest.fixture
def query_addresses(query_dns, public_namespace):
    """Query the addresses of a service several times."""

    def query(service, count):
        name = f"{service['Name']}.{public_namespace['Name']}"
        return [record_values(query_dns(name, "A", public_namespace), name, "A") for _ in range(count)]

    return query


@proves("dns.weighted.returns-one-at-random")
def test_each_answer_is_one_of_four_with_equal_chances(
    make_service, register_all, query_addresses, clock, public_namespace
):
    """Each of 400 answers has one address, and each of four instances has between half and twice its share of 100.

    If all chances are equal, a count is below 50 or above 200 once in 10^9 runs.
    """
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, FOUR)
    clock.wait(timeouts.DNS_CHANGE)
    counts = Counter(address for [address] in query_addresses(service, 400))
    assert counts.keys() == ADDRESSES
    assert min(counts.values()) >= 50
    assert max(counts.values()) <= 200


@proves("dns.weighted.returns-one-at-random")
def test_single_instance_is_in_every_answer(make_service, register_all, query_addresses, eventually, public_namespace):
    """With a single instance every answer has its address, and none of the other service in the namespace."""
    single, neighbour = make_service(public_namespace, DnsConfig=A), make_service(public_namespace, DnsConfig=A)
    register_all(neighbour, FOUR)
    register_all(single, {"i-1": {"AWS_INSTANCE_IPV4": "198.51.100.1"}})
    eventually(lambda: query_addresses(single, 1) != [[]], within=timeouts.DNS_CHANGE)
    assert query_addresses(single, 20) == [["198.51.100.1"]] * 20


@proves("dns.weighted.fails-open")
def test_all_are_answered_if_none_is_healthy(
    cloudmap, make_service, register_all, query_addresses, clock, public_namespace
):
    """While one of four is healthy only it is answered; when none is, each answer has any one of the four.

    With equal chances one of the four is missing from 100 answers once in 10^11 runs.
    """
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig={"FailureThreshold": 1})
    register_all(service, FOUR)
    first, *others = FOUR

    def report_unhealthy(*ids):
        for instance in ids:
            cloudmap.update_instance_custom_health_status(
                ServiceId=service["Id"], InstanceId=instance, Status="UNHEALTHY"
            )
        clock.wait(timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE)

    report_unhealthy(*others)
    assert query_addresses(service, 20) == [["192.0.2.1"]] * 20
    report_unhealthy(first)
    assert {address for [address] in query_addresses(service, 100)} == ADDRESSES
