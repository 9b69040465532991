"""DNS Firewall: what it answers instead of a VPC's private zones, and which rule decides.

Names are first asked for when the rules are associated: before, a resolver would cache the answer.
"""

from surveyor.testing import for_each, proves, raises, timeouts

NXDOMAIN = {"Action": "BLOCK", "BlockResponse": "NXDOMAIN"}
NODATA = {"Action": "BLOCK", "BlockResponse": "NODATA"}
ALLOW = {"Action": "ALLOW"}
ADDRESS = "192.0.2.1"


@proves("resolver.firewall.block-answers-nodata-or-nxdomain")
@for_each("block, code", {"NODATA": (NODATA, "NOERROR"), "NXDOMAIN": (NXDOMAIN, "NXDOMAIN")})
def test_blocked_names_get_the_answer_of_the_rule(
    make_private_zone, make_firewall, second_vpc, resolver_hub, domain, ask, query_dns, eventually, block, code
):
    """A blocked name of a private zone has no answer, and the response code of the rule; in another VPC it has."""
    name, free = f"web.{domain}", f"free.{domain}"
    for vpc in (second_vpc, resolver_hub.vpc):
        make_private_zone(domain, vpc, {name: ADDRESS, free: ADDRESS})
    make_firewall(second_vpc, [([name], block)])
    eventually(lambda: ask(name, second_vpc) == code, within=timeouts.DNS_CHANGE)
    other_type = query_dns(name, "AAAA", vpc=second_vpc)
    assert (other_type.rcode().name, other_type.answer) == (code, [])
    assert ask(name, second_vpc) == code
    assert ask(free, second_vpc) == [ADDRESS]
    assert ask(name, resolver_hub.vpc) == [ADDRESS]


@proves("resolver.firewall.override-answers-a-cname")
def test_override_answers_with_a_cname(make_private_zone, make_firewall, second_vpc, domain, query_dns, eventually):
    """A blocked name is a CNAME of the rule's domain, with the TTL of the rule."""
    name, other = f"web.{domain}", f"stop.{domain}"
    make_private_zone(domain, second_vpc, {name: ADDRESS, other: "192.0.2.9"})
    override = {
        "Action": "BLOCK", "BlockResponse": "OVERRIDE", "BlockOverrideDomain": other, "BlockOverrideDnsType": "CNAME",
        "BlockOverrideTtl": 7,
    }  # fmt: skip
    make_firewall(second_vpc, [([name], override)])

    def records():
        answer = query_dns(name, "A", vpc=second_vpc).answer
        return [
            (str(rrset.name), rrset.ttl, str(record))
            for rrset in answer
            for record in rrset
            if rrset.name.to_text().startswith("web.")
        ]

    assert eventually(records, within=timeouts.DNS_CHANGE) == [(f"{name}.", 7, f"{other}.")]


@proves("resolver.firewall.allow-and-alert-pass")
@for_each("action", ["ALLOW", "ALERT"])
def test_allowed_names_are_answered(make_private_zone, make_firewall, second_vpc, domain, ask, eventually, action):
    """A name that a rule allows, or only reports, is answered, although a later rule blocks everything."""
    name, other = f"web.{domain}", f"other.{domain}"
    make_private_zone(domain, second_vpc, {name: ADDRESS, other: ADDRESS})
    make_firewall(second_vpc, [([name], {"Action": action}), ([f"*.{domain}"], NXDOMAIN)])
    eventually(lambda: ask(other, second_vpc) == "NXDOMAIN", within=timeouts.DNS_CHANGE)
    assert ask(name, second_vpc) == [ADDRESS]


@proves("resolver.firewall.lowest-priority-first")
@for_each("allowed_first", {"allowed first": True, "blocked first": False})
def test_lowest_priority_decides(make_private_zone, make_firewall, second_vpc, domain, ask, eventually, allowed_first):
    """Of two rules of a group, and of two groups of a VPC, the one with the lower number decides."""
    # FirewallRule.Priority: "DNS Firewall processes the rules in a rule group by order of priority, starting from the
    # lowest setting."
    in_group, in_vpc, always_blocked = f"rule.{domain}", f"group.{domain}", f"blocked.{domain}"
    make_private_zone(domain, second_vpc, dict.fromkeys((in_group, in_vpc, always_blocked), ADDRESS))
    low, high = (ALLOW, NXDOMAIN) if allowed_first else (NXDOMAIN, ALLOW)
    rules = [([in_group], {**high, "Priority": 90}), ([in_group], {**low, "Priority": 80}), ([in_vpc], high)]
    make_firewall(second_vpc, rules, order=1)
    make_firewall(second_vpc, [([in_vpc], low), ([always_blocked], NXDOMAIN)], order=0)
    eventually(lambda: ask(always_blocked, second_vpc) == "NXDOMAIN", within=timeouts.DNS_CHANGE)
    expected = [ADDRESS] if allowed_first else "NXDOMAIN"
    for name in (in_group, in_vpc):
        assert ask(name, second_vpc) == expected


