"""Audit rules and notes about other registrars, clients and endpoints, and the page that documents all rules."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from surveyor.audit import Network, apply_rules, notes_of
from surveyor.audit.network import ForwardRule, Vpc
from surveyor.audit.snapshot import PORT, Instance
from surveyor.claims import load_claims
from surveyor.layout import find_layout
from tests.audit.test_rules import CLEAN, INSTANCES, REGISTRY, with_registry

WITH_PORT = Instance("pod-1", {"AWS_INSTANCE_IPV4": "10.0.1.1", PORT: "8080"})
NETWORK = Network((Vpc("vpc-1", dns_support=True, dns_hostnames=True, zones={"corp.test": "Z1"}),))


def found(registry: object, network: Network = NETWORK) -> list[tuple[str, str]]:
    """Return rule and level of all findings about the clean snapshot with another registry."""
    findings = apply_rules(with_registry(registry), network)  # type: ignore[arg-type]  # a Registry
    return [(finding.rule, str(finding.level)) for finding in findings]


def test_some_instances_without_a_port_are_a_finding() -> None:
    """One instance with a port beside three without is a finding; all with, or all without, are none."""
    mixed = replace(REGISTRY, instances=(*INSTANCES, WITH_PORT))
    assert found(mixed) == [("ports-of-some-instances", "hurts")]
    ported = tuple(Instance(each.id, {**each.attributes, PORT: "80"}) for each in INSTANCES)
    assert found(replace(REGISTRY, instances=(*ported, WITH_PORT))) == []
    assert found(REGISTRY) == []


def test_a_registry_of_external_dns_is_a_finding() -> None:
    """The description that external-dns gives its services is recognised; another one is not."""
    owned = replace(REGISTRY, description='"heritage=external-dns,external-dns/owner=default"')
    assert found(owned) == [("registry-of-external-dns", "hurts")]
    assert found(replace(REGISTRY, description="the shop, by external teams")) == []


@pytest.mark.parametrize(("status", "rules"), [
    ("ACTION_NEEDED", [("forwarding-endpoint-down", "breaks")]), ("OPERATIONAL", []), ("", []),
])  # fmt: skip
def test_an_endpoint_that_does_not_forward_is_a_finding(status: str, rules: list[tuple[str, str]]) -> None:
    """Names of a namespace whose zone is elsewhere depend on the outbound endpoint of the rule."""
    rule = ForwardRule("rslvr-rr-1", "corp.test", True, ("10.9.9.9",), "rslvr-out-1", status)
    vpc = Vpc("vpc-1", dns_support=True, dns_hostnames=True, zones={}, rules=(rule,))
    assert found(REGISTRY, Network((vpc,))) == rules


def test_services_without_a_port_are_one_note() -> None:
    """The note names the services; a registry with SRV records, or with ports, has none, and no registry neither."""
    [note] = notes_of(CLEAN)
    assert (note.rule, note.about) == ("no-port-for-clients", "shop/web")
    assert "API Gateway" in note.found
    assert note.claim in load_claims(find_layout().claims).by_id
    many = replace(CLEAN, services=tuple(replace(CLEAN.services[0], name=f"s{number}") for number in range(7)))
    assert [each.about for each in notes_of(many)] == ["shop/s0, shop/s1, shop/s2, shop/s3, shop/s4 and 2 more"]
    ported = tuple(Instance(each.id, {**each.attributes, PORT: "80"}) for each in INSTANCES)
    assert notes_of(with_registry(replace(REGISTRY, instances=ported))) == []
    assert notes_of(with_registry(replace(REGISTRY, instances=(), records={"SRV": 10}), tasks=())) == []
    assert notes_of(replace(CLEAN, registries={})) == []


def test_the_documentation_has_every_rule() -> None:
    """docs/audit.md lists the id of each finding and note in the source, with its level, and no other."""
    root = find_layout().root
    written: dict[str, str] = {}
    for file in (root / "src" / "surveyor" / "audit").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Finding", "Note"):
                rule = node.args[0]
                assert isinstance(rule, ast.Constant), file
                level = node.args[1].attr.lower() if isinstance(node.args[1], ast.Attribute) else "note"
                written[str(rule.value)] = level
    rows = [line.split(" | ") for line in (root / "docs" / "audit.md").read_text("utf-8").splitlines()]
    documented = {row[0].strip("| `"): row[1] for row in rows if len(row) == 3 and row[0].startswith("| `")}
    assert documented == written
