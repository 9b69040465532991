"""MULTIVALUE routing: all healthy instances, or eight of them. Name servers are queried: they cache nothing."""

import pytest

from surveyor.testing import dns_config, for_each, proves, record_values, timeouts

A = dns_config("A")
CHECKED = {"FailureThreshold": 1}


@pytest.fixture
def values_of(query_dns):
    """Query the records of a name in a namespace: addresses, or of SRV records the ports."""

    def query_values(namespace, name, rdtype="A"):
        return sorted(
            value.split()[2] if rdtype == "SRV" else value
            for value in record_values(query_dns(name, rdtype, namespace), name, rdtype)
        )

    return query_values


def values(rdtype, count):
    """Return the values of the first `count` instances, sorted as text."""
    text = {"A": "192.0.2.{}", "AAAA": "2001:db8::{:x}", "SRV": "80{:02}"}[rdtype]
    return sorted(text.format(number) for number in range(1, count + 1))


def instances(count, healthy=None):
    """Return `count` instances by id, of which the first `healthy` are healthy, or all without custom health."""
    found = {}
    for number in range(1, count + 1):
        attributes = {"AWS_INSTANCE_IPV4": f"192.0.2.{number}", "AWS_INSTANCE_IPV6": f"2001:db8::{number:x}"}
        attributes["AWS_INSTANCE_PORT"] = f"80{number:02}"
        if healthy is not None:
            attributes["AWS_INIT_HEALTH_STATUS"] = "HEALTHY" if number <= healthy else "UNHEALTHY"
        found[f"i-{number}"] = attributes
    return found


@proves("dns.multivalue.returns-all-up-to-eight")
@for_each("rdtype, count", [("A", 2), ("A", 7), ("A", 8), ("AAAA", 8), ("SRV", 8)])
@for_each("kind", ["private", "public"])
def test_every_answer_has_all_up_to_eight(publish, values_of, namespace_of_kind, kind, rdtype, count):
    """With up to eight instances each of 20 answers has all values, each exactly once."""
    # ResourceRecordSet.MultiValueAnswer: "if you have eight or fewer healthy records, Route 53 responds to all DNS
    # queries with all the healthy records"
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config(rdtype), instances(count))
    for _ in range(20 if kind == "public" else 2):  # a resolver may cache
        assert values_of(namespace, name, rdtype) == values(rdtype, count)


@proves("dns.multivalue.caps-at-eight")
@for_each(
    "kind, rdtype, count",
    [("public", "A", 9), ("public", "A", 20), ("public", "AAAA", 9), ("public", "SRV", 12), ("private", "A", 9)],
)
def test_no_answer_has_more_than_eight(publish, values_of, namespace_of_kind, kind, rdtype, count):
    """With more than eight instances an answer has some of their values, each once and not more than eight."""
    # DnsConfig.RoutingPolicy: "Route 53 responds to DNS queries with IP addresses for up to eight healthy instances."
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config(rdtype), instances(count))
    for _ in range(30):
        answer = values_of(namespace, name, rdtype)
        assert 1 <= len(answer) <= 8
        assert len(answer) == len(set(answer))
        assert set(answer) <= set(values(rdtype, count))


@proves("dns.multivalue.omits-unhealthy")
@for_each("kind, rdtype", [("public", "A"), ("public", "AAAA"), ("public", "SRV"), ("private", "A")])
@for_each("healthy", [1, 7, 8])
def test_all_healthy_ones_are_answered(publish, values_of, namespace_of_kind, kind, rdtype, healthy):
    """Of twelve instances, up to eight of them healthy, every answer has exactly the healthy ones."""
    # DnsConfig.RoutingPolicy: "If fewer than eight instances are healthy, Route 53 responds to every DNS query with
    # the IP addresses for all of the healthy instances."
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config(rdtype), instances(12, healthy), HealthCheckCustomConfig=CHECKED)
    for _ in range(10):
        assert values_of(namespace, name, rdtype) == values(rdtype, healthy)


@proves("dns.multivalue.omits-unhealthy", "dns.multivalue.caps-at-eight")
def test_at_most_eight_of_nine_healthy_ones_are_answered(publish, values_of, public_namespace):
    """Of twelve instances, nine of them healthy, an answer has up to eight healthy ones and no other."""
    name = publish(public_namespace, A, instances(12, healthy=9), HealthCheckCustomConfig=CHECKED)
    for _ in range(30):
        answer = values_of(public_namespace, name)
        assert 1 <= len(answer) <= 8
        assert set(answer) <= set(values("A", 9))


@proves("dns.multivalue.fails-open", "dns.multivalue.omits-unhealthy")
@for_each("types", {"A and AAAA": ("A", "AAAA"), "SRV": ("SRV",)})
def test_unhealthy_instances_are_answered_if_none_is_healthy(
    cloudmap, make_service, register_all, values_of, eventually, always, public_namespace, types
):
    """While one of three is healthy only it is answered; when it is unhealthy too, unhealthy ones are answered.

    When it is healthy again, only it is answered again.
    """
    # ResourceRecordSet.MultiValueAnswer: "When all records are unhealthy, Route 53 responds to DNS queries with up to
    # eight unhealthy records."
    service = make_service(public_namespace, DnsConfig=dns_config(*types), HealthCheckCustomConfig=CHECKED)
    name = f"{service['Name']}.{public_namespace['Name']}"
    first, *others = instances(3)
    delay = timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE

    def answers():
        return [values_of(public_namespace, name, rdtype) for rdtype in types]

    def only(count):
        return answers() == [values(rdtype, count) for rdtype in types]

    def report(status, *ids):
        for instance in ids:
            cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=instance, Status=status)

    register_all(service, instances(3))
    eventually(lambda: only(3), within=timeouts.DNS_CHANGE)
    report("UNHEALTHY", *others)
    eventually(lambda: only(1), within=delay)
    report("UNHEALTHY", first)
    eventually(lambda: all(len(answer) > 1 for answer in answers()), within=delay)
    always(
        lambda: all(
            answer and set(answer) <= set(values(rdtype, 3)) for rdtype, answer in zip(types, answers(), strict=True)
        ),
        during=30,
    )
    report("HEALTHY", first)
    eventually(lambda: only(1), within=delay)


@proves("dns.multivalue.fails-open")
@for_each("rdtype, count", [("A", 1), ("A", 10), ("AAAA", 10), ("SRV", 10)])
def test_failing_open_is_capped_at_eight_too(publish, values_of, public_namespace, rdtype, count):
    """With instances that are all unhealthy from the start, an answer has some of them and not more than eight."""
    config = dns_config(rdtype)
    name = publish(public_namespace, config, instances(count, healthy=0), HealthCheckCustomConfig=CHECKED)
    for _ in range(20):
        answer = values_of(public_namespace, name, rdtype)
        assert 1 <= len(answer) <= 8
        assert set(answer) <= set(values(rdtype, count))
