"""Operations on rules of listeners, and the shares that Amazon ECS gives two target groups of a rule.

elbv2 CreateRule: rules are evaluated in the order of their priorities, the default rule last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_emulator.runtime.task_runtime import runtime

from . import proxy
from .load_balancers import renew_proxy
from .lookup import elb_state, find_listener, find_rule, find_target_group, invalid_value, new_rule_arn
from .state import Rule

__all__ = ["create_rule", "delete_rule", "describe_rules", "set_groups", "set_share"]

MAX_PRIORITY = 50_000
Request = Mapping[str, Any]


def create_rule(call: Call, request: Request) -> Document:
    """CreateRule: one path pattern that ends with an asterisk or has none, forwarding to one target group."""
    load_balancer, listener = find_listener(call, request["ListenerArn"])
    [condition, *others], [action, *more] = list(request["Conditions"]), list(request["Actions"])
    patterns = condition.get("Values") or (condition.get("PathPatternConfig") or {}).get("Values") or []
    if others or more or condition.get("Field") != "path-pattern" or action["Type"] != "forward" or len(patterns) != 1:
        raise ServiceError("UnsupportedFeature", "this target offers rules that forward one path pattern")
    if "*" in patterns[0][:-1] or "?" in patterns[0]:
        raise ServiceError("UnsupportedFeature", "this target offers path patterns with an asterisk at the end only")
    priority = int(request["Priority"])
    if not 1 <= priority <= MAX_PRIORITY:
        raise invalid_value(f"A priority is from 1 to {MAX_PRIORITY}")
    if any(rule.priority == priority for rule in listener.rules):
        raise ServiceError("PriorityInUse", f"Priority '{priority}' is currently in use")
    group = find_target_group(call, str(action.get("TargetGroupArn") or ""))
    rule = Rule(new_rule_arn(call, listener.arn), priority, patterns[0], group)
    listener.rules.append(rule)
    listener.rules.sort(key=lambda rule: rule.priority or MAX_PRIORITY + 1)
    renew_proxy(call, load_balancer)
    return {"Rules": [_describe(rule)]}


def describe_rules(call: Call, request: Request) -> Document:
    """DescribeRules of a listener, or by ARN."""
    arns = request.get("RuleArns") or ()
    if arns:
        return {"Rules": [_describe(find_rule(call, arn)[2]) for arn in arns]}
    if not request.get("ListenerArn"):
        raise invalid_value("You must specify either listener or rule ARNs")
    return {"Rules": [_describe(rule) for rule in find_listener(call, request["ListenerArn"])[1].rules]}


def delete_rule(call: Call, request: Request) -> Document:
    """DeleteRule, unless it is the default one."""
    load_balancer, listener, rule = find_rule(call, request["RuleArn"])
    if rule.priority is None:
        raise ServiceError("OperationNotPermitted", f"Default rule '{rule.arn}' cannot be deleted")
    listener.rules.remove(rule)
    renew_proxy(call, load_balancer)
    return {}


def set_groups(call: Call, arn: str, primary: str, alternate: str) -> None:
    """Have a rule forward to two target groups; a rule that does already stays as it is."""
    load_balancer, _, rule = find_rule(call, arn)
    groups = [find_target_group(call, primary), find_target_group(call, alternate)]
    if rule.groups != groups:
        rule.group, rule.alternate = groups
        rule.alternate_percent = 0.0
        renew_proxy(call, load_balancer)


def set_share(call: Call, arn: str, alternate_percent: float) -> None:
    """Set the share of the requests to a rule that go to its alternate target group; a deleted rule has none."""
    for load_balancer in elb_state(call).load_balancers.values():
        for listener in load_balancer.listeners:
            for rule in listener.rules:
                if rule.arn == arn:
                    rule.alternate_percent = alternate_percent
                    runtime(call.world).discovery.put_share(proxy.share_key(rule), alternate_percent)
                    call.note("load-balancer.share", arn, f"{alternate_percent:g} %")


def _describe(rule: Rule) -> dict[str, object]:
    weights = [100.0] if rule.alternate is None else [100.0 - rule.alternate_percent, rule.alternate_percent]
    groups = [
        {"TargetGroupArn": group.arn, "Weight": round(weight)}
        for group, weight in zip(rule.groups, weights, strict=True)
    ]
    forward: dict[str, object] = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
    if rule.alternate is None:
        forward["TargetGroupArn"] = rule.group.arn
    values = {"Field": "path-pattern", "Values": [rule.pattern], "PathPatternConfig": {"Values": [rule.pattern]}}
    return {
        "RuleArn": rule.arn,
        "Priority": "default" if rule.priority is None else str(rule.priority),
        "Conditions": [] if rule.priority is None else [values],
        "Actions": [forward],
        "IsDefault": rule.priority is None,
    }
