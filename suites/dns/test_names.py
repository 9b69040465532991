"""Names under which a service is answered."""

import pytest

from surveyor.testing import dns_config, proves, record_values, timeouts


@proves("dns.names-are-service-and-namespace")
@pytest.mark.parametrize("kind", ["private", "public"])
@pytest.mark.parametrize(
    ("rdtype", "key", "address"),
    [("A", "AWS_INSTANCE_IPV4", "192.0.2.44"), ("AAAA", "AWS_INSTANCE_IPV6", "2001:db8::44")],
)
def test_service_is_found_in_its_namespace(
    make_namespace, make_service, register, query_dns, eventually, kind, rdtype, key, address
):
    """Service backend in example.com is answered as backend.example.com, with the TTL of the service."""
    namespace = make_namespace(kind)
    config = dns_config(rdtype)
    service = make_service(namespace, "backend", DnsConfig=config)
    register(service, "i-1", {key: address})
    name = f"backend.{namespace['Name']}"
    assert eventually(
        lambda: record_values(query_dns(name, rdtype, namespace), name, rdtype), within=timeouts.DNS_CHANGE
    ) == [address]


@proves("dns.unchecked-instances-count-as-healthy")
@pytest.mark.parametrize("policy", ["MULTIVALUE", "WEIGHTED"])
def test_address_without_a_listener_is_answered(
    make_service, register, query_dns, eventually, clock, public_namespace, policy
):
    """Without a health check an address at which nothing listens is answered, and still is two minutes later."""
    config = dns_config("A", ttl=0, policy=policy)
    service = make_service(public_namespace, DnsConfig=config)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80"})  # RFC 5737: no host has it
    name = f"{service['Name']}.{public_namespace['Name']}"

    def addresses():
        return record_values(query_dns(name, "A", public_namespace), name, "A")

    assert eventually(addresses, within=timeouts.DNS_CHANGE) == ["192.0.2.1"]
    clock.wait(120)
    assert addresses() == ["192.0.2.1"]
