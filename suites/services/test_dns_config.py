"""DnsConfig of services: routing policies, record types, TTLs."""

import pytest

from surveyor.testing import dns_config, proves, raises


def weighted(*types):
    """Return a DnsConfig with WEIGHTED routing and one record of each type."""
    return dns_config(*types, policy="WEIGHTED")


@proves("services.routing-policy-has-two-values")
@pytest.mark.parametrize("policy", ["MULTIVALUE", "WEIGHTED"])
def test_documented_policies_are_kept(cloudmap, make_service, private_namespace, policy):
    """MULTIVALUE and WEIGHTED are accepted and read back."""
    service = make_service(private_namespace, DnsConfig={**weighted("A"), "RoutingPolicy": policy})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["DnsConfig"]["RoutingPolicy"] == policy


@proves("services.routing-policy-has-two-values")
@pytest.mark.parametrize("policy", ["LATENCY", "GEOLOCATION", "FAILOVER", "SIMPLE"])
def test_other_policies_of_route53_are_refused(make_service, private_namespace, policy):
    """Policies of Route 53 that Cloud Map does not have are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig={**weighted("A"), "RoutingPolicy": policy})


@proves("services.routing-policy-may-be-omitted")
def test_policy_may_be_omitted(cloudmap, make_service, private_namespace):
    """Without RoutingPolicy a service is created with its records; its default policy is not documented."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", policy=None))
    dns = cloudmap.get_service(Id=service["Id"])["Service"]["DnsConfig"]
    assert dns["DnsRecords"] == [{"Type": "A", "TTL": 60}]
    assert dns.get("RoutingPolicy") in (None, "MULTIVALUE", "WEIGHTED")


@proves("services.records-need-type-and-ttl")
@pytest.mark.parametrize("record", [{"Type": "A"}, {"TTL": 60}], ids=["no TTL", "no Type"])
def test_record_without_type_or_ttl_is_refused(make_service, unique_name, private_namespace, record):
    """A record without TTL or without Type is refused with InvalidInput, and the name is still available."""
    name = unique_name("svc")
    with raises("InvalidInput"):
        make_service(private_namespace, name, DnsConfig={"RoutingPolicy": "WEIGHTED", "DnsRecords": [record]})
    make_service(private_namespace, name, DnsConfig=weighted("A"))


@proves("services.ttl-spans-31-bits")
@pytest.mark.parametrize("ttl", [0, 1, 2147483647])
def test_ttl_within_bounds_is_kept(cloudmap, make_service, private_namespace, ttl):
    """TTLs from 0 to 2147483647 are accepted and read back."""
    service = make_service(private_namespace, DnsConfig={**weighted("A"), "DnsRecords": [{"Type": "A", "TTL": ttl}]})
    records = cloudmap.get_service(Id=service["Id"])["Service"]["DnsConfig"]["DnsRecords"]
    assert records == [{"Type": "A", "TTL": ttl}]


@proves("services.ttl-spans-31-bits")
@pytest.mark.parametrize("ttl", [-1, 2147483648])
def test_ttl_out_of_bounds_is_refused(make_service, private_namespace, ttl):
    """A negative TTL and one of 2147483648 are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig={**weighted("A"), "DnsRecords": [{"Type": "A", "TTL": ttl}]})


@proves("services.five-combinations-of-records")
@pytest.mark.parametrize("types", ["A", "AAAA", "A AAAA", "SRV", "CNAME"])
def test_documented_combinations_are_kept(cloudmap, make_service, private_namespace, types):
    """The five combinations that the document lists are accepted and read back."""
    service = make_service(private_namespace, DnsConfig=weighted(*types.split()))
    records = cloudmap.get_service(Id=service["Id"])["Service"]["DnsConfig"]["DnsRecords"]
    assert sorted(record["Type"] for record in records) == types.split()


@proves("services.five-combinations-of-records")
@pytest.mark.parametrize(
    "types",
    [
        "A SRV",
        "A CNAME",
        "AAAA SRV",
        "AAAA CNAME",
        "SRV CNAME",
        "A AAAA SRV",
        "A AAAA CNAME",
        "A SRV CNAME",
        "AAAA SRV CNAME",
        "A AAAA SRV CNAME",
    ],
)
def test_other_combinations_are_refused(make_service, private_namespace, types):
    """Each of the ten other sets of record types is refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig=weighted(*types.split()))


@proves("services.cname.needs-weighted")
def test_cname_is_refused_with_multivalue(make_service, unique_name, private_namespace):
    """CNAME with MULTIVALUE is refused with InvalidInput; with WEIGHTED it is accepted."""
    name = unique_name("svc")
    with raises("InvalidInput"):
        make_service(private_namespace, name, DnsConfig={**weighted("CNAME"), "RoutingPolicy": "MULTIVALUE"})
    make_service(private_namespace, name, DnsConfig=weighted("CNAME"))


@proves("services.type-http-keeps-service-out-of-dns")
def test_type_http_creates_no_records(cloudmap, make_service, register, record_sets, eventually, private_namespace):
    """The instance of a DNS service has a record; that of a service of Type HTTP has none and is discovered."""
    dns, http = make_service(private_namespace, DnsConfig=weighted("A")), make_service(private_namespace, Type="HTTP")
    for service in (dns, http):
        register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    assert record_sets(private_namespace, f"{dns['Name']}.{private_namespace['Name']}")
    assert not record_sets(private_namespace, f"{http['Name']}.{private_namespace['Name']}")

    def ids_discovered():
        found = cloudmap.discover_instances(NamespaceName=private_namespace["Name"], ServiceName=http["Name"])
        return [instance["InstanceId"] for instance in found["Instances"]]

    assert eventually(ids_discovered, within=60) == ["i-1"]


@proves("services.type-http-keeps-service-out-of-dns")
@pytest.mark.parametrize(
    ("params", "kind"), [({"Type": "HTTP"}, "HTTP"), ({"DnsConfig": weighted("A")}, "DNS_HTTP")], ids=["HTTP", "DNS"]
)
def test_type_shows_how_instances_are_discovered(cloudmap, make_service, private_namespace, params, kind):
    """In a DNS namespace the Type is HTTP for a service created with that type, DNS_HTTP for one with records."""
    service = make_service(private_namespace, **params)
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Type"] == kind


@proves("services.alias.needs-weighted-addresses")
@pytest.mark.parametrize(
    "config",
    [{**weighted("A"), "RoutingPolicy": "MULTIVALUE"}, weighted("SRV"), weighted("CNAME")],
    ids=["MULTIVALUE A", "WEIGHTED SRV", "WEIGHTED CNAME"],
)
def test_alias_is_refused_by_other_services(cloudmap, make_service, private_namespace, config):
    """An alias instance is refused with InvalidInput if the policy is MULTIVALUE or the type is not A or AAAA."""
    service = make_service(private_namespace, DnsConfig=config)
    alias = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes={"AWS_ALIAS_DNS_NAME": alias})


@proves("services.alias.needs-weighted-addresses")
@pytest.mark.parametrize("types", ["A", "AAAA", "A AAAA"])
def test_alias_is_accepted_with_weighted_addresses(cloudmap, make_service, register, private_namespace, types):
    """An alias instance is accepted by a WEIGHTED service with A, AAAA or both."""
    service = make_service(private_namespace, DnsConfig=weighted(*types.split()))
    alias = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    register(service, "i-1", {"AWS_ALIAS_DNS_NAME": alias})
    instance = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]
    assert instance["Attributes"]["AWS_ALIAS_DNS_NAME"] == alias
