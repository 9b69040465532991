"""DNS Firewall decides about the questions to a VPC's resolver before anything else does."""

from __future__ import annotations

import pytest

from tests.emulator.resolver.network import Network, OutsideServer

NXDOMAIN = {"Action": "BLOCK", "BlockResponse": "NXDOMAIN"}
WEB = {"web.corp.test": ["192.0.2.1"]}


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"Action": "ALLOW"}, ("NOERROR", ["192.0.2.1"])),
        ({"Action": "ALERT"}, ("NOERROR", ["192.0.2.1"])),
        ({"Action": "BLOCK", "BlockResponse": "NODATA"}, ("NOERROR", [])),
        (NXDOMAIN, ("NXDOMAIN", [])),
        (
            {
                "Action": "BLOCK", "BlockResponse": "OVERRIDE", "BlockOverrideDomain": "stop.test",
                "BlockOverrideDnsType": "CNAME", "BlockOverrideTtl": 3,
            },
            ("NOERROR", ["stop.test."]),
        ),
    ],
    ids=["allow", "alert", "nodata", "nxdomain", "override"],
)  # fmt: skip
def test_actions(network: Network, rule: dict[str, str], answer: tuple[str, list[str]]) -> None:
    """Each action has its answer, in its VPC only, and none once it is disassociated."""
    vpc, other = network.vpcs
    for each in network.vpcs:
        network.zone("corp.test", each, WEB)
    *_, association = network.block(vpc, ["web.corp.test"], rule)
    assert network.ask("web.corp.test", vpc) == answer
    assert network.ask("web.corp.test", other) == ("NOERROR", ["192.0.2.1"])
    network.resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=association)
    assert network.ask("web.corp.test", vpc) == ("NOERROR", ["192.0.2.1"])


def test_domains(network: Network) -> None:
    """A domain is itself, one with an asterisk what is below it, an asterisk all; a type of question narrows it."""
    vpc = network.vpcs[0]
    network.zone("corp.test", vpc, {name: ["192.0.2.1"] for name in ("corp.test", "a.corp.test", "b.a.corp.test")})
    group, domains, _ = network.block(vpc, ["a.corp.test"], NXDOMAIN)

    def blocked() -> list[str]:
        names = ("corp.test", "a.corp.test", "b.a.corp.test")
        return [name for name in names if network.ask(name, vpc)[0] == "NXDOMAIN"]

    def replace(domain: str) -> None:
        network.resolver.update_firewall_domains(FirewallDomainListId=domains, Operation="REPLACE", Domains=[domain])
        network.control.advance(3)

    assert blocked() == ["a.corp.test"]
    replace("*.a.corp.test")
    assert blocked() == ["b.a.corp.test"]
    replace("*.corp.test.")
    assert blocked() == ["a.corp.test", "b.a.corp.test"]
    replace("*")
    assert blocked() == ["corp.test", "a.corp.test", "b.a.corp.test"]
    network.resolver.delete_firewall_rule(FirewallRuleGroupId=group, FirewallDomainListId=domains)
    for qtype in ("TXT", "TYPE28"):
        network.resolver.create_firewall_rule(
            CreatorRequestId=qtype, FirewallRuleGroupId=group, FirewallDomainListId=domains, Priority=len(qtype),
            Name=qtype, Qtype=qtype, **NXDOMAIN,
        )  # fmt: skip
    kinds = {kind: network.ask("corp.test", vpc, kind)[0] for kind in ("A", "TXT", "AAAA")}
    assert kinds == {"A": "NOERROR", "TXT": "NXDOMAIN", "AAAA": "NXDOMAIN"}


def test_the_first_rule_that_matches_decides(network: Network) -> None:
    """The group with the lowest priority comes first, and in it the rule with the lowest one."""
    vpc = network.vpcs[0]
    network.zone("corp.test", vpc, WEB)
    *_, allowed = network.block(vpc, ["web.corp.test"], {"Action": "ALLOW"}, 300)
    network.block(vpc, ["*"], NXDOMAIN, 400)
    assert network.ask("web.corp.test", vpc)[0] == "NOERROR"
    assert network.ask("corp.test", vpc)[0] == "NXDOMAIN"
    network.resolver.update_firewall_rule_group_association(FirewallRuleGroupAssociationId=allowed, Priority=500)
    assert network.ask("web.corp.test", vpc)[0] == "NXDOMAIN"


@pytest.mark.parametrize("place", ["zone", "elsewhere"])
def test_redirections_are_inspected(network: Network, outside: OutsideServer, place: str) -> None:
    """A name whose CNAME leads to a blocked domain is blocked, unless the rule for it trusts redirections."""
    vpc = network.vpcs[0]
    if place == "zone":
        network.zone("corp.test", vpc, {"old.corp.test": "new.corp.test", "new.corp.test": ["192.0.2.1"]})
    else:
        outside.redirects["old.corp.test."] = "new.corp.test."
        target = {"Ip": "127.0.0.1", "Port": outside.port}
        network.forward("corp.test", vpc, network.endpoint("OUTBOUND", vpc), [target])
    assert network.ask("old.corp.test", vpc)[0] == "NOERROR"
    network.block(vpc, ["new.corp.test"], NXDOMAIN, 400)
    assert network.ask("old.corp.test", vpc) == ("NXDOMAIN", [])
    trusted = {"Action": "ALLOW", "FirewallDomainRedirectionAction": "TRUST_REDIRECTION_DOMAIN"}
    network.block(vpc, ["old.corp.test"], trusted, 300)
    assert network.ask("old.corp.test", vpc)[0] == "NOERROR"


def test_questions_that_cannot_be_evaluated(network: Network) -> None:
    """They fail closed, with SERVFAIL, where a group is associated; with fail open they pass."""
    vpc, other = network.vpcs
    for each in network.vpcs:
        network.zone("corp.test", each, WEB)
    network.block(vpc, ["other.test"], NXDOMAIN)
    network.set("dns_firewall=impaired")
    try:
        assert network.ask("web.corp.test", vpc) == ("SERVFAIL", [])
        assert network.ask("web.corp.test", other) == ("NOERROR", ["192.0.2.1"])
        network.resolver.update_firewall_config(ResourceId=vpc, FirewallFailOpen="ENABLED")
        assert network.ask("web.corp.test", vpc) == ("NOERROR", ["192.0.2.1"])
    finally:
        network.set()
    [config] = network.resolver.list_firewall_configs()["FirewallConfigs"]
    assert config["FirewallFailOpen"] == "ENABLED"


def test_an_alert_is_an_event(network: Network) -> None:
    """A question that an ALERT rule matches is answered, and reported."""
    vpc = network.vpcs[0]
    network.zone("corp.test", vpc, WEB)
    network.block(vpc, ["*.corp.test"], {"Action": "ALERT"})
    assert network.ask("web.corp.test", vpc)[0] == "NOERROR"
    events = [event for event in network.events() if event["kind"] == "resolver.alert"]
    assert [(event["subject"], event["account"]) for event in events] == [("web.corp.test.", network.account)]
