"""The faults that were injected into the network of a task, or of the instance whose network its tasks share."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal

__all__ = ["FaultParameters", "HolePlace", "InjectedFaults", "Protocol", "TrafficType"]

TrafficType = Literal["ingress", "egress"]
Protocol = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class HolePlace:
    """What a black hole is known by."""

    way: TrafficType
    protocol: Protocol
    port: int


@dataclass(frozen=True, slots=True)
class FaultParameters:
    """The parameters of a fault; only those of its kind are meant. `delay`, `jitter`: milliseconds; `loss`: percent."""

    hole: HolePlace | None = None
    delay: int = 0
    jitter: int = 0
    loss: int = 0
    sources: tuple[IPv4Network, ...] = ()
    spared: tuple[IPv4Network, ...] = ()


@dataclass(slots=True)
class InjectedFaults:
    """Those that are running."""

    holes: dict[HolePlace, FaultParameters] = field(default_factory=dict)
    latency: FaultParameters | None = None
    loss: FaultParameters | None = None
