"""Answers of a VPC's resolver for private namespaces.

A name is first queried when its records are published everywhere, since resolvers cache negative answers too.
"""

import dns.rcode

from surveyor.testing import WrongAnswer, dns_config, for_each, proves, record_values, timeouts

A = dns_config("A", ttl=0)


def at(number):
    """Return one instance at an address that ends with this number."""
    return {"i-1": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"}}


@proves("dns.private.unknown-names-do-not-fall-through")
@for_each("prefix", {"same name": "", "more specific public zone": "sub."})
def test_private_zone_hides_the_public_one(make_namespace, publish, query_dns, private_namespace, prefix):
    """In the VPC a name of only a public namespace is NXDOMAIN if a private one of its name or above covers it."""
    # hosted-zone-private-considerations: "VPC Resolver doesn't forward the request to a public DNS resolver. Instead,
    # it returns NXDOMAIN (non-existent domain) to the client." Public DNS fallback is off unless its owner wants it.
    public_namespace = make_namespace("public", Name=f"{prefix}{private_namespace['Name']}")
    public_name = publish(public_namespace, A, at(2))
    private_name = publish(private_namespace, A, at(1))
    assert record_values(query_dns(private_name, "A", private_namespace), private_name, "A") == ["192.0.2.1"]
    assert record_values(query_dns(public_name, "A", public_namespace), public_name, "A") == ["192.0.2.2"]
    for rdtype in ("A", "AAAA", "SRV", "TXT"):
        answer = query_dns(public_name, rdtype, private_namespace)
        assert answer.rcode() == dns.rcode.NXDOMAIN
        assert not answer.answer


@proves("dns.private.resolves-in-its-vpc-only")
def test_names_resolve_in_their_vpc_only(
    make_namespace, make_service, register_all, query_dns, clock, unique_name, vpc, second_vpc
):
    """Of two private namespaces of one name each VPC has its own; a third namespace is unknown in the other VPC."""
    # CreatePrivateDnsNamespace: "Creates a private namespace based on DNS, which is visible only inside a specified
    # Amazon VPC."
    shared, only = f"{unique_name('ns')}.test", f"{unique_name('ns')}.test"
    namespaces = [make_namespace("private", Name=shared, Vpc=found) for found in (vpc, second_vpc)]
    namespaces.append(make_namespace("private", Name=only, Vpc=vpc))
    for number, namespace in enumerate(namespaces, 1):
        register_all(make_service(namespace, "web", DnsConfig=A), at(number))
    register_all(make_service(namespaces[0], "first", DnsConfig=A), at(4))
    clock.wait(timeouts.DNS_CHANGE)

    def addresses(name, found):
        return record_values(query_dns(name, "A", vpc=found), name, "A")

    assert [addresses(f"web.{shared}", found) for found in (vpc, second_vpc)] == [["192.0.2.1"], ["192.0.2.2"]]
    assert [addresses(f"first.{shared}", found) for found in (vpc, second_vpc)] == [["192.0.2.4"], []]
    assert [addresses(f"web.{only}", found) for found in (vpc, second_vpc)] == [["192.0.2.3"], []]


@proves("dns.private.forwarding-rule-wins")
def test_forwarding_rule_wins_over_the_namespace(
    resolver, make_namespace, publish, forward, query_dns, eventually, unique_name, resolver_hub, second_vpc
):
    """A rule for the domain of a namespace has its VPC answer with what the target has, until it is removed."""
    # hosted-zone-private-considerations: "the VPC Resolver rule takes precedence over the private hosted zone."
    name = f"{unique_name('ns')}.test"
    namespaces = [make_namespace("private", Name=name, Vpc=vpc) for vpc in (resolver_hub.vpc, second_vpc)]
    publish(namespaces[0], A, at(1), name="web")
    publish(namespaces[1], A, at(2), name="web")
    publish(namespaces[1], A, at(3), name="only")

    def answer(service):
        host = f"{service}.{name}"
        found = query_dns(host, "A", vpc=second_vpc)
        return record_values(found, host, "A") if found.answer else found.rcode()

    rule = forward(name, resolver_hub, second_vpc)
    eventually(lambda: answer("web") == ["192.0.2.1"], within=timeouts.DNS_CHANGE)
    assert answer("only") == dns.rcode.NXDOMAIN
    resolver.disassociate_resolver_rule(ResolverRuleId=rule, VPCId=second_vpc)
    eventually(lambda: answer("web") == ["192.0.2.2"], within=timeouts.DNS_CHANGE)


@proves("dns.private.needs-both-vpc-attributes")
@for_each("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_private_names_need_both_attributes_of_the_vpc(
    cloudmap, ec2, make_namespace, publish, query_dns, eventually, attribute
):
    """With either attribute off a private name does not resolve in the VPC; DiscoverInstances is not affected."""
    vpc = ec2.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    namespace = make_namespace("private", Vpc=vpc)
    name = publish(namespace, A, at(1))

    def resolves():
        try:
            return record_values(query_dns(name, "A", vpc=vpc), name, "A") == ["192.0.2.1"]
        except WrongAnswer:  # a VPC without DNS support may have no resolver at all
            return False

    assert resolves()
    off = {attribute: {"Value": False}}
    ec2.modify_vpc_attribute(VpcId=vpc, **off)
    eventually(lambda: not resolves(), within=timeouts.DNS_CHANGE)
    service = name.removesuffix(f".{namespace['Name']}")
    assert cloudmap.discover_instances(NamespaceName=namespace["Name"], ServiceName=service)["Instances"]
    on = {attribute: {"Value": True}}
    ec2.modify_vpc_attribute(VpcId=vpc, **on)
    eventually(resolves, within=timeouts.DNS_CHANGE)


@proves("dns.private.most-specific-zone-wins")
@for_each("order", {"general first": 1, "specific first": -1})
def test_most_specific_zone_answers(make_namespace, make_service, register_all, query_dns, clock, unique_name, order):
    """Of x.b.a in example.com, x.b in a.example.com and x in b.a.example.com the last is answered, as x.b.a.

    A name that only less specific zones have is NXDOMAIN if a more specific one covers it.
    """
    # hosted-zone-private-considerations: "Resolver routes traffic based on the most specific match"
    top = f"{unique_name('ns')}.test"
    namespaces = dict.fromkeys([top, f"a.{top}", f"b.a.{top}"][::order])
    for name in namespaces:
        namespaces[name] = make_namespace("private", Name=name)
    services = [(top, "x.b.a"), (f"a.{top}", "x.b"), (f"b.a.{top}", "x")]
    services += [(top, "y.b.a"), (f"a.{top}", "y.b"), (top, "y.a"), (f"a.{top}", "x.c"), (top, "x.c")]
    for number, (parent, service) in enumerate(services, 1):
        register_all(make_service(namespaces[parent], service, DnsConfig=A), at(number))
    clock.wait(timeouts.DNS_CHANGE)
    for name, number in ((f"x.b.a.{top}", 3), (f"x.c.a.{top}", 7), (f"x.c.{top}", 8)):
        assert record_values(query_dns(name, "A", namespaces[top]), name, "A") == [f"192.0.2.{number}"]
    for name in (f"y.b.a.{top}", f"y.a.{top}"):
        assert query_dns(name, "A", namespaces[top]).rcode() == dns.rcode.NXDOMAIN
