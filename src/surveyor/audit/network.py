"""How the VPCs of clients resolve the names of namespaces, at the time of an audit, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["BlockRule", "ForwardRule", "Network", "Vpc", "covers"]


@dataclass(frozen=True)
class ForwardRule:
    """A Resolver rule in a VPC; `forwards` is False for a SYSTEM rule. Domains have no dot at their end.

    `endpoint`: the outbound endpoint, `endpoint_status` is "" if it is not known.
    """

    id: str
    domain: str
    forwards: bool
    targets: tuple[str, ...] = ()
    endpoint: str = ""
    endpoint_status: str = ""


@dataclass(frozen=True)
class BlockRule:
    """A rule of DNS Firewall, in the order in which the VPC tries them; `blocks` is False if it lets a query pass."""

    name: str
    group: str
    blocks: bool
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Vpc:
    """A VPC of clients. `zones`: names of its private zones and their ids; `services`: the ECS services in it."""

    id: str
    dns_support: bool
    dns_hostnames: bool
    zones: Mapping[str, str]
    rules: tuple[ForwardRule, ...] = ()
    firewall: tuple[BlockRule, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """The VPCs of clients, and what was done to instances lately.

    `registrations`: for each Cloud Map service how often each instance was registered within `period` seconds.
    `unknown_services`: CLUSTER/SERVICE of ECS that instances name and that do not exist. `unread`: operations that were
    denied or that the target does not have: what they would show is not judged.
    """

    vpcs: tuple[Vpc, ...] = ()
    registrations: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    period: float = 0.0
    unknown_services: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    region: str = "REGION"


def covers(domain: str, host: str) -> bool:
    """Return whether a host is a domain or below it; both without a dot at the end, in lower case."""
    return domain in ("", host) or host.endswith(f".{domain}")
