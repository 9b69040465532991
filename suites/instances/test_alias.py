"""Instances that are load balancers.

The name has the form of a load balancer's name, but no such load balancer exists; no document says that Cloud Map looks
the name up.
"""

import pytest

from surveyor.testing import dns_config, proves, raises

A = dns_config("A", policy="WEIGHTED")


@pytest.fixture
def load_balancer(cloudmap):
    """Return the DNS name of a load balancer in the target's region."""
    return f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"


@proves("instances.alias.excludes-instance-attributes")
def test_alias_record_points_to_the_load_balancer(
    make_service, register, record_sets, private_namespace, load_balancer
):
    """AWS_ALIAS_DNS_NAME creates an alias record for that name with EvaluateTargetHealth."""
    service = make_service(private_namespace, DnsConfig=A)
    register(service, "i-1", {"AWS_ALIAS_DNS_NAME": load_balancer})
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert record["Type"] == "A"
    assert record["AliasTarget"]["DNSName"].rstrip(".") == load_balancer
    assert record["AliasTarget"]["EvaluateTargetHealth"] is True


@proves("instances.alias.excludes-instance-attributes")
@pytest.mark.parametrize(
    "excluded",
    [
        {"AWS_INSTANCE_IPV4": "192.0.2.44"},
        {"AWS_INSTANCE_IPV6": "2001:db8::44"},
        {"AWS_INSTANCE_PORT": "8080"},
        {"AWS_INSTANCE_CNAME": "www.example.com"},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_alias_excludes_instance_attributes(cloudmap, make_service, private_namespace, load_balancer, excluded):
    """AWS_ALIAS_DNS_NAME together with any AWS_INSTANCE attribute is refused with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    attributes = {"AWS_ALIAS_DNS_NAME": load_balancer, **excluded}
    with raises("InvalidInput"):
        cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.alias.has-no-health-check")
def test_alias_record_has_no_health_check(make_service, register, record_sets, public_namespace, load_balancer):
    """In a service with a Route 53 check the record of an address has a health check, the alias record has none."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckConfig={"Type": "TCP"})
    register(service, "alias", {"AWS_ALIAS_DNS_NAME": load_balancer})
    # Route 53 does not check private and documentation ranges; this is a name server of Route 53.
    register(service, "address", {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"})
    found = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    [alias] = [record for record in found if "AliasTarget" in record]
    [address] = [record for record in found if "AliasTarget" not in record]
    assert address["HealthCheckId"]
    assert "HealthCheckId" not in alias
