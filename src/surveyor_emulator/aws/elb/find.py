"""Finding what a request names, and the error for each kind that is not there."""

from __future__ import annotations

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import ElbState, LoadBalancer, TargetGroup

__all__ = ["arn", "balancer", "group", "invalid", "state"]

_HEX = "0123456789abcdef"


def state(call: Call) -> ElbState:
    """That of the caller's account and region."""
    return call.world.regional(ElbState, call.account, call.region)


def arn(call: Call, kind: str, name: str) -> str:
    """A new ARN."""
    place = f"arn:aws:elasticloadbalancing:{call.region}:{call.account}"
    return f"{place}:{kind}/{name}/{call.world.new_id(16, _HEX)}"


def invalid(message: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("ValidationError", message)


def balancer(call: Call, reference: str) -> LoadBalancer:
    """The load balancer of that ARN."""
    found = state(call).balancers.get(reference)
    if found is None:
        raise ServiceError("LoadBalancerNotFound", f"Load balancer '{reference}' not found")
    return found


def group(call: Call, reference: str) -> TargetGroup:
    """The target group of that ARN."""
    found = state(call).groups.get(reference)
    if found is None:
        raise ServiceError("TargetGroupNotFound", f"Target group '{reference}' not found")
    return found
