"""The load balancer before a service: its name, its listener, its target groups, and how long targets drain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.callers import ViewContents
from surveyor.history import ViewMember

__all__ = ["FoundBalancer", "find_balancer", "healthy_targets"]

DRAIN = "deregistration_delay.timeout_seconds"
DEFAULT_DRAIN = 300.0
"""Seconds (elbv2/TargetGroupAttribute.Key)."""

_TLS = frozenset({"HTTPS", "TLS"})


@dataclass(frozen=True)
class FoundBalancer:
    """`name`: DNS name and port of the listener, ("", 0) if there is none that can be called; `tls`: of that listener.

    `groups`: ARNs of target groups whose targets are addresses; `drain`: seconds that a target is drained;
    `check_path`: what its health checks ask for, "" if they do not speak HTTP.
    """

    name: tuple[str, int] = ("", 0)
    tls: bool = False
    groups: tuple[str, ...] = ()
    drain: float = 0.0
    check_path: str = ""


def find_balancer(client: Callable[[str], Any], service: Mapping[str, Any]) -> FoundBalancer:
    """Return the load balancer of an ECS service (a Service); one without groups if it has none."""
    arns = list(dict.fromkeys(_group_arns(service.get("loadBalancers") or ())))
    if not arns:
        return FoundBalancer()
    elb = client("elbv2")
    groups = elb.describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
    attributes = elb.describe_target_group_attributes(TargetGroupArn=arns[0])["Attributes"]
    drain = next((float(one["Value"]) for one in attributes if one["Key"] == DRAIN), DEFAULT_DRAIN)
    balancers = list(dict.fromkeys(arn for group in groups for arn in group.get("LoadBalancerArns") or ()))
    name, tls = _listener(elb, balancers, arns, _rules(service)) if balancers else (("", 0), False)
    by_address = tuple(str(group["TargetGroupArn"]) for group in groups if group.get("TargetType") == "ip")
    return FoundBalancer(name, tls, by_address, drain, str(groups[0].get("HealthCheckPath") or "") if groups else "")


def healthy_targets(elb: Any, groups: Iterable[str]) -> ViewContents:
    """Return the addresses of all healthy targets of these groups (DescribeTargetHealth)."""
    members = {
        str(found["Target"]["Id"]): ViewMember(str(found["Target"]["Id"]))
        for group in groups
        for found in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        if found["TargetHealth"].get("State") == "healthy"
    }
    return ViewContents(members)


def _group_arns(attached: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for one in attached:
        if one.get("targetGroupArn"):
            yield str(one["targetGroupArn"])
        other = (one.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")
        if other:
            yield str(other)


def _rules(service: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of the production rules, from which the listener of a blue/green service is known."""
    configured = [one.get("advancedConfiguration") or {} for one in service.get("loadBalancers") or ()]
    return [str(one["productionListenerRule"]) for one in configured if one.get("productionListenerRule")]


def _listener(elb: Any, balancers: list[str], groups: list[str], rules: list[str]) -> tuple[tuple[str, int], bool]:
    """Return the name and port at which the groups are reached, and whether by TLS."""
    described = elb.describe_load_balancers(LoadBalancerArns=balancers[:1])["LoadBalancers"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancers[0])["Listeners"]
    if not described or not listeners:
        return ("", 0), False

    def rank(listener: Mapping[str, Any]) -> tuple[bool, bool, int]:
        # Its ARN is a part of those of its rules; a network load balancer names the listener itself.
        part = str(listener["ListenerArn"]).partition(":listener/")[2]
        is_production = any(part and part in rule for rule in rules)
        forwards = bool(_targets(listener.get("DefaultActions") or ()) & set(groups))
        return not is_production, not forwards, int(listener.get("Port") or 0)

    best = min(listeners, key=rank)
    port = int(best.get("Port") or 0)
    return (str(described[0]["DNSName"]), port), best.get("Protocol") in _TLS


def _targets(actions: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the target groups to which actions of a listener forward."""
    found = set()
    for action in actions:
        weighted = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
        found |= {
            str(arn) for arn in (action.get("TargetGroupArn"), *(one["TargetGroupArn"] for one in weighted)) if arn
        }
    return found
