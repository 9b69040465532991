"""Elastic Load Balancing, as far as comparisons need it: Application Load Balancers with targets of the type ip."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.handler import Handler

from . import load_balancers, rules, target_groups

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "CreateListener": load_balancers.create_listener,
    "CreateLoadBalancer": load_balancers.create_load_balancer,
    "CreateRule": rules.create_rule,
    "CreateTargetGroup": target_groups.create_target_group,
    "DeleteListener": load_balancers.delete_listener,
    "DeleteLoadBalancer": load_balancers.delete_load_balancer,
    "DeleteRule": rules.delete_rule,
    "DeleteTargetGroup": target_groups.delete_target_group,
    "DeregisterTargets": target_groups.deregister_targets,
    "DescribeListeners": load_balancers.describe_listeners,
    "DescribeLoadBalancers": load_balancers.describe_load_balancers,
    "DescribeRules": rules.describe_rules,
    "DescribeTargetGroupAttributes": target_groups.describe_target_group_attributes,
    "DescribeTargetGroups": target_groups.describe_target_groups,
    "DescribeTargetHealth": target_groups.describe_target_health,
    "ModifyTargetGroupAttributes": target_groups.modify_target_group_attributes,
    "RegisterTargets": target_groups.register_targets,
}
