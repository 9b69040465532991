"""Names of a namespace, as a resolver on premises asks for them: at an inbound endpoint."""

from surveyor.testing import dns_config, proves, record_values, timeouts


@proves("on-premises.inbound.names-follow-the-registry")
def test_names_follow_the_registry(
    make_service, register, deregister, private_namespace, resolver_hub, query_endpoint, clock
):
    """An inbound endpoint answers with one instance, two, the other one, and with none for another name."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", ttl=0))
    host, address = f"{service['Name']}.{private_namespace['Name']}", resolver_hub.addresses[0]

    def answered():
        clock.wait(timeouts.DNS_CHANGE)
        return sorted(record_values(query_endpoint(host, "A", resolver_hub, address), host, "A"))

    register(service, "host-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    assert answered() == ["192.0.2.1"]
    register(service, "host-2", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    assert answered() == ["192.0.2.1", "192.0.2.2"]
    deregister(service, "host-1")
    assert answered() == ["192.0.2.2"]
    other = query_endpoint(f"other.{private_namespace['Name']}", "A", resolver_hub, address)
    assert not other.answer
