"""When each view of the registry drops an instance, and how long a cache keeps the answer that there is none."""

from surveyor.testing import dns_config, proves, record_values, timeouts

TTL = 60
A = dns_config("A", ttl=TTL)
FIRST, SECOND = {"AWS_INSTANCE_IPV4": "192.0.2.1"}, {"AWS_INSTANCE_IPV4": "192.0.2.2"}


@proves("deregistration.gone-from-dns-within-a-minute-and-ttl")
def test_each_view_drops_the_instance_in_time(
    cloudmap,
    make_service,
    register_all,
    deregister,
    query_dns,
    query_dns_cached,
    eventually,
    clock,
    in_time,
    tolerance,
    public_namespace,
):
    """ListInstances drops it at once, DiscoverInstances and name servers within a minute, a cache after the TTL."""
    service = make_service(public_namespace, DnsConfig=A)
    register_all(service, {"i-1": FIRST, "i-2": SECOND})
    name = f"{service['Name']}.{public_namespace['Name']}"
    names = {"NamespaceName": public_namespace["Name"], "ServiceName": service["Name"]}
    both = ["192.0.2.1", "192.0.2.2"]
    eventually(
        lambda: sorted(record_values(query_dns(name, "A", public_namespace), name, "A")) == both,
        within=timeouts.DNS_CHANGE,
    )
    with in_time(clock.now() + TTL):
        assert sorted(record_values(query_dns_cached(name, "A", public_namespace), name, "A")) == both
        deregister(service, "i-1")
        cached = record_values(query_dns_cached(name, "A", public_namespace), name, "A")
        assert sorted(cached) == both
    assert [instance["Id"] for instance in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-2"]
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == 1, within=timeouts.DISCOVERY)
    eventually(
        lambda: record_values(query_dns(name, "A", public_namespace), name, "A") == ["192.0.2.2"],
        within=timeouts.DNS_CHANGE,
    )
    eventually(
        lambda: record_values(query_dns_cached(name, "A", public_namespace), name, "A") == ["192.0.2.2"],
        within=TTL + tolerance,
    )


@proves("deregistration.last-record-leaves-negative-answer")
def test_negative_answer_is_cached_for_the_soa_ttl(
    make_namespace,
    make_service,
    register,
    deregister,
    query_dns,
    query_dns_cached,
    eventually,
    clock,
    in_time,
    tolerance,
):
    """A cache that queried without instances answers none until the SOA TTL has passed, and then the new instance."""
    namespace = make_namespace("public", Properties={"DnsProperties": {"SOA": {"TTL": TTL}}})
    service = make_service(namespace, DnsConfig=A)
    name = f"{service['Name']}.{namespace['Name']}"
    register(service, "i-1", FIRST)
    eventually(lambda: record_values(query_dns(name, "A", namespace), name, "A"), within=timeouts.DNS_CHANGE)
    deregister(service, "i-1")
    eventually(lambda: not record_values(query_dns(name, "A", namespace), name, "A"), within=timeouts.DNS_CHANGE)
    asked = clock.now()
    assert not record_values(query_dns_cached(name, "A", namespace), name, "A")
    answered = clock.now()
    register(service, "i-2", SECOND)
    eventually(
        lambda: record_values(query_dns(name, "A", namespace), name, "A") == ["192.0.2.2"], within=timeouts.DNS_CHANGE
    )
    with in_time(asked + TTL):
        clock.wait(max(0.0, asked + TTL - tolerance - clock.now()))
        assert not record_values(query_dns_cached(name, "A", namespace), name, "A")
    clock.wait(max(0.0, answered + TTL + tolerance - clock.now()))
    assert record_values(query_dns_cached(name, "A", namespace), name, "A") == ["192.0.2.2"]
