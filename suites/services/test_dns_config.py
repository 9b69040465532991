"""DnsConfig of new services: routing policies, record types, TTLs."""

from surveyor.testing import dns_config, for_each, proves, raises

TYPES = ("A", "AAAA", "SRV", "CNAME")
COMBINATIONS = ["A", "AAAA", "A AAAA", "SRV", "CNAME"]
SRV_BESIDE_ADDRESSES = ["A SRV", "AAAA SRV", "A AAAA SRV"]
OTHER_COMBINATIONS = [
    "A CNAME",
    "AAAA CNAME",
    "SRV CNAME",
    "A AAAA CNAME",
    "A SRV CNAME",
    "AAAA SRV CNAME",
    "A AAAA SRV CNAME",
    "A A",
    "SRV SRV",
]


def weighted(types="A", ttl=60):
    """Return a DnsConfig with WEIGHTED routing and one record of each type in the text."""
    return dns_config(*types.split(), ttl=ttl, policy="WEIGHTED")


def ttl_by_type(cloudmap, service):
    """Return the TTLs that GetService shows, by record type."""
    config = cloudmap.get_service(Id=service["Id"])["Service"]["DnsConfig"]
    return {record["Type"]: record["TTL"] for record in config["DnsRecords"]}


@proves("services.routing-policy-has-two-values")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
@for_each("types", ["A", "AAAA", "A AAAA", "SRV"])
def test_documented_policies_are_kept(cloudmap, make_service, private_namespace, types, policy):
    """MULTIVALUE and WEIGHTED are accepted and read back."""
    service = make_service(private_namespace, DnsConfig=weighted(types) | {"RoutingPolicy": policy})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["DnsConfig"]["RoutingPolicy"] == policy


