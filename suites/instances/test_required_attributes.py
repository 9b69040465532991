"""Attributes that an instance needs for the records and health checks of its service."""

from surveyor.testing import dns_config, for_each, proves, raises

IPV4 = {"AWS_INSTANCE_IPV4": "192.0.2.44"}
IPV6 = {"AWS_INSTANCE_IPV6": "2001:db8::44"}
PORT = {"AWS_INSTANCE_PORT": "8080"}
CNAME = {"AWS_INSTANCE_CNAME": "www.example.com"}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1"}
NAME_SERVER_IPV6 = {"AWS_INSTANCE_IPV6": "2600:9000:5300:100::1"}


def config(*types):
    """Return a DnsConfig with one record of each type."""
    return dns_config(*types, policy="WEIGHTED")


@proves("instances.addresses.required-by-record-type")
@for_each("kind, needed, other", {"A": ("A", IPV4, IPV6), "AAAA": ("AAAA", IPV6, IPV4)})
def test_address_of_the_record_type_is_needed(cloudmap, make_service, register, private_namespace, kind, needed, other):
    """Without the address for the service's record InvalidInput is raised; that address alone is sufficient."""
    service = make_service(private_namespace, DnsConfig=config(kind))["Id"]
    for attributes in ({"colour": "red"}, {**other, **PORT, **CNAME}):
        with raises("InvalidInput"):
            cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)
    register(service, "i-1", needed)


@proves("instances.addresses.required-by-record-type")
def test_both_records_need_an_address(cloudmap, make_service, register, private_namespace):
    """In a service with A and AAAA an instance without any address is refused; one with both is accepted."""
    service = make_service(private_namespace, DnsConfig=config("A", "AAAA"))["Id"]
    with raises("InvalidInput"):  # the documents disagree on whether one address is enough
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"colour": "red", **PORT})
    register(service, "i-1", IPV4 | IPV6)


@proves("instances.srv.needs-port-and-address")
@for_each(
    "attributes", {"port": PORT, "IPv4": IPV4, "IPv6": IPV6, "addresses": IPV4 | IPV6, "port and name": PORT | CNAME}
)
def test_srv_is_refused_without_port_or_address(cloudmap, make_service, private_namespace, attributes):
    """A service with SRV refuses instances without a port, and without any address, with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=config("SRV"))["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.srv.needs-port-and-address")
@for_each("addresses", {"IPv4": IPV4, "IPv6": IPV6, "both": IPV4 | IPV6})
def test_srv_accepts_a_port_with_any_address(make_service, register, record_sets, private_namespace, addresses):
    """A port with an IPv4 address, an IPv6 address or both is accepted, and the records have exactly these."""
    service = make_service(private_namespace, DnsConfig=config("SRV"))
    register(service, "i-1", PORT | addresses)
    name = f"{service['Name']}.{private_namespace['Name']}"
    [record] = record_sets(private_namespace, name)
    assert record["Type"] == "SRV"
    assert [value["Value"].rstrip(".") for value in record["ResourceRecords"]] == [f"1 1 8080 i-1.{name}"]
    of_host = record_sets(private_namespace, f"i-1.{name}")
    values = [value["Value"] for record in of_host for value in record["ResourceRecords"]]
    assert sorted(values) == sorted(addresses.values())


@proves("instances.values-are-valid")
@for_each(
    "kind, key, values",
    {
        "A": ("A", "AWS_INSTANCE_IPV4", ["192.0.2.256", "192.0.2", "2001:db8::1", "www.example.com", ""]),
        "AAAA": ("AAAA", "AWS_INSTANCE_IPV6", ["2001:db8::g", "2001:db8:::1", "192.0.2.1", "www.example.com", ""]),
        "SRV": ("SRV", "AWS_INSTANCE_PORT", ["65536", "-1", "8080x", "http", ""]),
        "CNAME": ("CNAME", "AWS_INSTANCE_CNAME", ["a..example", f"{'a' * 64}.example", ""]),
    },
)
def test_other_values_are_refused(
    cloudmap, make_service, wait_for_operation, record_sets, private_namespace, kind, key, values
):
    """A value that its record cannot hold is refused with InvalidInput, or its registration fails without effect."""
    service = make_service(private_namespace, DnsConfig=config(kind))
    for value in values:
        attributes = {**(IPV4 if kind == "SRV" else {}), key: value}
        try:
            answer = cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes=attributes)
            outcome = wait_for_operation(answer)["Status"]
        except cloudmap.exceptions.InvalidInput:
            outcome = "FAIL"
        assert outcome == "FAIL", f"{value!r} was accepted"
    assert not cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    assert not record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")


@proves("instances.values-are-valid")
def test_highest_port_is_accepted(make_service, register, record_sets, private_namespace):
    """Port 65535 is accepted and is in the record."""
    service = make_service(private_namespace, DnsConfig=config("SRV"))
    register(service, "i-1", {**IPV4, "AWS_INSTANCE_PORT": "65535"})
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert record["ResourceRecords"][0]["Value"].split()[2] == "65535"


@proves("instances.health-check.needs-port")
@for_each("kind", ["http", "public"])
@for_each("record, address", {"A": ("A", NAME_SERVER), "AAAA": ("AAAA", NAME_SERVER_IPV6)})
def test_health_check_needs_a_port(cloudmap, make_service, register, namespace_of_kind, kind, record, address):
    """A service with any Route 53 health check refuses an instance without a port with InvalidInput."""
    namespace, dns = namespace_of_kind(kind), {} if kind == "http" else {"DnsConfig": config(record)}
    for check in ("HTTP", "HTTPS", "TCP"):
        service = make_service(namespace, HealthCheckConfig={"Type": check}, **dns)["Id"]
        with raises("InvalidInput"):
            cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=address)
        register(service, "i-1", {**address, "AWS_INSTANCE_PORT": "53"})


@proves("instances.cname.needs-target")
def test_cname_needs_a_target(cloudmap, make_service, register, record_sets, private_namespace):
    """A service with CNAME refuses an instance without AWS_INSTANCE_CNAME; with it the record has that value."""
    service = make_service(private_namespace, DnsConfig=config("CNAME"))
    for attributes in ({"colour": "red"}, IPV4 | IPV6 | PORT):
        with raises("InvalidInput"):
            cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes=attributes)
    register(service, "i-1", CNAME)
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert record["Type"] == "CNAME"
    assert [value["Value"].rstrip(".") for value in record["ResourceRecords"]] == ["www.example.com"]
