"""Application Load Balancers in one account and region: plain data, changed only by the modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from surveyor_emulator.runtime.envoy.running import Envoy

__all__ = ["ElbState", "Listener", "LoadBalancer", "Rule", "Target", "TargetGroup", "TargetHealthCheck", "TargetState"]

TargetState = Literal["initial", "healthy", "unhealthy", "unused", "draining"]


@dataclass(frozen=True, slots=True)
class TargetHealthCheck:
    """elbv2 CreateTargetGroup: the defaults for targets of type ip; times in service seconds."""

    path: str = "/"
    interval: int = 30
    timeout: int = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2


@dataclass(slots=True)
class Target:
    """One address and port of a target group."""

    address: str
    port: int
    state: TargetState = "initial"


@dataclass(slots=True, eq=False)
class TargetGroup:
    """Targets, and how they are checked. ``delay`` is deregistration_delay.timeout_seconds."""

    arn: str
    name: str
    port: int
    vpc: str
    check: TargetHealthCheck
    delay: float = 300.0
    targets: dict[tuple[str, int], Target] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Rule:
    """What a listener does with requests whose path begins with ``prefix``.

    Of these ``alternate_percent`` go to the alternate target group, if there is one. The default rule has no priority.
    """

    arn: str
    priority: int | None
    pattern: str
    group: TargetGroup
    alternate: TargetGroup | None = None
    alternate_percent: float = 0.0

    @property
    def prefix(self) -> str:
        """Return the beginning of the paths that its pattern matches."""
        return "/" + self.pattern.strip("/").rstrip("*")

    @property
    def groups(self) -> list[TargetGroup]:
        """Return the target groups that it forwards to."""
        return [self.group] if self.alternate is None else [self.group, self.alternate]


@dataclass(slots=True)
class Listener:
    """A port of a load balancer, and its rules in their order; the default one is the last."""

    arn: str
    port: int
    rules: list[Rule]

    @property
    def groups(self) -> list[TargetGroup]:
        """Return the target groups that it forwards to."""
        return list(dict.fromkeys(group for rule in self.rules for group in rule.groups))


@dataclass(slots=True, eq=False)
class LoadBalancer:
    """A load balancer, its address on this machine, and its proxy once it has a listener."""

    arn: str
    name: str
    dns_name: str
    scheme: str
    vpc: str
    subnets: tuple[str, ...]
    created: float
    address: str
    security_groups: tuple[str, ...]
    listeners: list[Listener] = field(default_factory=list)
    proxy: Envoy | None = None
    # Incremented with each change of its listeners: a proxy that starts meanwhile is out of date.
    version: int = 0


@dataclass(slots=True)
class ElbState:
    """Load balancers and target groups by ARN."""

    load_balancers: dict[str, LoadBalancer] = field(default_factory=dict)
    groups: dict[str, TargetGroup] = field(default_factory=dict)