@proves("services.routing-policy-has-two-values")
@for_each("policy", ["LATENCY", "GEOLOCATION", "FAILOVER", "SIMPLE"])
def test_other_policies_of_route53_are_refused(make_service, private_namespace, policy):
    """Policies of Route 53 that Cloud Map does not have are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig=weighted() | {"RoutingPolicy": policy})


@proves("services.routing-policy-may-be-omitted")
@for_each("types", ["A", "AAAA", "A AAAA", "SRV"])
def test_policy_may_be_omitted(cloudmap, make_service, private_namespace, types):
    """Without RoutingPolicy a service is created with its records; its default policy is not documented."""
    service = make_service(private_namespace, DnsConfig=dns_config(*types.split(), policy=None))
    assert ttl_by_type(cloudmap, service) == dict.fromkeys(types.split(), 60)
    assert service["DnsConfig"].get("RoutingPolicy") in (None, "MULTIVALUE", "WEIGHTED")


@proves("services.records-need-type-and-ttl")
@for_each("record", {"no Type": {"TTL": 60}} | {f"{kind} without TTL": {"Type": kind} for kind in TYPES})
def test_record_without_type_or_ttl_is_refused(make_service, unique_name, private_namespace, record):
    """A record without TTL or without Type is refused with InvalidInput, and the name is still available."""
    name = unique_name("svc")
    with raises("InvalidInput"):
        make_service(private_namespace, name, DnsConfig={"RoutingPolicy": "WEIGHTED", "DnsRecords": [record]})
    make_service(private_namespace, name, DnsConfig=weighted())


@proves("services.records-need-type-and-ttl")
def test_second_record_needs_a_ttl_too(make_service, private_namespace):
    """A record without TTL beside one with a TTL is refused with InvalidInput."""
    config = weighted("A AAAA")
    del config["DnsRecords"][1]["TTL"]
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig=config)


@proves("services.ttl-spans-31-bits")
@for_each("types", COMBINATIONS)
def test_ttl_within_bounds_is_kept(cloudmap, make_service, private_namespace, types):
    """TTLs from 0 to 2147483647 are accepted and read back."""
    for ttl in (0, 1, 2147483647):
        service = make_service(private_namespace, DnsConfig=weighted(types, ttl))
        assert ttl_by_type(cloudmap, service) == dict.fromkeys(types.split(), ttl)


@proves("services.ttl-spans-31-bits")
@for_each("ttl", [-1, 2147483648])
@for_each("types", COMBINATIONS)
def test_ttl_out_of_bounds_is_refused(make_service, private_namespace, types, ttl):
    """A negative TTL and one of 2147483648 are refused with InvalidInput."""
    config = weighted(types)
    config["DnsRecords"][-1]["TTL"] = ttl
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig=config)


@proves("services.combinations-of-records")
@for_each("kind", ["private", "public"])
@for_each("types", COMBINATIONS)
def test_documented_combinations_are_kept(cloudmap, make_service, namespace_of_kind, types, kind):
    """The five combinations that the document lists are accepted and read back."""
    service = make_service(namespace_of_kind(kind), DnsConfig=weighted(types))
    assert ttl_by_type(cloudmap, service) == dict.fromkeys(types.split(), 60)


@proves("services.srv-beside-addresses")
@for_each("kind", ["private", "public"])
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_srv_stands_beside_addresses(cloudmap, make_service, namespace_of_kind, policy, kind):
    """SRV with A, with AAAA and with both is accepted and read back, with each policy."""
    # ECS Developer Guide, service-discovery: "you can create any combination of A or SRV records for each service task"
    for types in SRV_BESIDE_ADDRESSES:
        service = make_service(namespace_of_kind(kind), DnsConfig=weighted(types) | {"RoutingPolicy": policy})
        assert ttl_by_type(cloudmap, service) == dict.fromkeys(types.split(), 60)


@proves("services.combinations-of-records")
@for_each("kind", ["private", "public"])
def test_other_combinations_are_refused(make_service, namespace_of_kind, kind):
    """CNAME beside any other type, and a type twice, is refused with InvalidInput."""
    namespace = namespace_of_kind(kind)
    for types in OTHER_COMBINATIONS:
        with raises("InvalidInput"):
            make_service(namespace, DnsConfig=weighted(types))


@proves("services.cname.needs-weighted")
@for_each("kind", ["private", "public"])
def test_cname_is_refused_with_multivalue(make_service, unique_name, namespace_of_kind, kind):
    """CNAME with MULTIVALUE is refused with InvalidInput; with WEIGHTED it is accepted."""
    # servicediscovery/DnsRecord.Type: "You must specify WEIGHTED for the value of RoutingPolicy."
    namespace, name = namespace_of_kind(kind), unique_name("svc")
    with raises("InvalidInput"):
        make_service(namespace, name, DnsConfig=dns_config("CNAME"))
    assert make_service(namespace, name, DnsConfig=weighted("CNAME"))["DnsConfig"]["RoutingPolicy"] == "WEIGHTED"


@proves("services.type-http-keeps-service-out-of-dns")
@for_each("kind", ["private", "public"])
def test_type_http_creates_no_records(
    cloudmap, make_service, register, record_sets, eventually, namespace_of_kind, kind
):
    """The instance of a DNS service has a record; that of a service of Type HTTP has none and is discovered."""
    namespace = namespace_of_kind(kind)
    dns, http = make_service(namespace, DnsConfig=weighted()), make_service(namespace, Type="HTTP")
    for service in (dns, http):
        register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    assert record_sets(namespace, f"{dns['Name']}.{namespace['Name']}")
    assert not record_sets(namespace, f"{http['Name']}.{namespace['Name']}")

    def ids_discovered():
        found = cloudmap.discover_instances(
            NamespaceName=namespace["Properties"]["HttpProperties"]["HttpName"], ServiceName=http["Name"]
        )
        return [instance["InstanceId"] for instance in found["Instances"]]

    assert eventually(ids_discovered, within=60) == ["i-1"]


@proves("services.type-http-keeps-service-out-of-dns")
@for_each(
    "kind, settings, expected",
    {
        "Type HTTP, private": ("private", {"Type": "HTTP"}, "HTTP"),
        "records, private": ("private", {"DnsConfig": weighted()}, "DNS_HTTP"),
        "records, public": ("public", {"DnsConfig": weighted("SRV")}, "DNS_HTTP"),
        "HTTP namespace": ("http", {}, "HTTP"),
    },
)
def test_type_shows_how_instances_are_discovered(cloudmap, make_service, namespace_of_kind, kind, settings, expected):
    """Type is DNS_HTTP for a service with records, and HTTP for one of Type HTTP or in an HTTP namespace."""
    service = make_service(namespace_of_kind(kind), **settings)
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Type"] == expected


@proves("services.type-http-keeps-service-out-of-dns")
def test_http_is_the_only_type_to_request(make_service, private_namespace):
    """CreateService refuses any Type but HTTP with InvalidInput, those that GetService shows too."""
    # servicediscovery/CreateServiceRequest.Type: "The only valid value is HTTP."
    for kind in ("DNS_HTTP", "DNS"):
        with raises("InvalidInput"):
            make_service(private_namespace, DnsConfig=weighted(), Type=kind)


@proves("services.alias.needs-weighted-addresses")
@for_each(
    "kind, settings",
    {
        "MULTIVALUE A": ("private", {"DnsConfig": dns_config("A")}),
        "MULTIVALUE AAAA": ("private", {"DnsConfig": dns_config("AAAA")}),
        "MULTIVALUE A AAAA": ("private", {"DnsConfig": dns_config("A", "AAAA")}),
        "WEIGHTED SRV": ("private", {"DnsConfig": weighted("SRV")}),
        "WEIGHTED CNAME": ("private", {"DnsConfig": weighted("CNAME")}),
        "no records": ("private", {"Type": "HTTP"}),
        "HTTP namespace": ("http", {}),
    },
)
def test_alias_is_refused_by_other_services(cloudmap, make_service, namespace_of_kind, kind, settings):
    """An alias instance is refused with InvalidInput if the policy is MULTIVALUE or the type is not A or AAAA."""
    service = make_service(namespace_of_kind(kind), **settings)
    alias = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes={"AWS_ALIAS_DNS_NAME": alias})


@proves("services.alias.needs-weighted-addresses")
@for_each("types", ["A", "AAAA", "A AAAA"])
def test_alias_is_accepted_with_weighted_addresses(cloudmap, make_service, register, private_namespace, types):
    """An alias instance is accepted by a WEIGHTED service with A, AAAA or both."""
    service = make_service(private_namespace, DnsConfig=weighted(types))
    alias = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    register(service, "i-1", {"AWS_ALIAS_DNS_NAME": alias})
    instance = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]
    assert instance["Attributes"]["AWS_ALIAS_DNS_NAME"] == alias
