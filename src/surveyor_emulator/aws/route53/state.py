"""What Route 53 knows of one account: frozen values, and the one mutable object that holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .records import RecordTable

__all__ = [
    "CLOUD_MAP",
    "AliasTarget",
    "Change",
    "Checker",
    "HealthCheck",
    "HealthCheckConfig",
    "HostedZone",
    "RecordKey",
    "RecordSet",
    "Report",
    "Route53State",
    "VpcKey",
]

# The service principal under which Cloud Map owns zones and health checks (LinkedService).
CLOUD_MAP = "servicediscovery.amazonaws.com"


class VpcKey(NamedTuple):
    """A VPC as Route 53 names it."""

    id: str
    region: str


class RecordKey(NamedTuple):
    """What tells the resource record sets of a zone apart."""

    name: str
    type: str
    set_identifier: str | None = None


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """Where an alias points: a zone and a name in it (route53/AliasTarget)."""

    zone_id: str
    name: str
    evaluate_target_health: bool


@dataclass(frozen=True, slots=True)
class RecordSet:
    """A resource record set; ``name`` and ``alias.name`` are canonical, ``values`` in presentation form.

    ``healthy`` is custom health; a Route 53 health check has its own (``health_check_id``). Both must be well.
    """

    name: str
    type: str
    ttl: int | None = None
    values: tuple[str, ...] = ()
    set_identifier: str | None = None
    multivalue: bool = False
    weight: int | None = None
    health_check_id: str | None = None
    alias: AliasTarget | None = None
    healthy: bool = True
    failover: str | None = None

    @property
    def key(self) -> RecordKey:
        """What tells it from the others of its zone."""
        return RecordKey(self.name, self.type, self.set_identifier)


@dataclass(frozen=True, slots=True)
class HostedZone:
    """A hosted zone without its records. ``owner`` is the service that made it, if one did.

    ``soa_ttl`` is what the TTL of its SOA record was in the beginning, seconds.
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
    owner: str | None = None

    @property
    def private(self) -> bool:
        """Whether it answers only in its VPCs."""
        return bool(self.vpcs)


@dataclass(frozen=True, slots=True)
class Change:
    """A change on its way to the name servers (route53/ChangeInfo)."""

    id: str
    submitted_at: float
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class HealthCheckConfig:
    """How an endpoint is checked (route53/HealthCheckConfig); None where nothing was given and there is no default."""

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
    alarm: tuple[str, str] | None = None
    insufficient_data: str | None = None
    routing_control_arn: str | None = None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A health check and what is known of its endpoint. ``owner`` is the service that made it, if one did.

    The prober sets ``observed``; until then nothing is known, and the check counts as healthy (Route 53 Developer
    Guide, "How Amazon Route 53 determines whether a health check is healthy").
    """

    id: str
    caller_reference: str
    config: HealthCheckConfig
    version: int = 1
    owner: str | None = None
    observed: bool | None = None
    # Deleted by its owner, but not yet gone from the lists.
    leaving: bool = False

    @property
    def healthy(self) -> bool:
        """What answers go by: healthy while nothing is known or the check is disabled; ``inverted`` turns the rest."""
        if self.config.disabled:
            return not self.config.inverted
        return self.observed is None or self.observed is not self.config.inverted


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one probe, and when it was (service seconds)."""

    well: bool
    reason: str
    at: float


@dataclass(slots=True)
class Checker:
    """One of the health checkers of a check: it thinks the endpoint healthy until it has failed often enough in a row.

    ``streak`` counts its latest results that speak against what it thinks.
    """

    region: str
    address: str
    healthy: bool = True
    streak: int = 0
    last: Report | None = None
    last_failure: Report | None = None


@dataclass(slots=True)
class Route53State:
    """All of one account. ``records`` is what the API shows; name servers follow it, see published.py."""

    zones: dict[str, HostedZone] = field(default_factory=dict)
    records: dict[str, RecordTable] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    # Changes that the name servers do not have yet, and when each zone's latest reaches them.
    pending: set[str] = field(default_factory=set)
    settles_at: dict[str, float] = field(default_factory=dict)
    # VPCs of other accounts that may be associated, by zone.
    authorizations: dict[str, tuple[VpcKey, ...]] = field(default_factory=dict)
    health_checks: dict[str, HealthCheck] = field(default_factory=dict)
    # Those that probe, by health check; none for a check that is not probed.
    checkers: dict[str, list[Checker]] = field(default_factory=dict)
    # Who wants to be told when a check turns healthy or unhealthy: the service that owns it.
    followers: dict[str, Callable[[bool], object]] = field(default_factory=dict)
    # Caller references of health checks that are gone: they may not be used again.
    spent_references: set[str] = field(default_factory=set)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
