"""Rules: which questions of a VPC are forwarded. Rules of the other VPC forward to the inbound endpoint of the hub.

TTLs are 0, and a name is first asked for when its answer is decided, since resolvers cache.
"""

from surveyor.testing import proves, raises, timeouts

HUB, OWN = "192.0.2.1", "192.0.2.2"


@proves("resolver.rules.forward-a-domain-and-its-subdomains")
def test_domain_and_subdomains_are_forwarded(
    make_private_zone, forward, resolver_hub, second_vpc, domain, ask, eventually
):
    """The domain of a rule and a name two labels below are answered by the hub, names beside it by the VPC itself."""
    # domain-name-matches: a rule for acme.example.com matches zenith.acme.example.com, and not nadir.example.com.
    names = [f"acme.{domain}", f"a.zenith.acme.{domain}"]
    others = [domain, f"nadir.{domain}", f"xacme.{domain}"]
    for vpc, address in ((resolver_hub.vpc, HUB), (second_vpc, OWN)):
        make_private_zone(domain, vpc, dict.fromkeys([*names, *others], address))
    forward(f"acme.{domain}", resolver_hub, second_vpc)
    eventually(lambda: ask(names[0], second_vpc) == [HUB], within=timeouts.DNS_CHANGE)
    assert [ask(name, second_vpc) for name in names] == [[HUB]] * 2
    assert [ask(name, second_vpc) for name in others] == [[OWN]] * 3


@proves("resolver.rules.most-specific-domain-wins")
def test_most_specific_rule_is_used(
    make_private_zone, forward, make_rule, associate_rule, resolver_hub, second_vpc, domain, ask, eventually
):
    """Of rules for a domain, for www in it and for a.www each name follows the nearest, in any order."""
    # ResolverRule.DomainName: "the query is routed using the Resolver rule that contains the most specific domain name"
    names = [f"web.{domain}", f"web.www.{domain}", f"web.a.www.{domain}"]
    for vpc, address in ((resolver_hub.vpc, HUB), (second_vpc, OWN)):
        make_private_zone(domain, vpc, dict.fromkeys(names, address))
    forward(f"a.www.{domain}", resolver_hub, second_vpc)
    associate_rule(make_rule("SYSTEM", f"www.{domain}"), second_vpc)
    forward(domain, resolver_hub, second_vpc)
    eventually(lambda: ask(names[0], second_vpc) == [HUB], within=timeouts.DNS_CHANGE)
    eventually(lambda: ask(names[1], second_vpc) == [OWN], within=timeouts.DNS_CHANGE)
    assert ask(names[2], second_vpc) == [HUB]


@proves("resolver.rules.zones-below-a-forwarded-domain-still-answer")
def test_zones_below_a_forwarded_domain_answer(
    make_private_zone, forward, resolver_hub, second_vpc, domain, ask, eventually
):
    """A private zone of the VPC below the domain of a rule answers its own names, and the hub all others."""
    # autodefined-rules: they "ensure that your private hosted zones … continue to resolve if you create conditional
    # forwarding rules for less specific domain names"
    below = f"own.{domain}"
    make_private_zone(domain, resolver_hub.vpc, {f"web.{domain}": HUB, f"web.{below}": HUB, f"hub.{below}": HUB})
    make_private_zone(below, second_vpc, {f"web.{below}": OWN})
    forward(domain, resolver_hub, second_vpc)
    eventually(lambda: ask(f"web.{domain}", second_vpc) == [HUB], within=timeouts.DNS_CHANGE)
    assert ask(f"web.{below}", second_vpc) == [OWN]
    assert ask(f"hub.{below}", second_vpc) == "NXDOMAIN"


