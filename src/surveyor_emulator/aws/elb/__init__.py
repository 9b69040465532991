"""Elastic Load Balancing, as far as comparing needs it: Application Load Balancers with targets of the type ip."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.server.services import Handler

from . import balancers, groups

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "CreateListener": balancers.create_listener,
    "CreateLoadBalancer": balancers.create_load_balancer,
    "CreateTargetGroup": groups.create_target_group,
    "DeleteListener": balancers.delete_listener,
    "DeleteLoadBalancer": balancers.delete_load_balancer,
    "DeleteTargetGroup": groups.delete_target_group,
    "DeregisterTargets": groups.deregister_targets,
    "DescribeListeners": balancers.describe_listeners,
    "DescribeLoadBalancers": balancers.describe_load_balancers,
    "DescribeTargetGroupAttributes": groups.describe_target_group_attributes,
    "DescribeTargetGroups": groups.describe_target_groups,
    "DescribeTargetHealth": groups.describe_target_health,
    "ModifyTargetGroupAttributes": groups.modify_target_group_attributes,
    "RegisterTargets": groups.register_targets,
}
