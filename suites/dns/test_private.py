"""Answers of a VPC's resolver for private namespaces.

A name is first queried when its records are published everywhere, since resolvers cache negative answers too.
"""

import dns.rcode
import pytest

from surveyor.testing import WrongAnswer, dns_config, proves, record_values, timeouts

A = dns_config("A", ttl=0)


@proves("dns.private.unknown-names-do-not-fall-through")
def test_private_zone_hides_the_public_one(make_namespace, make_service, register, query_dns, clock, private_namespace):
    """With a public and a private namespace of one name, a name of only the public one is NXDOMAIN in the VPC."""
    public_namespace = make_namespace("public", Name=private_namespace["Name"])
    inside, outside = make_service(private_namespace, DnsConfig=A), make_service(public_namespace, DnsConfig=A)
    register(inside, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(outside, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    clock.wait(timeouts.DNS_CHANGE)
    private_name = f"{inside['Name']}.{private_namespace['Name']}"
    assert record_values(query_dns(private_name, "A", private_namespace), private_name, "A") == ["192.0.2.1"]
    public_name = f"{outside['Name']}.{public_namespace['Name']}"
    assert record_values(query_dns(public_name, "A", public_namespace), public_name, "A") == ["192.0.2.2"]
    answer = query_dns(public_name, "A", private_namespace)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert not answer.answer


@proves("dns.private.needs-both-vpc-attributes")
@pytest.mark.parametrize("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_private_names_need_both_attributes_of_the_vpc(
    cloudmap, ec2, make_namespace, make_service, register, query_dns, eventually, clock, attribute
):
    """With either attribute off a private name does not resolve in the VPC; DiscoverInstances is not affected."""
    vpc = ec2.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    namespace = make_namespace("private", Vpc=vpc)
    service = make_service(namespace, DnsConfig=A)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    name = f"{service['Name']}.{namespace['Name']}"
    clock.wait(timeouts.DNS_CHANGE)

    def resolves():
        try:
            return record_values(query_dns(name, "A", vpc=vpc), name, "A") == ["192.0.2.1"]
        except WrongAnswer:  # a VPC without DNS support may have no resolver at all
            return False

    assert resolves()
    off = {attribute: {"Value": False}}
    ec2.modify_vpc_attribute(VpcId=vpc, **off)
    eventually(lambda: not resolves(), within=timeouts.DNS_CHANGE)
    assert cloudmap.discover_instances(NamespaceName=namespace["Name"], ServiceName=service["Name"])["Instances"]
    on = {attribute: {"Value": True}}
    ec2.modify_vpc_attribute(VpcId=vpc, **on)
    eventually(resolves, within=timeouts.DNS_CHANGE)


@proves("dns.private.most-specific-zone-wins")
def test_most_specific_zone_answers(make_namespace, make_service, register, query_dns, clock, private_namespace):
    """Of b.a in example.com and b in a.example.com, in two namespaces of one VPC, the second is answered."""
    specific_namespace = make_namespace("private", Name=f"a.{private_namespace['Name']}")
    register(make_service(private_namespace, "b.a", DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(make_service(private_namespace, "b.c", DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    register(make_service(specific_namespace, "b", DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.3"})
    clock.wait(timeouts.DNS_CHANGE)
    in_both, in_first = f"b.{specific_namespace['Name']}", f"b.c.{private_namespace['Name']}"
    assert record_values(query_dns(in_both, "A", specific_namespace), in_both, "A") == ["192.0.2.3"]
    assert record_values(query_dns(in_first, "A", private_namespace), in_first, "A") == ["192.0.2.2"]


@proves("dns.private.most-specific-zone-wins")
def test_most_specific_zone_answers_for_names_that_it_lacks(
    make_namespace, make_service, register, query_dns, clock, private_namespace
):
    """A name that only the less specific zone has is NXDOMAIN if the more specific zone covers it."""
    specific_namespace = make_namespace("private", Name=f"a.{private_namespace['Name']}")
    register(make_service(private_namespace, "b.a", DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(make_service(private_namespace, "b.c", DnsConfig=A), "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    clock.wait(timeouts.DNS_CHANGE)
    covered, not_covered = f"b.{specific_namespace['Name']}", f"b.c.{private_namespace['Name']}"
    assert query_dns(covered, "A", specific_namespace).rcode() == dns.rcode.NXDOMAIN
    assert record_values(query_dns(not_covered, "A", private_namespace), not_covered, "A") == ["192.0.2.2"]
