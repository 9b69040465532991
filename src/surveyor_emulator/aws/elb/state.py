"""Application Load Balancers in one account and region: plain data, changed by the modules beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from surveyor_emulator.runtime.envoy.running import Envoy

__all__ = ["ElbState", "HealthCheck", "Listener", "LoadBalancer", "Target", "TargetGroup", "TargetState"]

TargetState = Literal["initial", "healthy", "unhealthy", "unused", "draining"]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """elbv2 CreateTargetGroup: its defaults for targets of type ip; times in service seconds."""

    path: str = "/"
    interval: int = 30
    timeout: int = 5
    healthy: int = 5
    unhealthy: int = 2


@dataclass(slots=True)
class Target:
    """One address and port, and since when it is being drained."""

    address: str
    port: int
    state: TargetState = "initial"


@dataclass(slots=True, eq=False)
class TargetGroup:
    """Targets, and how they are looked after. ``delay`` is deregistration_delay.timeout_seconds."""

    arn: str
    name: str
    port: int
    vpc: str
    check: HealthCheck
    delay: float = 300.0
    targets: dict[tuple[str, int], Target] = field(default_factory=dict)


@dataclass(slots=True)
class Listener:
    """A port of a load balancer that leads to a target group."""

    arn: str
    port: int
    group: TargetGroup


@dataclass(slots=True, eq=False)
class LoadBalancer:
    """A load balancer, where it is on this machine, and the proxy that does its work once it has a listener."""

    arn: str
    name: str
    dns_name: str
    scheme: str
    vpc: str
    subnets: tuple[str, ...]
    created: float
    address: str
    listeners: list[Listener] = field(default_factory=list)
    proxy: Envoy | None = None
    # Counts up with each change of its listeners: a proxy that starts meanwhile is out of date.
    version: int = 0


@dataclass(slots=True)
class ElbState:
    """By ARN."""

    balancers: dict[str, LoadBalancer] = field(default_factory=dict)
    groups: dict[str, TargetGroup] = field(default_factory=dict)
