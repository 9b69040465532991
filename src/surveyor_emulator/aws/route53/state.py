"""Route 53's state of one account: frozen values, and the one mutable object that holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .record_table import RecordTable

__all__ = [
    "ADVANCED",
    "CLOUD_MAP",
    "STANDARD",
    "Change",
    "Checker",
    "HealthCheckConfig",
    "HealthCheckSource",
    "HostedZone",
    "ProbeReport",
    "ResourceOwner",
    "Route53HealthCheck",
    "Route53State",
    "VpcKey",
]

# The service principal under which Cloud Map owns zones and health checks (LinkedService).
CLOUD_MAP = "servicediscovery.amazonaws.com"


class ResourceOwner(NamedTuple):
    """The service that owns a zone or health check: its principal, and the ARN of what it created that for."""

    principal: str
    arn: str


STANDARD, ADVANCED = "STANDARD", "ADVANCED"
"""The tiers of a hosted zone (route53/HostedZoneTier)."""


class VpcKey(NamedTuple):
    """The key of a VPC: its id and region."""

    id: str
    region: str


@dataclass(frozen=True, slots=True)
class HostedZone:
    """A hosted zone without its records. ``owner`` is None if the user created it.

    ``soa_ttl`` is the initial TTL of its SOA record, in seconds.
    """

    id: str
    name: str
    account: str
    caller_reference: str
    comment: str | None
    name_servers: tuple[str, ...]
    soa_ttl: int
    # Empty for public zones; a private zone always has at least one.
    vpcs: tuple[VpcKey, ...] = ()
    owner: ResourceOwner | None = None
    tier: str = STANDARD
    # Whether the resolvers of its VPCs ask public DNS for names that it does not have.
    public_fallback: bool = False

    @property
    def private(self) -> bool:
        """Whether the zone is visible only in its VPCs."""
        return bool(self.vpcs)


@dataclass(frozen=True, slots=True)
class Change:
    """A change that propagates to the name servers (route53/ChangeInfo)."""

    id: str
    submitted_at: float
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class HealthCheckConfig:
    """The settings of a health check (route53/HealthCheckConfig); None: not set, and without a default."""

    type: str
    ip_address: str | None = None
    port: int | None = None
    resource_path: str | None = None
    fully_qualified_domain_name: str | None = None
    search_string: str | None = None
    request_interval: int = 30
    failure_threshold: int = 3
    measure_latency: bool = False
    inverted: bool = False
    disabled: bool = False
    health_threshold: int | None = None
    children: tuple[str, ...] = ()
    enable_sni: bool | None = None
    regions: tuple[str, ...] = ()
    # PUBLIC or PRIVATE, and the id of the source that a private endpoint is checked from.
    endpoint_type: str = "PUBLIC"
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class Route53HealthCheck:
    """A health check and its latest result. ``owner`` is None if the user created it.

    The prober sets ``observed``; until then the check counts as healthy (Route 53 Developer Guide, "How Amazon Route 53
    determines whether a health check is healthy").
    """

    id: str
    caller_reference: str
    config: HealthCheckConfig
    version: int = 1
    owner: ResourceOwner | None = None
    observed: bool | None = None
    # Deleted by its owner, but still in the lists.
    being_deleted: bool = False

    @property
    def healthy(self) -> bool:
        """Whether answers treat the check as healthy.

        It is healthy while it has no result or is disabled; ``inverted`` inverts a result, and a disabled check.
        """
        if self.config.disabled:
            return not self.config.inverted
        return self.observed is None or self.observed is not self.config.inverted


@dataclass(frozen=True, slots=True)
class HealthCheckSource:
    """What checks private endpoints of a VPC in ``region``; ``config`` is its HealthCheckSourceConfig.

    ``reason``: the code of why it could not be created, "" if it could.
    """

    id: str
    caller_reference: str
    region: str
    config: Mapping[str, Any]
    status: str = "CREATE_PENDING"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The result of one probe, and its time (service seconds)."""

    succeeded: bool
    reason: str
    at: float


@dataclass(slots=True)
class Checker:
    """One of the health checkers of a check: ``healthy`` until enough probes in a row have failed.

    ``streak`` counts its latest consecutive results that contradict ``healthy``.
    """

    region: str
    address: str
    healthy: bool = True
    streak: int = 0
    last: ProbeReport | None = None
    last_failure: ProbeReport | None = None


@dataclass(slots=True)
class Route53State:
    """The state of one account. The API shows ``records``; the name servers follow them, see published_zones.py."""

    zones: dict[str, HostedZone] = field(default_factory=dict)
    records: dict[str, RecordTable] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    # Changes that the name servers do not have yet, and the time at which each zone's latest change reaches them.
    pending: set[str] = field(default_factory=set)
    settles_at: dict[str, float] = field(default_factory=dict)
    # Zone id -> VPCs of other accounts that may be associated.
    authorizations: dict[str, tuple[VpcKey, ...]] = field(default_factory=dict)
    health_checks: dict[str, Route53HealthCheck] = field(default_factory=dict)
    health_check_sources: dict[str, HealthCheckSource] = field(default_factory=dict)
    # Health check id -> its checkers; a check that is not probed has none.
    checkers: dict[str, list[Checker]] = field(default_factory=dict)
    # Health check id -> callback of the owning service, called when the check becomes healthy or unhealthy.
    followers: dict[str, Callable[[bool], object]] = field(default_factory=dict)
    # Caller references of deleted health checks, which must not be used again.
    used_references: set[str] = field(default_factory=set)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