@proves("resolver.firewall.wildcards-are-subdomains")
def test_wildcards_match_subdomains(make_private_zone, make_firewall, second_vpc, domain, ask, eventually):
    """`*.acme` blocks each name below acme, and a domain without an asterisk itself; no other is blocked."""
    # UpdateFirewallDomainsRequest.Domains: "It can optionally start with * (asterisk)."
    blocked = [f"web.acme.{domain}", f"a.web.acme.{domain}", f"plain.{domain}"]
    free = [f"xacme.{domain}", f"plainer.{domain}", f"other.{domain}"]
    make_private_zone(domain, second_vpc, dict.fromkeys([*blocked, *free], ADDRESS))
    make_firewall(second_vpc, [([f"*.acme.{domain}", f"plain.{domain}"], NXDOMAIN)])
    eventually(lambda: ask(blocked[0], second_vpc) == "NXDOMAIN", within=timeouts.DNS_CHANGE)
    assert [ask(name, second_vpc) for name in blocked] == ["NXDOMAIN"] * 3
    assert [ask(name, second_vpc) for name in free] == [[ADDRESS]] * 3


@proves("resolver.firewall.redirections-are-inspected")
@for_each("trusted", {"inspected": False, "trusted": True})
def test_redirections_are_inspected(
    make_private_zone, make_firewall, second_vpc, domain, query_dns, ask, eventually, trusted
):
    """A name whose CNAME leads to a blocked one is blocked, unless a rule allows it and trusts redirections."""
    # FirewallRule.FirewallDomainRedirectionAction: "(Default) inspects all domains in the redirection chain."
    old, new, canary = f"old.{domain}", f"new.{domain}", f"blocked.{domain}"
    make_private_zone(domain, second_vpc, {old: {"CNAME": new}, new: ADDRESS, canary: ADDRESS})
    action = {"FirewallDomainRedirectionAction": "TRUST_REDIRECTION_DOMAIN"} if trusted else {}
    make_firewall(second_vpc, [([old], {**ALLOW, **action}), ([new, canary], NXDOMAIN)])
    eventually(lambda: ask(canary, second_vpc) == "NXDOMAIN", within=timeouts.DNS_CHANGE)
    answer = query_dns(old, "A", vpc=second_vpc)
    assert (answer.rcode().name, bool(answer.answer)) == (("NOERROR", True) if trusted else ("NXDOMAIN", False))


@proves("resolver.firewall.protected-associations-stay")
def test_protected_associations_stay(resolver, make_firewall, second_vpc, domain):
    """With MutationProtection an association is neither changed nor removed; without it again, it is."""
    # FirewallRuleGroupAssociation.MutationProtection: "this setting disallows modification or removal"
    firewall = make_firewall(second_vpc, [([f"web.{domain}"], NXDOMAIN)])
    named = {"FirewallRuleGroupAssociationId": firewall.association}
    before = resolver.get_firewall_rule_group_association(**named)["FirewallRuleGroupAssociation"]["Priority"]
    resolver.update_firewall_rule_group_association(**named, MutationProtection="ENABLED")
    for refused in (
        lambda: resolver.disassociate_firewall_rule_group(**named),
        lambda: resolver.update_firewall_rule_group_association(**named, Priority=9_898),
    ):
        with raises("ValidationException"):
            refused()
    described = resolver.get_firewall_rule_group_association(**named)["FirewallRuleGroupAssociation"]
    assert (described["Priority"], described["MutationProtection"]) == (before, "ENABLED")
    resolver.update_firewall_rule_group_association(**named, MutationProtection="DISABLED")
    resolver.disassociate_firewall_rule_group(**named)
