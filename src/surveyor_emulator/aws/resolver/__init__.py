"""Route 53 Resolver: endpoints, rules and DNS Firewall of VPCs. Of Outposts, Profiles, DoH and IPv6 it has nothing."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.handler import Handler

from . import endpoints, firewall_associations, firewall_domains, firewall_rules, rules, tags

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "AssociateFirewallRuleGroup": firewall_associations.associate_firewall_rule_group,
    "AssociateResolverEndpointIpAddress": endpoints.associate_resolver_endpoint_ip_address,
    "AssociateResolverRule": rules.associate_resolver_rule,
    "CreateFirewallDomainList": firewall_domains.create_firewall_domain_list,
    "CreateFirewallRule": firewall_rules.create_firewall_rule,
    "CreateFirewallRuleGroup": firewall_rules.create_firewall_rule_group,
    "CreateResolverEndpoint": endpoints.create_resolver_endpoint,
    "CreateResolverRule": rules.create_resolver_rule,
    "DeleteFirewallDomainList": firewall_domains.delete_firewall_domain_list,
    "DeleteFirewallRule": firewall_rules.delete_firewall_rule,
    "DeleteFirewallRuleGroup": firewall_rules.delete_firewall_rule_group,
    "DeleteResolverEndpoint": endpoints.delete_resolver_endpoint,
    "DeleteResolverRule": rules.delete_resolver_rule,
    "DisassociateFirewallRuleGroup": firewall_associations.disassociate_firewall_rule_group,
    "DisassociateResolverEndpointIpAddress": endpoints.disassociate_resolver_endpoint_ip_address,
    "DisassociateResolverRule": rules.disassociate_resolver_rule,
    "GetFirewallConfig": firewall_associations.get_firewall_config,
    "GetFirewallDomainList": firewall_domains.get_firewall_domain_list,
    "GetFirewallRuleGroup": firewall_rules.get_firewall_rule_group,
    "GetFirewallRuleGroupAssociation": firewall_associations.get_firewall_rule_group_association,
    "GetResolverEndpoint": endpoints.get_resolver_endpoint,
    "GetResolverRule": rules.get_resolver_rule,
    "GetResolverRuleAssociation": rules.get_resolver_rule_association,
    "ListFirewallConfigs": firewall_associations.list_firewall_configs,
    "ListFirewallDomainLists": firewall_domains.list_firewall_domain_lists,
    "ListFirewallDomains": firewall_domains.list_firewall_domains,
    "ListFirewallRuleGroupAssociations": firewall_associations.list_firewall_rule_group_associations,
    "ListFirewallRuleGroups": firewall_rules.list_firewall_rule_groups,
    "ListFirewallRules": firewall_rules.list_firewall_rules,
    "ListResolverEndpointIpAddresses": endpoints.list_resolver_endpoint_ip_addresses,
    "ListResolverEndpoints": endpoints.list_resolver_endpoints,
    "ListResolverRuleAssociations": rules.list_resolver_rule_associations,
    "ListResolverRules": rules.list_resolver_rules,
    "ListTagsForResource": tags.list_tags_for_resource,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateFirewallConfig": firewall_associations.update_firewall_config,
    "UpdateFirewallDomains": firewall_domains.update_firewall_domains,
    "UpdateFirewallRule": firewall_rules.update_firewall_rule,
    "UpdateFirewallRuleGroupAssociation": firewall_associations.update_firewall_rule_group_association,
    "UpdateResolverEndpoint": endpoints.update_resolver_endpoint,
    "UpdateResolverRule": rules.update_resolver_rule,
}
