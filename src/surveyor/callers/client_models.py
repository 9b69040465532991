"""The client models, as data: how each finds tasks, how long it keeps what it found, if it keeps connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from surveyor.callers.resolvers import FOREVER, CachePolicy

__all__ = ["EVERYWHERE", "INDIRECT", "MODELS", "TOTAL_SHARE", "ClientModel", "Source"]

Source = Literal["name", "registry", "revision", "balancer", "proxy", "gateway"]
"""What a client asks: the DNS server for the service's name or for the load balancer's, or DiscoverInstances, always or
only after the revision has risen; `proxy`, `gateway`: nothing, since a Service Connect proxy or API Gateway chooses."""

JVM_POSITIVE, JVM_NEGATIVE = 30.0, 10.0
"""Service seconds: networkaddress.cache.ttl without a security manager, and networkaddress.cache.negative.ttl."""

API_POLL_PERIOD = 5.0
"""Service seconds between two calls of a client that polls DiscoverInstances."""

TTL_KEPT = CachePolicy()
_BY_API = CachePolicy(API_POLL_PERIOD, API_POLL_PERIOD, serves_stale=True)


@dataclass(frozen=True)
class ClientModel:
    """`description`: for people; `health`: HealthStatus for DiscoverInstances.

    `program`: a program that makes the calls instead of this process; it is so expensive that it calls only `share` as
    often. `everywhere`: it calls in each load scenario, otherwise only in those that name it. `runtime`: the real
    client that it stands for, by its name in `surveyor load --runtimes --list` if it is one of those.
    """

    name: str
    description: str
    source: Source
    policy: CachePolicy = TTL_KEPT
    health: str = "ALL"
    keeps_connections: bool = False
    program: str = ""
    share: float = 1.0
    everywhere: bool = True
    runtime: str = ""

    @property
    def is_indirect(self) -> bool:
        """Return whether it calls a load balancer, a gateway or a proxy, which chooses the task."""
        return self.source in ("balancer", "proxy", "gateway")


_ALL = (
    ClientModel("dns", "DNS, each answer cached for its TTL", "name", runtime="nginx-variable"),
    ClientModel(
        "dns-jvm",
        "DNS with the JVM's cache: 30 s, and 10 s for an empty answer",
        "name",
        CachePolicy(JVM_POSITIVE, JVM_NEGATIVE),
        runtime="java-url-connection",
    ),
    ClientModel(
        "dns-pinned",
        "DNS resolved once; connections are kept, and the name is not resolved again",
        "name",
        CachePolicy(FOREVER, 0.0),
        keeps_connections=True,
        runtime="haproxy-plain",
    ),
    ClientModel(
        "dns-negative",
        "DNS, with empty answers cached for the zone's negative TTL",
        "name",
        CachePolicy(None, None),
        runtime="aiohttp-cares",
    ),
    ClientModel(
        "api-revision",
        "DiscoverInstances after the revision has risen, which is polled every 5 s",
        "revision",
        _BY_API,
        runtime="AWS SDK, DiscoverInstancesRevision and DiscoverInstances",
    ),
    ClientModel(
        "api-healthy",
        "DiscoverInstances with HEALTHY_OR_ELSE_ALL, every 5 s",
        "registry",
        _BY_API,
        health="HEALTHY_OR_ELSE_ALL",
        runtime="AWS SDK, DiscoverInstances",
    ),
    ClientModel(
        "service-connect",
        "the client's Service Connect proxy",
        "proxy",
        CachePolicy(FOREVER),
        runtime="Envoy, as Service Connect runs it",
    ),
    ClientModel(
        "balancer",
        "a load balancer before the service, its name cached for its TTL",
        "balancer",
        runtime="nginx-variable",
    ),
    ClientModel(
        "api-gateway",
        "a private integration of API Gateway; an Envoy that polls DiscoverInstances stands in for it",
        "gateway",
        CachePolicy(FOREVER),
        everywhere=False,
        runtime="API Gateway, private integration",
    ),
    ClientModel(
        "curl",
        "curl, one process per call: it resolves each time, and tries the addresses of an answer one after another",
        "name",
        CachePolicy(0.0, 0.0),
        program="curl",
        share=0.25,
        runtime="curl",
    ),
)

MODELS: Mapping[str, ClientModel] = {model.name: model for model in _ALL}
EVERYWHERE = tuple(model.name for model in _ALL if model.everywhere)
"""The models that call in each load scenario."""

TOTAL_SHARE = sum(model.share for model in _ALL if model.everywhere)
"""Their number, weighted by how often each calls."""

INDIRECT = frozenset(model.name for model in _ALL if model.is_indirect)
"""The models that call a load balancer, a gateway or a proxy, which chooses the task."""
