"""SRV records and the host names in their values."""

import pytest

from surveyor.testing import dns_config, proves, record_values, timeouts

SRV = dns_config("SRV")
V4, V6 = "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6"


@proves("dns.srv.value")
def test_value_has_port_and_host_name(make_service, register_all, query_dns, eventually, public_namespace):
    """Each instance has one SRV record: 1 1 <port> <instance>.<service>.<namespace>."""
    service = make_service(public_namespace, DnsConfig=SRV)
    instances = {
        "web-1": {V4: "192.0.2.1", "AWS_INSTANCE_PORT": "8080"},
        "web-2": {V4: "192.0.2.2", "AWS_INSTANCE_PORT": "65535"},
    }
    register_all(service, instances)
    name = f"{service['Name']}.{public_namespace['Name']}"
    expected = [f"1 1 8080 web-1.{name}.", f"1 1 65535 web-2.{name}."]
    eventually(
        lambda: sorted(record_values(query_dns(name, "SRV", public_namespace), name, "SRV")) == sorted(expected),
        within=timeouts.DNS_CHANGE,
    )


@proves("dns.srv.host-names-have-addresses")
@pytest.mark.parametrize(
    "attributes",
    [{V4: "192.0.2.1"}, {V6: "2001:db8::1"}, {V4: "192.0.2.1", V6: "2001:db8::1"}],
    ids=["IPv4", "IPv6", "both"],
)
def test_host_name_has_the_addresses_of_its_instance(
    make_service, register_all, query_dns, eventually, public_namespace, attributes
):
    """The host name of an SRV record has the addresses of its instance and no others."""
    service = make_service(public_namespace, DnsConfig=SRV)
    other_instance = {V4: "192.0.2.99", V6: "2001:db8::99", "AWS_INSTANCE_PORT": "99"}
    register_all(service, {"web-1": {**attributes, "AWS_INSTANCE_PORT": "8080"}, "web-2": other_instance})
    name = f"{service['Name']}.{public_namespace['Name']}"

    def host_name():
        hosts = {
            port: host
            for _, _, port, host in map(str.split, record_values(query_dns(name, "SRV", public_namespace), name, "SRV"))
        }
        return hosts.get("8080")

    def addresses():
        answers = {rdtype: query_dns(host, rdtype, public_namespace) for rdtype in ("A", "AAAA")}
        return {address for rdtype, answer in answers.items() for address in record_values(answer, host, rdtype)}

    host = eventually(host_name, within=timeouts.DNS_CHANGE)
    eventually(lambda: addresses() == set(attributes.values()), within=timeouts.DNS_CHANGE)
