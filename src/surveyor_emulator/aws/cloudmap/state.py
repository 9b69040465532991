"""What Cloud Map knows in one account and region: plain data, changed only by the handlers beside it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from surveyor_emulator.core.clock import Timer

from .throttle import Bucket

__all__ = [
    "CloudMapState",
    "DnsConfig",
    "HealthCheckConfig",
    "Instance",
    "Namespace",
    "NamespaceType",
    "Operation",
    "RecordType",
    "Service",
    "View",
]

NamespaceType = Literal["HTTP", "DNS_PRIVATE", "DNS_PUBLIC"]
RecordType = Literal["A", "AAAA", "SRV", "CNAME"]


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """How a service's instances appear in DNS: record type -> TTL in seconds, and the routing policy."""

    ttls: dict[RecordType, int]
    policy: str


@dataclass(frozen=True, slots=True)
class HealthCheckConfig:
    """The Route 53 health check that each instance of a service gets."""

    type: str
    path: str | None
    threshold: int | None


@dataclass(slots=True)
class Namespace:
    """A namespace; ``zone_id`` and ``soa_ttl`` only where its type has DNS."""

    number: int
    id: str
    arn: str
    name: str
    http_name: str
    type: NamespaceType
    description: str | None
    creator_request_id: str | None
    created: float
    vpc: str | None = None
    zone_id: str | None = None
    soa_ttl: int | None = None
    deleting: bool = False


@dataclass(slots=True)
class Instance:
    """A registered instance.

    ``status`` is the custom health status, ``change`` the one that is waiting to happen; ``probed`` is what its
    Route 53 health check says, healthy until that knows better.
    """

    number: int
    id: str
    attributes: dict[str, str]
    creator_request_id: str | None
    registered_by: str
    status: str = "HEALTHY"
    change: tuple[str, Timer] | None = None
    health_check_id: str | None = None
    probed: str = "HEALTHY"


@dataclass(slots=True)
class View:
    """What DiscoverInstances shows of a service: the registry as it was a moment ago."""

    revision: int = 1
    members: dict[str, Instance] = field(default_factory=dict)
    # When the latest change becomes visible (service seconds), so that changes never overtake each other.
    due: float = 0.0
    # Answers made from the members, by health filter; emptied when anything changes.
    summaries: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    # Who wants to know when it shows something else.
    heard: list[Callable[[], object]] = field(default_factory=list)


@dataclass(slots=True)
class Service:
    """A service and its instances."""

    number: int
    id: str
    arn: str
    name: str
    namespace: Namespace
    description: str | None
    creator_request_id: str | None
    created: float
    dns: DnsConfig | None
    health: HealthCheckConfig | None
    custom_health: bool
    api_only: bool
    created_by: str
    attributes: dict[str, str] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    # Instance ids whose first registration is under way; they count towards the quotas.
    arriving: set[str] = field(default_factory=set)
    revision: int = 1
    view: View = field(default_factory=View)

    @property
    def checked(self) -> bool:
        """Whether it has a health check of either kind."""
        return self.custom_health or self.health is not None


@dataclass(slots=True)
class Operation:
    """An asynchronous operation. ``subject`` is what no two operations may work on at once."""

    number: int
    id: str
    type: str
    targets: dict[str, str]
    subject: tuple[str, ...]
    created: float
    updated: float
    status: str = "SUBMITTED"
    error: tuple[str, str] | None = None
    # Services of this target that want to know when it is over.
    waiting: list[Callable[[Operation], object]] = field(default_factory=list)


@dataclass(slots=True)
class CloudMapState:
    """One account in one region."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    # (namespace id, service name) -> service, as DiscoverInstances asks.
    services_by_name: dict[tuple[str, str], Service] = field(default_factory=dict)
    namespaces_by_http_name: dict[str, Namespace] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    # subject -> the operation that is working on it now.
    running: dict[tuple[str, ...], Operation] = field(default_factory=dict)
    # (what, request token) -> operation or service id made by it.
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