@proves("resolver.rules.system-rule-ends-forwarding")
def test_system_rule_ends_forwarding(
    make_private_zone, forward, make_rule, associate_rule, resolver_hub, second_vpc, domain, ask, eventually
):
    """With a SYSTEM rule for a subdomain of a forwarded domain the VPC answers it from its own zone."""
    # CreateResolverRule.RuleType: "you want Resolver to process queries for a subdomain of that domain, specify SYSTEM"
    names = [f"web.{domain}", f"web.acme.{domain}", f"acme.{domain}"]
    for vpc, address in ((resolver_hub.vpc, HUB), (second_vpc, OWN)):
        make_private_zone(domain, vpc, dict.fromkeys(names, address))
    forward(domain, resolver_hub, second_vpc)
    associate_rule(make_rule("SYSTEM", f"acme.{domain}"), second_vpc)
    eventually(lambda: ask(names[0], second_vpc) == [HUB], within=timeouts.DNS_CHANGE)
    for name in names[1:]:
        eventually(lambda name=name: ask(name, second_vpc) == [OWN], within=timeouts.DNS_CHANGE)


@proves("resolver.rules.apply-while-associated")
def test_rules_apply_while_they_are_associated(
    resolver, make_private_zone, make_rule, associate_rule, resolver_hub, second_vpc, domain, ask, eventually, always
):
    """A rule changes nothing before it is associated, all names after, and nothing once it is disassociated."""
    name = f"web.{domain}"
    for vpc, address in ((resolver_hub.vpc, HUB), (second_vpc, OWN)):
        make_private_zone(domain, vpc, {name: address})
    rule = make_rule("FORWARD", domain, resolver_hub)
    always(lambda: ask(name, second_vpc) == [OWN], during=5)
    associate_rule(rule, second_vpc)
    eventually(lambda: ask(name, second_vpc) == [HUB], within=timeouts.DNS_CHANGE)
    assert ask(name, resolver_hub.vpc) == [HUB]
    with raises("ResourceInUseException"):
        # DeleteResolverRule: "Before you can delete a Resolver rule, you must disassociate it from all the VPCs"
        resolver.delete_resolver_rule(ResolverRuleId=rule)
    resolver.disassociate_resolver_rule(ResolverRuleId=rule, VPCId=second_vpc)
    eventually(lambda: ask(name, second_vpc) == [OWN], within=timeouts.DNS_CHANGE)


@proves("resolver.rules.deleted-after-disassociation")
def test_rules_are_deleted_after_disassociation(
    resolver, make_rule, associate_rule, resolver_hub, second_vpc, domain, eventually
):
    """DeleteResolverRule is refused while a VPC has the rule, and succeeds once the association is gone."""
    rule = make_rule("FORWARD", domain, resolver_hub)
    associate_rule(rule, second_vpc)
    with raises("ResourceInUseException"):
        resolver.delete_resolver_rule(ResolverRuleId=rule)
    resolver.disassociate_resolver_rule(ResolverRuleId=rule, VPCId=second_vpc)

    def associations():
        filters = [{"Name": "ResolverRuleId", "Values": [rule]}]
        return resolver.list_resolver_rule_associations(Filters=filters)["ResolverRuleAssociations"]

    eventually(lambda: not associations(), within=timeouts.RESOLVER)
    resolver.delete_resolver_rule(ResolverRuleId=rule)
    with raises("ResourceNotFoundException"):
        resolver.associate_resolver_rule(ResolverRuleId=rule, VPCId=second_vpc)


@proves("resolver.rules.no-rule-to-an-endpoint-of-the-same-vpc")
def test_rule_to_an_endpoint_of_its_own_vpc_is_refused(
    resolver, make_rule, associate_rule, resolver_hub, second_vpc, domain
):
    """A rule whose target is an inbound endpoint is not associated with that endpoint's VPC, but with another one."""
    rule = make_rule("FORWARD", domain, resolver_hub)
    with raises("InvalidRequestException"):
        resolver.associate_resolver_rule(ResolverRuleId=rule, VPCId=resolver_hub.vpc)
    associate_rule(rule, second_vpc)
