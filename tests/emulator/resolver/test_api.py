"""The API of Route 53 Resolver: states, quotas, pages, filters, tags, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.resolver.network import Network
from tests.emulator.test_ram import error_code

FORWARD: dict[str, Any] = {"RuleType": "FORWARD", "DomainName": "corp.test", "TargetIps": [{"Ip": "192.0.2.9"}]}


def test_an_endpoint_takes_time(network: Network) -> None:
    """It is CREATING, then OPERATIONAL, with addresses of its subnets; DELETING, then gone, and its addresses free."""
    vpc, resolver = network.vpcs[0], network.resolver
    subnets = network.subnets(vpc)
    wanted = [{"SubnetId": subnets[0], "Ip": "10.1.1.77"}, {"SubnetId": subnets[1]}]
    made = resolver.create_resolver_endpoint(
        CreatorRequestId="1", Name="in", SecurityGroupIds=[f"sg-{vpc[4:]}"], Direction="INBOUND", IpAddresses=wanted
    )["ResolverEndpoint"]
    named = {"ResolverEndpointId": made["Id"]}
    assert (made["Status"], made["HostVPCId"], made["IpAddressCount"]) == ("CREATING", vpc, 2)
    assert made["Id"].startswith("rslvr-in-")
    listed = resolver.list_resolver_endpoint_ip_addresses(**named)["IpAddresses"]
    assert [(entry["Ip"], entry["Status"]) for entry in listed] == [("10.1.1.77", "CREATING"), ("10.1.2.4", "CREATING")]
    network.control.advance(5)
    assert resolver.get_resolver_endpoint(**named)["ResolverEndpoint"]["Status"] == "OPERATIONAL"
    assert error_code(network.ec2.delete_subnet, SubnetId=subnets[0]) == "DependencyViolation"
    added = resolver.associate_resolver_endpoint_ip_address(**named, IpAddress={"SubnetId": subnets[0]})
    assert (added["ResolverEndpoint"]["Status"], added["ResolverEndpoint"]["IpAddressCount"]) == ("UPDATING", 3)
    network.control.advance(5)
    resolver.disassociate_resolver_endpoint_ip_address(**named, IpAddress={"Ip": "10.1.1.77"})
    network.control.advance(5)
    last = {"Ip": network.addresses(made["Id"])[0]}
    remove = resolver.disassociate_resolver_endpoint_ip_address
    assert error_code(remove, **named, IpAddress=last) == "InvalidRequestException"
    renamed = resolver.update_resolver_endpoint(**named, Name="other")["ResolverEndpoint"]
    assert renamed["Name"] == "other"
    assert resolver.delete_resolver_endpoint(**named)["ResolverEndpoint"]["Status"] == "DELETING"
    assert error_code(resolver.delete_resolver_endpoint, **named) == "InvalidRequestException"
    network.control.advance(5)
    assert error_code(resolver.get_resolver_endpoint, **named) == "ResourceNotFoundException"
    network.ec2.delete_subnet(SubnetId=subnets[0])


def test_endpoints_that_are_refused(network: Network) -> None:
    """Without addresses, with one, outside of the subnet, in two VPCs, with a foreign group, and the same again."""
    first, second = (network.subnets(vpc) for vpc in network.vpcs)
    good: dict[str, Any] = {
        "CreatorRequestId": "1", "SecurityGroupIds": [f"sg-{network.vpcs[0][4:]}"], "Direction": "OUTBOUND",
        "IpAddresses": [{"SubnetId": subnet} for subnet in first],
    }  # fmt: skip
    refused: dict[str, tuple[dict[str, Any], str]] = {
        "none": ({"IpAddresses": []}, "InvalidParameterException"),
        "one": ({"IpAddresses": [{"SubnetId": first[0]}]}, "InvalidParameterException"),
        "seven": ({"IpAddresses": [{"SubnetId": first[0]}] * 7}, "LimitExceededException"),
        "unknown": ({"IpAddresses": [{"SubnetId": "subnet-0"}] * 2}, "ResourceNotFoundException"),
        "two VPCs": (
            {"IpAddresses": [{"SubnetId": first[0]}, {"SubnetId": second[0]}]}, "InvalidRequestException",
        ),
        "outside": ({"IpAddresses": [{"SubnetId": first[0], "Ip": "10.9.9.9"}] * 2}, "InvalidParameterException"),
        "no address": ({"IpAddresses": [{"SubnetId": first[0], "Ip": "nonsense"}] * 2}, "InvalidParameterException"),
        "reserved": ({"IpAddresses": [{"SubnetId": first[0], "Ip": "10.1.1.2"}] * 2}, "InvalidParameterException"),
        "same": ({"IpAddresses": [{"SubnetId": first[0], "Ip": "10.1.1.9"}] * 2}, "InvalidParameterException"),
        "group": ({"SecurityGroupIds": [f"sg-{network.vpcs[1][4:]}"]}, "InvalidParameterException"),
        "no group": ({"SecurityGroupIds": []}, "InvalidParameterException"),
        "direction": ({"Direction": "SIDEWAYS"}, "InvalidParameterException"),
        "name": ({"Name": "\x1b[31m"}, "InvalidParameterException"),
    }  # fmt: skip
    create = network.resolver.create_resolver_endpoint
    found = {name: error_code(create, **{**good, **change}) for name, (change, _) in refused.items()}
    assert found == {name: code for name, (_, code) in refused.items()}
    described = network.ec2.describe_subnets(SubnetIds=first)["Subnets"]
    assert {subnet["AvailableIpAddressCount"] for subnet in described} == {251}  # what was refused took none
    create(**good)
    assert error_code(create, **good) == "ResourceExistsException"


def test_rules_that_are_refused(network: Network) -> None:
    """Rules without what their type needs, their deletion in use, and two rules of one domain in a VPC."""
    vpc, resolver = network.vpcs[0], network.resolver
    inbound, outbound = network.endpoint("INBOUND", vpc), network.endpoint("OUTBOUND", vpc)
    refused = {
        "no endpoint": (FORWARD, "InvalidRequestException"),
        "no target": ({**FORWARD, "ResolverEndpointId": outbound, "TargetIps": []}, "InvalidParameterException"),
        "inbound": ({**FORWARD, "ResolverEndpointId": inbound}, "InvalidRequestException"),
        "gone": ({**FORWARD, "ResolverEndpointId": "rslvr-out-1"}, "ResourceNotFoundException"),
        "text": (
            {**FORWARD, "ResolverEndpointId": outbound, "TargetIps": [{"Ip": "nonsense"}]},
            "InvalidParameterException",
        ),
        "seven": (
            {**FORWARD, "ResolverEndpointId": outbound, "TargetIps": [{"Ip": "192.0.2.9"}] * 7},
            "LimitExceededException",
        ),
        "system": ({"RuleType": "SYSTEM", "DomainName": "a.test", "ResolverEndpointId": outbound},
                   "InvalidRequestException"),
        "domain": ({"RuleType": "SYSTEM", "DomainName": "a..test"}, "InvalidParameterException"),
        "no domain": ({"RuleType": "SYSTEM"}, "InvalidParameterException"),
        "control": ({"RuleType": "SYSTEM", "DomainName": "a\x07.test"}, "InvalidParameterException"),
    }  # fmt: skip
    found = {
        name: error_code(resolver.create_resolver_rule, CreatorRequestId="1", **params)
        for name, (params, _) in refused.items()
    }
    assert found == {name: code for name, (_, code) in refused.items()}
    rule = network.forward("corp.test", vpc, outbound, [{"Ip": "192.0.2.9"}])
    named = {"ResolverRuleId": rule}
    assert error_code(resolver.delete_resolver_rule, **named) == "ResourceInUseException"
    assert error_code(resolver.associate_resolver_rule, **named, VPCId=vpc) == "ResourceExistsException"
    assert error_code(resolver.associate_resolver_rule, **named, VPCId="vpc-0") == "ResourceNotFoundException"
    assert (
        error_code(resolver.disassociate_resolver_rule, **named, VPCId=network.vpcs[1]) == "ResourceNotFoundException"
    )
    second = network.rule("SYSTEM", "CORP.test.")
    assert error_code(resolver.associate_resolver_rule, ResolverRuleId=second, VPCId=vpc) == "InvalidRequestException"
    assert error_code(resolver.delete_resolver_endpoint, ResolverEndpointId=outbound) == "InvalidRequestException"
    loop = network.rule(
        "FORWARD", "loop.test", ResolverEndpointId=outbound, TargetIps=[{"Ip": network.addresses(inbound)[0]}]
    )
    assert error_code(resolver.associate_resolver_rule, ResolverRuleId=loop, VPCId=vpc) == "InvalidRequestException"
    config = {"TargetIps": [{"Ip": "192.0.2.10", "Port": 5353}], "Name": "new"}
    changed = resolver.update_resolver_rule(**named, Config=config)["ResolverRule"]
    assert (changed["Name"], changed["TargetIps"][0]["Port"], changed["DomainName"]) == ("new", 5353, "corp.test.")
    resolver.disassociate_resolver_rule(**named, VPCId=vpc)
    network.control.advance(3)
    assert resolver.delete_resolver_rule(**named)["ResolverRule"]["Status"] == "DELETING"


def test_lists_have_pages_and_filters(network: Network) -> None:
    """Each entry is on one page; a filter leaves those with its values, by either spelling of its name."""
    resolver = network.resolver
    rules = [network.rule("SYSTEM", f"{letter}.test") for letter in "abcde"]
    pages = [
        [rule["Id"] for rule in page["ResolverRules"]]
        for page in resolver.get_paginator("list_resolver_rules").paginate(PaginationConfig={"PageSize": 2})
    ]
    assert pages == [rules[:2], rules[2:4], rules[4:]]
    for name in ("DomainName", "domain_name"):
        found = resolver.list_resolver_rules(Filters=[{"Name": name, "Values": ["b.test.", "c.test."]}])
        assert [rule["Id"] for rule in found["ResolverRules"]] == rules[1:3]
    unknown = [{"Name": "Colour", "Values": ["red"]}]
    assert error_code(resolver.list_resolver_rules, Filters=unknown) == "InvalidParameterException"
    assert error_code(resolver.list_resolver_rules, NextToken="no token") == "InvalidNextTokenException"
    assert error_code(resolver.list_resolver_rules, MaxResults=0) == "InvalidParameterException"


def test_tags(network: Network) -> None:
    """Tags are set at creation, added and removed; there are at most 50, and aws: is refused."""
    resolver, tag = network.resolver, {"Key": "team", "Value": "shop"}
    made = resolver.create_resolver_rule(CreatorRequestId="1", RuleType="SYSTEM", DomainName="a.test", Tags=[tag])
    arn = made["ResolverRule"]["Arn"]
    assert resolver.list_tags_for_resource(ResourceArn=arn)["Tags"] == [tag]
    resolver.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    resolver.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert resolver.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert error_code(resolver.tag_resource, ResourceArn=arn, Tags=many) == "LimitExceededException"
    reserved = [{"Key": "aws:a", "Value": ""}]
    assert error_code(resolver.tag_resource, ResourceArn=arn, Tags=reserved) == "InvalidTagException"
    assert error_code(resolver.list_tags_for_resource, ResourceArn="arn:aws:x") == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "rule",
    [
        {"Action": "BLOCK"},
        {"Action": "BLOCK", "BlockResponse": "OVERRIDE"},
        {"Action": "BLOCK", "BlockResponse": "NODATA", "BlockOverrideTtl": 3},
        {"Action": "ALLOW", "BlockResponse": "NODATA"},
        {"Action": "ALLOW", "Qtype": "NOTHING"},
        {"Action": "BLOCK", "BlockResponse": "EMPTY"},
        {"Action": "ALLOW", "FirewallDomainListId": "rslvr-fdl-1"},
    ],
)
def test_firewall_rules_that_are_refused(network: Network, rule: dict[str, Any]) -> None:
    """A rule has what its action needs, and nothing else; what is refused leaves the group as it was."""
    resolver = network.resolver
    group, domains, association = network.block(network.vpcs[0], ["a.test"], {"Action": "ALLOW"})
    other = resolver.create_firewall_domain_list(CreatorRequestId="2", Name="other")["FirewallDomainList"]["Id"]
    params = {"FirewallDomainListId": other, "CreatorRequestId": "1", "Name": "x", "Priority": 2, **rule}
    code = "ResourceNotFoundException" if "FirewallDomainListId" in rule else "ValidationException"
    assert error_code(resolver.create_firewall_rule, FirewallRuleGroupId=group, **params) == code
    assert resolver.get_firewall_rule_group(FirewallRuleGroupId=group)["FirewallRuleGroup"]["RuleCount"] == 1
    assert error_code(resolver.delete_firewall_rule_group, FirewallRuleGroupId=group) == "ConflictException"
    assert error_code(resolver.delete_firewall_domain_list, FirewallDomainListId=domains) == "ConflictException"
    named = {"FirewallRuleGroupAssociationId": association}
    resolver.update_firewall_rule_group_association(**named, MutationProtection="ENABLED")
    assert error_code(resolver.disassociate_firewall_rule_group, **named) == "ValidationException"
    change = resolver.update_firewall_rule_group_association
    assert error_code(change, **named, Priority=500) == "ValidationException"


def test_firewall_lists_and_groups_end(network: Network) -> None:
    """Domains are added, removed and replaced; a group without rules and associations is deleted, and then its list."""
    resolver = network.resolver
    group, domains, association = network.block(network.vpcs[0], ["a.test", "*.b.test"], {"Action": "ALLOW"})
    listed = {"FirewallDomainListId": domains}
    assert resolver.list_firewall_domains(**listed)["Domains"] == ["a.test.", "*.b.test."]
    for operation, names in (("ADD", ["c.test", "a.test."]), ("REMOVE", ["*.b.test."])):
        answer = resolver.update_firewall_domains(**listed, Operation=operation, Domains=names)
        assert answer["Status"] == "UPDATING"
        network.control.advance(3)
    assert resolver.list_firewall_domains(**listed)["Domains"] == ["a.test.", "c.test."]
    bad = {**listed, "Operation": "ADD", "Domains": ["a.*.test"]}
    assert error_code(resolver.update_firewall_domains, **bad) == "ValidationException"
    assert resolver.get_firewall_domain_list(**listed)["FirewallDomainList"]["DomainCount"] == 2
    resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=association)
    network.control.advance(3)
    resolver.delete_firewall_rule(FirewallRuleGroupId=group, FirewallDomainListId=domains)
    resolver.delete_firewall_rule_group(FirewallRuleGroupId=group)
    resolver.delete_firewall_domain_list(**listed)
    assert resolver.list_firewall_domain_lists()["FirewallDomainLists"] == []
    assert resolver.list_firewall_rule_groups()["FirewallRuleGroups"] == []
