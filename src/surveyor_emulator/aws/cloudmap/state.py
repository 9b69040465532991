"""Cloud Map's state in one account and region: plain data, changed only by the handlers in this package."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import orjson

from surveyor_emulator.core.clock import Timer
from surveyor_emulator.core.token_bucket import TokenBucket

__all__ = [
    "CloudMapService",
    "CloudMapState",
    "DiscoveryEntry",
    "DiscoveryView",
    "DnsConfig",
    "Namespace",
    "NamespaceType",
    "Operation",
    "RecordType",
    "RegisteredInstance",
    "ServiceHealthCheck",
]

NamespaceType = Literal["HTTP", "DNS_PRIVATE", "DNS_PUBLIC"]
RecordType = Literal["A", "AAAA", "SRV", "CNAME"]


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """The DNS settings of a service: record type -> TTL in seconds, and the routing policy."""

    ttls: dict[RecordType, int]
    policy: str


@dataclass(frozen=True, slots=True)
class ServiceHealthCheck:
    """The Route 53 health check that each instance of a service gets."""

    type: str
    path: str | None
    threshold: int | None


@dataclass(slots=True)
class Namespace:
    """A namespace; ``zone_id`` and ``soa_ttl`` are set only if its type has DNS."""

    number: int
    id: str
    arn: str
    name: str
    http_name: str
    type: NamespaceType
    description: str | None
    creator_request_id: str | None
    created: float
    vpc: str | None
    zone_id: str | None = None
    soa_ttl: int | None = None
    # Id of the operation that created it.
    operation: str = ""
    # Until when it is in use although it may have no service (service seconds).
    in_use_until: float = 0.0


@dataclass(slots=True)
class RegisteredInstance:
    """A registered instance.

    ``status`` is the custom health status, ``pending_change`` a requested status and its timer; ``probed_health`` is
    the result of the Route 53 health check, HEALTHY until there is one.
    """

    number: int
    id: str
    attributes: dict[str, str]
    creator_request_id: str | None
    registered_by: str
    status: str
    pending_change: tuple[str, Timer] | None = None
    health_check_id: str | None = None
    probed_health: str = "HEALTHY"


class DiscoveryEntry(NamedTuple):
    """An instance as DiscoverInstances returns it: what filters compare, and its JSON."""

    health: str
    attributes: dict[str, str]
    encoded: orjson.Fragment


@dataclass(slots=True)
class DiscoveryView:
    """The instances of a service that DiscoverInstances returns; it follows the registry with a short delay."""

    revision: int
    members: dict[str, RegisteredInstance] = field(default_factory=dict)
    # When the latest change becomes visible (service seconds), so that changes keep their order.
    due: float = 0.0
    # Entries built from the members, by health filter, and their JSON; cleared when anything changes.
    entries: dict[str, list[DiscoveryEntry]] = field(default_factory=dict)
    encoded: dict[str, list[orjson.Fragment]] = field(default_factory=dict)
    # Called after each visible change.
    listeners: list[Callable[[], object]] = field(default_factory=list)

    def clear_entries(self) -> None:
        """Let the entries be built again."""
        self.entries.clear()
        self.encoded.clear()


@dataclass(slots=True)
class CloudMapService:
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
    health: ServiceHealthCheck | None
    custom_health: bool
    api_only: bool
    created_by: str
    view: DiscoveryView
    attributes: dict[str, str] = field(default_factory=dict)
    instances: dict[str, RegisteredInstance] = field(default_factory=dict)

    @property
    def has_health_check(self) -> bool:
        """Whether the service has a health check of either kind."""
        return self.custom_health or self.health is not None


@dataclass(slots=True)
class Operation:
    """An asynchronous operation on a namespace of ``owner``. Only one at a time may run on a ``subject``."""

    number: int
    id: str
    type: str
    targets: dict[str, str]
    subject: tuple[str, ...]
    owner: str
    # The name of the request that started it.
    request: str
    created: float
    updated: float
    status: str = "SUBMITTED"
    error: tuple[str, str] | None = None
    # Whether ListOperations shows it.
    listed: bool = True
    # Called when the operation has ended.
    listeners: list[Callable[[Operation], object]] = field(default_factory=list)


@dataclass(slots=True)
class CloudMapState:
    """The state of one account in one region."""

    numbers: Iterator[int] = field(default_factory=itertools.count)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    services: dict[str, CloudMapService] = field(default_factory=dict)
    # (namespace id, service name) -> service, for DiscoverInstances.
    services_by_name: dict[tuple[str, str], CloudMapService] = field(default_factory=dict)
    namespaces_by_http_name: dict[str, Namespace] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    # subject -> the operation in progress on it.
    running: dict[tuple[str, ...], Operation] = field(default_factory=dict)
    # (kind or service id, request token) -> id of the operation that the request started.
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    buckets: dict[str, TokenBucket] = field(default_factory=dict)
