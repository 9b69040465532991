"""Route 53 Resolver in one account and region: plain data, changed only by the modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from surveyor_emulator.core.world import World

__all__ = [
    "DomainList",
    "EndpointAddress",
    "FirewallAssociation",
    "FirewallRule",
    "ResolverEndpoint",
    "ResolverRule",
    "ResolverState",
    "RuleAssociation",
    "RuleGroup",
    "RuleTarget",
    "resolver_state",
]

Direction = Literal["INBOUND", "OUTBOUND"]
EndpointStatus = Literal["CREATING", "OPERATIONAL", "UPDATING", "DELETING"]


@dataclass(slots=True)
class EndpointAddress:
    """An address of an endpoint in a subnet; ``listens_at`` is where it can be reached on this machine."""

    id: str
    subnet: str
    ip: str
    status: str
    created: float
    modified: float
    listens_at: tuple[str, int] | None = None


@dataclass(slots=True, eq=False)
class ResolverEndpoint:
    """An endpoint: questions arrive at its addresses (inbound), or leave from them (outbound)."""

    id: str
    arn: str
    request_id: str
    name: str
    groups: tuple[str, ...]
    direction: Direction
    vpc: str
    created: float
    modified: float
    status: EndpointStatus = "CREATING"
    message: str = "This Resolver Endpoint is being created."
    addresses: dict[str, EndpointAddress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """A server that questions are forwarded to."""

    ip: str
    port: int = 53


@dataclass(slots=True, eq=False)
class ResolverRule:
    """A rule for a domain, which is a canonical name with its dot; ``endpoint`` is None for a SYSTEM rule."""

    id: str
    arn: str
    request_id: str
    name: str
    domain: str
    type: str
    targets: tuple[RuleTarget, ...]
    endpoint: str | None
    created: float
    modified: float
    status: str = "COMPLETE"


@dataclass(slots=True, eq=False)
class RuleAssociation:
    """A rule in a VPC; the VPC's resolver follows it while it is COMPLETE."""

    id: str
    rule: str
    name: str
    vpc: str
    status: str = "CREATING"


@dataclass(slots=True, eq=False)
class DomainList:
    """A list of domains in canonical spelling, in the order of their addition; a wildcard begins with an asterisk."""

    id: str
    arn: str
    request_id: str
    name: str
    created: float
    modified: float
    status: str = "COMPLETE"
    domains: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class FirewallRule:
    """A rule of a group. ``override`` is the domain of the CNAME that is answered, with ``override_ttl``."""

    domains: str
    name: str
    request_id: str
    priority: int
    action: str
    created: float
    modified: float
    response: str | None = None
    override: str | None = None
    override_ttl: int = 0
    redirection: str = "INSPECT_REDIRECTION_DOMAIN"
    qtype: str | None = None


@dataclass(slots=True, eq=False)
class RuleGroup:
    """A group of firewall rules; one list and type of question occurs in it once."""

    id: str
    arn: str
    request_id: str
    name: str
    created: float
    modified: float
    rules: dict[tuple[str, str | None], FirewallRule] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class FirewallAssociation:
    """A group in a VPC; it filters while it is not being deleted."""

    id: str
    arn: str
    request_id: str
    name: str
    group: str
    vpc: str
    priority: int
    protection: str
    created: float
    modified: float
    status: str = "UPDATING"


@dataclass(slots=True)
class ResolverState:
    """Everything by id. ``fail_open`` has the setting of each VPC that was changed, ``tags`` those of each ARN.

    ``generation`` rises with each change that may alter an answer.
    """

    endpoints: dict[str, ResolverEndpoint] = field(default_factory=dict)
    rules: dict[str, ResolverRule] = field(default_factory=dict)
    associations: dict[str, RuleAssociation] = field(default_factory=dict)
    domain_lists: dict[str, DomainList] = field(default_factory=dict)
    groups: dict[str, RuleGroup] = field(default_factory=dict)
    firewalls: dict[str, FirewallAssociation] = field(default_factory=dict)
    fail_open: dict[str, str] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    generation: int = 0


def resolver_state(world: World, account: str, region: str) -> ResolverState:
    """Return the state of an account in a region."""
    return world.regional(ResolverState, account, region)
