"""SRV records and the host names in their values."""

import pytest

from surveyor.testing import dns_config, for_each, proves, record_values, timeouts

SRV = dns_config("SRV")
V4, V6, PORT = "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT"
BOTH = {V4: "192.0.2.1", V6: "2001:db8::1"}


@proves("dns.srv.value")
@for_each("kind", ["private", "public"])
def test_value_has_port_and_host_name(publish, namespace_of_kind, query_dns, kind):
    """Each instance has one SRV record: 1 1 <port> <instance>.<service>.<namespace>, an absolute name."""
    # DnsRecord.Type: "The values of priority and weight are both set to 1 and can't be changed."
    namespace = namespace_of_kind(kind)
    instances = {
        "web-1": {V4: "192.0.2.1", PORT: "8080"},
        "web-2": {V6: "2001:db8::2", PORT: "1"},
        "web-3": {**BOTH, PORT: "65535"},
    }
    name = publish(namespace, SRV, instances)
    expected = [f"1 1 8080 web-1.{name}.", f"1 1 1 web-2.{name}.", f"1 1 65535 web-3.{name}."]
    assert sorted(record_values(query_dns(name, "SRV", namespace), name, "SRV")) == sorted(expected)


@proves("dns.srv.beside-addresses")
@for_each("kind", ["private", "public"])
def test_name_has_addresses_and_ports(publish, namespace_of_kind, query_dns, kind):
    """A service with A and SRV records is found by both types, and the host names of the latter have addresses."""
    namespace = namespace_of_kind(kind)
    instances = {f"web-{number}": {V4: f"192.0.2.{number}", PORT: f"808{number}"} for number in (1, 2)}
    name = publish(namespace, dns_config("A", "SRV"), instances)
    assert sorted(record_values(query_dns(name, "A", namespace), name, "A")) == ["192.0.2.1", "192.0.2.2"]
    ports = [f"1 1 808{number} web-{number}.{name}." for number in (1, 2)]
    assert sorted(record_values(query_dns(name, "SRV", namespace), name, "SRV")) == ports
    for instance, attributes in instances.items():
        host = f"{instance}.{name}"
        assert record_values(query_dns(host, "A", namespace), host, "A") == [attributes[V4]]


@proves("dns.srv.host-names-have-addresses")
@for_each("kind", ["private", "public"])
@for_each("attributes", {"IPv4": {V4: "192.0.2.1"}, "IPv6": {V6: "2001:db8::1"}, "both": BOTH})
def test_host_name_has_the_addresses_of_its_instance(publish, namespace_of_kind, query_dns, kind, attributes):
    """The host name of an SRV record is no alias; it has the addresses of its instance and no others."""
    # RFC 2782: "There MUST be one or more address records for this name, the name MUST NOT be an alias"
    namespace = namespace_of_kind(kind)
    other_instance = {V4: "192.0.2.99", V6: "2001:db8::99", PORT: "99"}
    name = publish(namespace, SRV, {"web-1": {**attributes, PORT: "8080"}, "web-2": other_instance})
    values = [value.split() for value in record_values(query_dns(name, "SRV", namespace), name, "SRV")]
    [host] = [host for _, _, port, host in values if port == "8080"]
    for rdtype, key in (("A", V4), ("AAAA", V6)):
        answer = query_dns(host, rdtype, namespace)
        expected = [attributes[key]] if key in attributes else []
        assert record_values(answer, host, rdtype) == expected
        assert len(answer.answer) == len(expected)


@proves("dns.srv.host-names-have-addresses")
def test_host_name_follows_its_instance(publish, cloudmap, query_dns, eventually, register, public_namespace):
    """After a second registration with another address the host name has that one and not the first."""
    name = publish(public_namespace, SRV, {"web-1": {**BOTH, PORT: "8080"}})
    services = cloudmap.get_paginator("list_services").paginate().search("Services[]")
    [service] = [found for found in services if name.startswith(f"{found['Name']}.")]
    register(service, "web-1", {V4: "192.0.2.7", PORT: "8080"})
    host = f"web-1.{name}"

    def addresses():
        answers = {rdtype: query_dns(host, rdtype, public_namespace) for rdtype in ("A", "AAAA")}
        return [address for rdtype, answer in answers.items() for address in record_values(answer, host, rdtype)]

    eventually(lambda: addresses() == ["192.0.2.7"], within=timeouts.DNS_CHANGE)


@proves("dns.srv.additional-addresses")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_additional_section_has_the_addresses(publish, query_dns, public_namespace, policy, count):
    """The additional section of an SRV answer has the addresses of exactly the host names in the answer."""
    # "DNS constraints and behaviors": "the service appends A or AAAA records for any target of an MX, CNAME, NS,
    # or SRV record cited in the Answer section"
    instances = {
        f"web-{n}": {V4: f"192.0.2.{n}", V6: f"2001:db8::{n:x}", PORT: str(8000 + n)} for n in range(1, count + 1)
    }
    name = publish(public_namespace, dns_config("SRV", policy=policy), instances)
    for _ in range(10):
        answer = query_dns(name, "SRV", public_namespace, tcp=True)
        hosts = [value.split()[-1] for value in record_values(answer, name, "SRV")]
        found = {(rrset.name.to_text(), record.to_text()) for rrset in answer.additional for record in rrset}
        keys = {f"{instance}.{name}.": attributes for instance, attributes in instances.items()}
        assert hosts
        assert found == {(host, keys[host][key]) for host in hosts for key in (V4, V6)}
