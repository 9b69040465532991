"""Attributes that an instance needs for the records and health checks of its service."""

import pytest

from surveyor.testing import dns_config, proves, raises

IPV4 = {"AWS_INSTANCE_IPV4": "192.0.2.44"}
IPV6 = {"AWS_INSTANCE_IPV6": "2001:db8::44"}
PORT = {"AWS_INSTANCE_PORT": "8080"}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1"}


def config(*types):
    """Return a DnsConfig with one record of each type."""
    return dns_config(*types, policy="WEIGHTED")


@proves("instances.addresses.required-by-record-type")
@pytest.mark.parametrize(("kind", "needed", "other"), [("A", IPV4, IPV6), ("AAAA", IPV6, IPV4)], ids=["A", "AAAA"])
def test_address_of_the_record_type_is_needed(cloudmap, make_service, register, private_namespace, kind, needed, other):
    """Without the address for the service's record InvalidInput is raised; that address alone is sufficient."""
    service = make_service(private_namespace, DnsConfig=config(kind))["Id"]
    for attributes in ({"colour": "red"}, other):
        with raises("InvalidInput"):
            cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)
    register(service, "i-1", needed)


@proves("instances.addresses.required-by-record-type")
def test_both_addresses_create_both_records(make_service, register, record_sets, private_namespace):
    """In a service with A and AAAA an instance with both addresses has a record of each type."""
    service = make_service(private_namespace, DnsConfig=config("A", "AAAA"))
    register(service, "i-1", IPV4 | IPV6)  # the documents disagree on whether one address is enough
    found = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    values = {record["Type"]: record["ResourceRecords"] for record in found}
    assert values == {"A": [{"Value": "192.0.2.44"}], "AAAA": [{"Value": "2001:db8::44"}]}


@proves("instances.srv.needs-port-and-address")
@pytest.mark.parametrize("attributes", [PORT, IPV4, IPV4 | IPV6], ids=["port only", "IPv4 only", "addresses only"])
def test_srv_is_refused_without_port_or_address(cloudmap, make_service, private_namespace, attributes):
    """A service with SRV refuses instances without a port, and without any address, with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=config("SRV"))["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.srv.needs-port-and-address")
@pytest.mark.parametrize("attributes", [PORT | IPV4, PORT | IPV6, PORT | IPV4 | IPV6], ids=["IPv4", "IPv6", "both"])
def test_srv_accepts_a_port_with_any_address(make_service, register, record_sets, private_namespace, attributes):
    """A port with an IPv4 address, an IPv6 address or both is accepted, and the record has the port."""
    service = make_service(private_namespace, DnsConfig=config("SRV"))
    register(service, "i-1", attributes)
    name = f"{service['Name']}.{private_namespace['Name']}"
    [record] = record_sets(private_namespace, name)
    assert record["Type"] == "SRV"
    assert [value["Value"].rstrip(".") for value in record["ResourceRecords"]] == [f"1 1 8080 i-1.{name}"]


@proves("instances.health-check.needs-port")
def test_health_check_needs_a_port(cloudmap, make_service, register, http_namespace):
    """A service with a Route 53 health check refuses an instance without a port with InvalidInput."""
    service = make_service(http_namespace, HealthCheckConfig={"Type": "TCP"})["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=NAME_SERVER)
    register(service, "i-1", {**NAME_SERVER, "AWS_INSTANCE_PORT": "53"})


@proves("instances.cname.needs-target")
def test_cname_needs_a_target(cloudmap, make_service, register, record_sets, private_namespace):
    """A service with CNAME refuses an instance without AWS_INSTANCE_CNAME; with it the record has that value."""
    service = make_service(private_namespace, DnsConfig=config("CNAME"))
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes=IPV4)
    register(service, "i-1", {"AWS_INSTANCE_CNAME": "www.example.com"})
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert record["Type"] == "CNAME"
    assert [value["Value"].rstrip(".") for value in record["ResourceRecords"]] == ["www.example.com"]
