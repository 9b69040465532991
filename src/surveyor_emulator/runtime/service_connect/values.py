"""The plan of a proxy: endpoints that it leads to, ports that it accepts calls at, and how it writes its access log.

Times are service seconds, 0 for none; names and defaults are those of ecs ServiceConnectConfiguration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "HTTP_IDLE",
    "REQUEST_TIMEOUT",
    "RESTARTS",
    "TCP_IDLE",
    "WORKERS",
    "AccessLog",
    "Endpoint",
    "Inbound",
    "Plan",
    "Protocol",
    "Secrets",
    "ZoneAware",
]

Protocol = Literal["tcp", "http", "http2", "grpc"]

# ecs TimeoutConfiguration.idleTimeoutSeconds; ECS Developer Guide, Service Connect components.
HTTP_IDLE, TCP_IDLE, REQUEST_TIMEOUT = 300.0, 3_600.0, 15.0


# What ECS sets for the proxy of a task: ENVOY_CONCURRENCY and APPNET_ENVOY_RESTART_COUNT.
WORKERS, RESTARTS = 2, 3


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Service Connect service as its clients reach it. ``key`` is its id in Cloud Map."""

    key: str
    discovery_name: str
    namespace: str
    alias: str
    port: int
    protocol: Protocol
    idle: float
    request: float
    # The ARN of the authority whose certificates it presents; None for no TLS.
    authority: str | None = None
    # Name and exact value (any, if None) of the header that leads to the new tasks of a deployment that shifts traffic;
    # None for connections that have no headers, and for endpoints of services that do not shift traffic.
    test_header: tuple[str, str | None] | None = None

    @property
    def host_name(self) -> str:
        """The name in its certificate."""
        return f"{self.discovery_name}.{self.namespace}"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A port at which a proxy accepts calls for its task, and the port of the task that it leads to."""

    discovery_name: str
    host_name: str
    port: int
    to: int
    protocol: Protocol
    idle: float
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The format of an access log: ecs ServiceConnectAccessLogConfiguration."""

    json: bool
    query_parameters: bool


@dataclass(frozen=True, slots=True)
class Secrets:
    """Files for TLS: the authorities to trust, and the task's own certificate and key, if it presents one."""

    trusted: str
    certificate: str | None


@dataclass(frozen=True, slots=True)
class ZoneAware:
    """Zone-aware routing: the name of the members of the caller's own service, and the endpoints that it needs."""

    local: str
    min_endpoints: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One task's proxy. ``outer`` is the task's address, ``inner`` the one that its containers listen at.

    ``outbound`` has the address at which this task's containers reach each endpoint; ``through`` are TCP ports that
    lead to the containers unchanged; ``network`` is the VPC; ``second`` is the number of wall seconds in a service
    second. ``zone`` is the task's Availability Zone; without ``zone_aware`` all zones get calls alike.
    """

    outer: str
    inner: str
    second: float
    network: str
    outbound: tuple[tuple[Endpoint, str], ...] = ()
    inbound: tuple[Inbound, ...] = ()
    through: tuple[int, ...] = ()
    access_log: AccessLog | None = None
    secrets: Secrets | None = None
    debug: bool = False
    zone: str = ""
    zone_aware: ZoneAware | None = None
