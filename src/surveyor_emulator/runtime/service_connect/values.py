"""What a proxy is told: endpoints that it leads to, ports that it takes in, and how it writes its access log.

Times are service seconds, 0 for none; names and defaults are those of ecs ServiceConnectConfiguration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "HTTP_IDLE",
    "REQUEST_TIMEOUT",
    "TCP_IDLE",
    "AccessLog",
    "Endpoint",
    "Inbound",
    "Plan",
    "Protocol",
    "Secrets",
]

Protocol = Literal["tcp", "http", "http2", "grpc"]

# ecs TimeoutConfiguration.idleTimeoutSeconds; ECS Developer Guide, Service Connect components.
HTTP_IDLE, TCP_IDLE, REQUEST_TIMEOUT = 300.0, 3_600.0, 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Service Connect service as its clients reach it. ``key`` is Cloud Map's id of it."""

    key: str
    discovery_name: str
    namespace: str
    alias: str
    port: int
    protocol: Protocol
    idle: float
    request: float
    # The ARN of the authority whose certificates it shows; None for no TLS.
    authority: str | None = None
    # Name and exact value (any, if None) of the header that leads to a blue/green deployment's new tasks.
    test_header: tuple[str, str | None] | None = None

    @property
    def host_name(self) -> str:
        """The name that its certificate is for."""
        return f"{self.discovery_name}.{self.namespace}"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A port at which a proxy takes calls for its task, and the port of the task that it leads to."""

    discovery_name: str
    host_name: str
    port: int
    to: int
    protocol: Protocol
    idle: float
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class AccessLog:
    """ecs ServiceConnectAccessLogConfiguration."""

    json: bool
    query_parameters: bool


@dataclass(frozen=True, slots=True)
class Secrets:
    """Files with what TLS needs: authorities to trust, and the task's own certificate and key, if it shows one."""

    trusted: str
    certificate: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One task's proxy. ``outer`` is the task's address, ``inner`` the one that its containers listen at.

    ``outbound`` has the address at which each endpoint is reached by this task's containers; ``through`` are ports that
    lead inside without being looked at; ``network`` is the VPC;
    ``second`` is how many wall seconds a service second takes; ``flaw`` makes it
    wrong, which only a mutant wants.
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
    flaw: str | None = None
