"""MULTIVALUE routing: all healthy instances, or eight of them. Name servers are queried: they cache nothing."""

import pytest

from surveyor.testing import dns_config, proves, record_values, timeouts

A = dns_config("A")
CHECKED = {"FailureThreshold": 1}


@pytest.fixture
def addresses_of(query_dns, public_namespace):
    """Query the addresses of a service."""

    def query_addresses(service):
        name = f"{service['Name']}.{public_namespace['Name']}"
        return sorted(record_values(query_dns(name, "A", public_namespace), name, "A"))

    return query_addresses


def addresses(count):
    """Return `count` addresses, sorted as text."""
    return sorted(f"192.0.2.{number}" for number in range(1, count + 1))


def instances(count, **attributes):
    """Return `count` instances by id, each with one address."""
    return {f"i-{address}": {"AWS_INSTANCE_IPV4": address, **attributes} for address in addresses(count)}


@proves("dns.multivalue.returns-all-up-to-eight")
@pytest.mark.parametrize("count", [2, 8])
def test_every_answer_has_all_up_to_eight(
    make_service, register_all, addresses_of, eventually, public_namespace, count
):
    """With up to eight instances each of 50 answers has all addresses, each exactly once."""
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, instances(count))
    eventually(lambda: addresses_of(service) == addresses(count), within=timeouts.DNS_CHANGE)
    for _ in range(50):
        assert addresses_of(service) == addresses(count)


@proves("dns.multivalue.caps-at-eight")
@pytest.mark.parametrize("count", [9, 20])
def test_no_answer_has_more_than_eight(make_service, register_all, addresses_of, clock, public_namespace, count):
    """With more than eight instances an answer has some of their addresses, each once and not more than eight."""
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, instances(count))
    clock.wait(timeouts.DNS_CHANGE)  # by now all records are published, so that a ninth could be answered
    for _ in range(50):
        answer = addresses_of(service)
        assert 1 <= len(answer) <= 8
        assert len(answer) == len(set(answer))
        assert set(answer) <= set(addresses(count))


@proves("dns.multivalue.fails-open")
def test_unhealthy_instances_are_answered_if_none_is_healthy(
    cloudmap, make_service, register_all, addresses_of, eventually, always, public_namespace
):
    """While one of three is healthy only it is answered; when it is unhealthy too, unhealthy ones are answered."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig=CHECKED)
    first, *others = instances(3)
    all_addresses = addresses(3)
    register_all(service, instances(3))
    eventually(lambda: addresses_of(service) == all_addresses, within=timeouts.DNS_CHANGE)
    for other in others:
        cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=other, Status="UNHEALTHY")
    delay = timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE
    eventually(lambda: addresses_of(service) == all_addresses[:1], within=delay)
    cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=first, Status="UNHEALTHY")
    eventually(lambda: len(addresses_of(service)) > 1, within=delay)
    always(lambda: addresses_of(service) and set(addresses_of(service)) <= set(all_addresses), during=30)


@proves("dns.multivalue.fails-open")
def test_failing_open_is_capped_at_eight_too(make_service, register_all, addresses_of, clock, public_namespace):
    """With ten instances, all unhealthy from the start, an answer has some of them and not more than eight."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckCustomConfig=CHECKED)
    register_all(service, instances(10, AWS_INIT_HEALTH_STATUS="UNHEALTHY"))
    clock.wait(timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE)
    for _ in range(20):
        answer = addresses_of(service)
        assert 1 <= len(answer) <= 8
        assert set(answer) <= set(addresses(10))
