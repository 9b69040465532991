"""Instances that are load balancers.

The name has the form of a load balancer's name, but no such load balancer exists; no document says that Cloud Map looks
the name up.
"""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import NotOffered, dns_config, for_each, proves, raises

# Route 53 does not check private and documentation ranges; these are addresses of one of its name servers.
NAME_SERVER = {
    "AWS_INSTANCE_IPV4": "205.251.192.1",
    "AWS_INSTANCE_IPV6": "2600:9000:5300:100::1",
    "AWS_INSTANCE_PORT": "53",
}


@pytest.fixture
def load_balancer(cloudmap):
    """Return the DNS name of a load balancer in the target's region."""
    return f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"


@proves("instances.alias.excludes-instance-attributes")
@for_each("types", ["A", "AAAA", "A AAAA"])
def test_alias_records_point_to_the_load_balancer(
    make_service, register, record_sets, private_namespace, load_balancer, types
):
    """AWS_ALIAS_DNS_NAME, with custom attributes, creates alias records for that name with EvaluateTargetHealth."""
    service = make_service(private_namespace, DnsConfig=dns_config(*types.split(), policy="WEIGHTED"))
    register(service, "i-1", {"AWS_ALIAS_DNS_NAME": load_balancer, "colour": "red"})
    records = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert sorted(record["Type"] for record in records) == types.split()
    for record in records:
        assert record["AliasTarget"]["DNSName"].rstrip(".") == load_balancer
        # servicediscovery/HealthCheckConfig: "Route 53 automatically sets EvaluateTargetHealth to true"
        assert record["AliasTarget"]["EvaluateTargetHealth"] is True


@proves("instances.alias.excludes-instance-attributes")
@for_each("key", {key: key for key in (*NAME_SERVER, "AWS_INSTANCE_CNAME")})
def test_alias_excludes_instance_attributes(cloudmap, make_service, private_namespace, load_balancer, key):
    """AWS_ALIAS_DNS_NAME together with any AWS_INSTANCE attribute is refused with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", policy="WEIGHTED"))["Id"]
    excluded = {**NAME_SERVER, "AWS_INSTANCE_CNAME": "www.example.com"}[key]
    with raises("InvalidInput"):
        cloudmap.register_instance(
            ServiceId=service, InstanceId="i-1", Attributes={"AWS_ALIAS_DNS_NAME": load_balancer, key: excluded}
        )


@proves("instances.alias.has-no-health-check")
@for_each("kind", ["A", "AAAA"])
def test_alias_record_has_no_health_check(make_service, register, record_sets, public_namespace, load_balancer, kind):
    """In a service with a Route 53 check the record of an address has a health check, the alias record has none."""
    dns = dns_config(kind, policy="WEIGHTED")
    service = make_service(public_namespace, DnsConfig=dns, HealthCheckConfig={"Type": "TCP"})
    register(service, "alias", {"AWS_ALIAS_DNS_NAME": load_balancer})
    register(service, "address", NAME_SERVER)
    found = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    [alias] = [record for record in found if "AliasTarget" in record]
    [address] = [record for record in found if "AliasTarget" not in record]
    assert address["HealthCheckId"]
    assert "HealthCheckId" not in alias


@proves("instances.alias.load-balancers-only")
@for_each(
    "form", ["name-1.{}.elb.amazonaws.com", "dualstack.name-1.{}.elb.amazonaws.com", "name-1.elb.{}.amazonaws.com"]
)
def test_names_of_load_balancers_are_accepted(cloudmap, make_service, register, record_sets, private_namespace, form):
    """The names of Application, Classic and Network Load Balancers are accepted and become the target."""
    name = form.format(cloudmap.meta.region_name)
    service = make_service(private_namespace, DnsConfig=dns_config("A", policy="WEIGHTED"))
    register(service, "i-1", {"AWS_ALIAS_DNS_NAME": name})
    [record] = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    assert record["AliasTarget"]["DNSName"].rstrip(".") == name


@proves("instances.alias.load-balancers-only")
@for_each(
    "name",
    [
        "d111111abcdef8.cloudfront.net",
        "example.s3-website-us-east-1.amazonaws.com",
        "d-abcdef1234.execute-api.us-east-1.amazonaws.com",
    ],
)
def test_other_resources_are_refused(cloudmap, make_service, wait_for_operation, record_sets, private_namespace, name):
    """A name that is not a load balancer's is refused, or its registration fails, and there is no record."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", policy="WEIGHTED"))
    attributes = {"AWS_ALIAS_DNS_NAME": name}
    try:
        answer = cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes=attributes)
        outcome = wait_for_operation(answer)["Status"]
    except NotOffered:
        raise
    except ClientError:  # no document says when it is refused, or with which error
        outcome = "FAIL"
    assert outcome == "FAIL"
    assert not record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
