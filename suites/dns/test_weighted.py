"""WEIGHTED routing: one instance at random. Name servers are queried: they cache nothing."""

from collections import Counter
from itertools import pairwise

import pytest

from surveyor.testing import dns_config, for_each, proves, record_values, timeouts

A = dns_config("A", ttl=0, policy="WEIGHTED")
CHECKED = {"FailureThreshold": 1}
FOUR = {
    f"i-{number}": {
        "AWS_INSTANCE_IPV4": f"192.0.2.{number}",
        "AWS_INSTANCE_IPV6": f"2001:db8::{number}",
        "AWS_INSTANCE_PORT": f"{number}",
    }
    for number in range(1, 5)
}
ADDRESSES = {attributes["AWS_INSTANCE_IPV4"] for attributes in FOUR.values()}

QUERIES = 600
# Chi-square with three degrees of freedom: equal weights exceed it once in 700,000 runs. With 600 queries a weight of
# two among ones gives 75 on average and stays below it in less than one run of 200.
BOUND = 30.0


@pytest.fixture
def query_values(query_dns_repeatedly, public_namespace):
    """Query the addresses of a name several times."""

    def query(name, count):
        answers = query_dns_repeatedly(name, "A", public_namespace, times=count)
        return [record_values(answer, name, "A") for answer in answers]

    return query


def chi_square(counts):
    """Return the statistic that grows with the differences between counts."""
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


@proves("dns.weighted.returns-one-at-random")
def test_each_answer_is_one_of_four_with_equal_chances(publish, query_values, public_namespace):
    """Each of 600 answers has one address, and the four addresses are equally frequent."""
    # DnsConfig.RoutingPolicy: "Currently, all records have the same weight, so you can't route more or less traffic to
    # any instances."
    name = publish(public_namespace, A, FOUR)
    counts = Counter(address for [address] in query_values(name, QUERIES))
    assert counts.keys() == ADDRESSES
    assert chi_square(counts.values()) < BOUND


@proves("dns.weighted.returns-one-at-random")
def test_successive_answers_do_not_take_turns(publish, query_values, public_namespace):
    """With two instances an answer repeats the one before it about every other time: the choice is random.

    Of 100 answers at random less than 20 or more than 80 repeat it once in 10^9 runs.
    """
    name = publish(public_namespace, A, dict(list(FOUR.items())[:2]))
    answers = query_values(name, 101)
    assert 20 <= sum(answer == before for before, answer in pairwise(answers)) <= 80


@proves("dns.weighted.returns-one-at-random")
@for_each("kind, types", [("public", ("A", "AAAA")), ("public", ("SRV",)), ("private", ("A",))])
def test_each_answer_has_one_record_of_the_type(publish, query_dns_repeatedly, namespace_of_kind, kind, types):
    """Of each record type that the service has every answer has one record, and each of four instances is answered.

    With equal chances one of the four is missing from 60 answers once in 10^7 runs.
    """
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config(*types, ttl=0, policy="WEIGHTED"), FOUR)
    for rdtype in types:
        found = query_dns_repeatedly(name, rdtype, namespace, times=60)
        answers = [record_values(answer, name, rdtype) for answer in found]
        assert all(len(answer) == 1 for answer in answers)
        assert len({value for [value] in answers}) == 4


@proves("dns.weighted.returns-one-at-random")
def test_single_instance_is_in_every_answer(publish, query_values, public_namespace):
    """With a single instance every answer has its address, and none of the other service in the namespace."""
    publish(public_namespace, A, FOUR)
    name = publish(public_namespace, A, {"i-1": {"AWS_INSTANCE_IPV4": "198.51.100.1"}})
    assert query_values(name, 20) == [["198.51.100.1"]] * 20


@proves("dns.weighted.omits-unhealthy")
@for_each("unhealthy", [1, 3])
def test_unhealthy_instances_are_not_answered(publish, query_values, public_namespace, unhealthy):
    """Of four instances, some of them unhealthy, each healthy one is answered and no other.

    With equal chances one of three is missing from 100 answers once in 10^17 runs.
    """
    # DnsConfig.RoutingPolicy: "Route 53 responds to DNS queries with the IP address for one randomly selected instance
    # from among the healthy instances."
    instances = {
        instance: {**attributes, "AWS_INIT_HEALTH_STATUS": "UNHEALTHY" if number < unhealthy else "HEALTHY"}
        for number, (instance, attributes) in enumerate(FOUR.items())
    }
    name = publish(public_namespace, A, instances, HealthCheckCustomConfig=CHECKED)
    healthy = sorted(ADDRESSES)[unhealthy:]
    assert {address for [address] in query_values(name, 100)} == set(healthy)


@proves("dns.weighted.fails-open")
def test_all_are_answered_if_none_is_healthy(
    cloudmap, make_service, register_all, query_values, clock, public_namespace
):
    """While one of four is healthy only it is answered; when none is, each answer has any one of the four.

    With equal chances one of the four is missing from 100 answers once in 10^11 runs.
    """
    # DnsConfig.RoutingPolicy: "If no instances are healthy, Route 53 responds to DNS queries as if all of the instances
    # were healthy."
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig=CHECKED)
    name = f"{service['Name']}.{public_namespace['Name']}"
    register_all(service, FOUR)
    first, *others = FOUR

    def report_unhealthy(*ids):
        for instance in ids:
            cloudmap.update_instance_custom_health_status(
                ServiceId=service["Id"], InstanceId=instance, Status="UNHEALTHY"
            )
        clock.wait(timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE)

    report_unhealthy(*others)
    assert query_values(name, 20) == [["192.0.2.1"]] * 20
    report_unhealthy(first)
    assert {address for [address] in query_values(name, 100)} == ADDRESSES
