"""Find what a request names, and raise the error of its kind if it does not exist."""

from __future__ import annotations

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import ElbState, Listener, LoadBalancer, Rule, TargetGroup

__all__ = [
    "elb_state",
    "find_listener",
    "find_load_balancer",
    "find_rule",
    "find_target_group",
    "invalid_value",
    "load_balancers_of",
    "new_arn",
    "new_rule_arn",
]

_HEX = "0123456789abcdef"


def elb_state(call: Call) -> ElbState:
    """Return the state of the caller's account and region."""
    return call.world.regional(ElbState, call.account, call.region)


def new_arn(call: Call, kind: str, name: str) -> str:
    """Return an ARN with a new random id."""
    prefix = f"arn:aws:elasticloadbalancing:{call.region}:{call.account}"
    return f"{prefix}:{kind}/{name}/{call.world.new_id(16, _HEX)}"


def new_rule_arn(call: Call, listener_arn: str) -> str:
    """Return an ARN for a new rule of a listener."""
    return f"{listener_arn.replace(':listener/', ':listener-rule/')}/{call.world.new_id(16, _HEX)}"


def invalid_value(message: str) -> ServiceError:
    """Return the error for an invalid parameter."""
    return ServiceError("ValidationError", message)


def find_load_balancer(call: Call, arn: str) -> LoadBalancer:
    """Return the load balancer of that ARN. Raises LoadBalancerNotFound."""
    load_balancer = elb_state(call).load_balancers.get(arn)
    if load_balancer is None:
        raise ServiceError("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
    return load_balancer


def find_target_group(call: Call, arn: str) -> TargetGroup:
    """Return the target group of that ARN. Raises TargetGroupNotFound."""
    group = elb_state(call).groups.get(arn)
    if group is None:
        raise ServiceError("TargetGroupNotFound", f"Target group '{arn}' not found")
    return group


def load_balancers_of(call: Call, group: TargetGroup) -> list[str]:
    """Return the ARNs of the load balancers with a listener that forwards to a target group."""
    return [
        load_balancer.arn
        for load_balancer in elb_state(call).load_balancers.values()
        if any(group in listener.groups for listener in load_balancer.listeners)
    ]


def find_listener(call: Call, arn: str) -> tuple[LoadBalancer, Listener]:
    """Return the listener of that ARN, and its load balancer. Raises ListenerNotFound."""
    for load_balancer in elb_state(call).load_balancers.values():
        for listener in load_balancer.listeners:
            if listener.arn == arn:
                return load_balancer, listener
    raise ServiceError("ListenerNotFound", f"Listener '{arn}' not found")


def find_rule(call: Call, arn: str) -> tuple[LoadBalancer, Listener, Rule]:
    """Return the rule of that ARN, and where it is. Raises RuleNotFound."""
    for load_balancer in elb_state(call).load_balancers.values():
        for listener in load_balancer.listeners:
            for rule in listener.rules:
                if rule.arn == arn:
                    return load_balancer, listener, rule
    raise ServiceError("RuleNotFound", f"Rule '{arn}' not found")
