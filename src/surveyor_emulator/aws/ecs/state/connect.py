"""Service Connect in one account and region: what services ask for, and the endpoints that exist."""

from __future__ import annotations

from dataclasses import dataclass, field

from surveyor_emulator.runtime.envoy.discovery import Member
from surveyor_emulator.runtime.service_connect.values import AccessLog, Endpoint, Protocol

from .documents import Document

__all__ = ["ClientService", "ConnectConfiguration", "ConnectState", "LogTarget", "OfferedEndpoint", "PublishedEndpoint"]


@dataclass(frozen=True, slots=True)
class OfferedEndpoint:
    """A ServiceConnectService with defaults filled in; times in service seconds, 0 for none.

    ``ingress_port`` is None unless the port was overridden.
    """

    discovery_name: str
    alias: str
    port: int
    container: str
    container_port: int
    ingress_port: int | None
    protocol: Protocol
    idle_timeout: float
    request_timeout: float
    # The two as the configuration has them, 0 for those that it leaves out.
    configured_timeouts: tuple[int, int]
    authority: str | None
    test_header: tuple[str, str | None] | None


@dataclass(frozen=True, slots=True)
class LogTarget:
    """The destination of the log driver awslogs."""

    group: str
    region: str
    prefix: str
    creates_group: bool


@dataclass(frozen=True, slots=True)
class ConnectConfiguration:
    """A ServiceConnectConfiguration that is enabled. ``owner`` is the account of the namespace."""

    namespace_id: str
    namespace_name: str
    namespace_arn: str
    owner: str
    offered: tuple[OfferedEndpoint, ...]
    log_target: LogTarget | None
    access_log: AccessLog | None
    debug: bool
    document: Document = field(compare=False)


@dataclass(slots=True, eq=False)
class PublishedEndpoint:
    """An endpoint that exists: its service, and the instances that get no calls although Cloud Map has them.

    ``withheld`` instances have not passed their containers' checks yet. ``green`` ones are the new tasks of a
    deployment that shifts traffic: they get ``green_percent`` of the calls, and those of the test once
    ``has_test_traffic``. ``leaving`` ones get no calls: tasks of a deployment that has been replaced or rolled back.
    """

    endpoint: Endpoint
    namespace_id: str
    service_arn: str
    discovery_arn: str
    withheld: set[str] = field(default_factory=set)
    green: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    green_percent: float = 0.0
    has_test_traffic: bool = False
    # Instance -> the VPC that it is in.
    networks: dict[str, str] = field(default_factory=dict)
    # VPC -> what was sent to its proxies: old members, new ones that may get calls, and the share of these.
    sent: dict[str, tuple[tuple[Member, ...], tuple[Member, ...], float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClientService:
    """The Cloud Map service of an ECS service that offers no endpoint: its tasks are the instances."""

    namespace_id: str
    service_arn: str


@dataclass(slots=True)
class ConnectState:
    """Endpoints and clients in the namespaces of one account, by Cloud Map's id of their service."""

    published: dict[str, PublishedEndpoint] = field(default_factory=dict)
    clients: dict[str, ClientService] = field(default_factory=dict)
