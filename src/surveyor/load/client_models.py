"""The client models: how each resolves addresses, for how long it caches them, whether it keeps connections."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from surveyor.load.endpoints import ServiceEndpoints
from surveyor.load.resolvers import ApiResolver, CachePolicy, DnsResolver, FixedResolver, Resolver

__all__ = ["INDIRECT", "MODELS", "TOTAL_SHARE", "ClientModel"]

JVM_POSITIVE, JVM_NEGATIVE = 30.0, 10.0
"""Service seconds: networkaddress.cache.ttl without a security manager, and networkaddress.cache.negative.ttl."""

API_POLL_PERIOD = 5.0
"""Service seconds between two calls of a client that polls DiscoverInstances."""

FOREVER = 1e9


@dataclass(frozen=True)
class ClientModel:
    """`description`: for people; `make_resolver`: creates what resolves addresses.

    `needs`: what the service must have, `balancer` or `proxy`, "" for nothing. `program`: a program that makes the
    calls instead of this process; it is so expensive that it calls only `share` as often.
    """

    name: str
    description: str
    make_resolver: Callable[[ServiceEndpoints], Resolver]
    keeps_connections: bool = False
    needs: str = ""
    program: str = ""
    share: float = 1.0

    def can_call(self, endpoints: ServiceEndpoints) -> bool:
        """Return whether the service can be called by such a client."""
        if self.program and shutil.which(self.program) is None:
            return False
        entry_points = {"balancer": endpoints.load_balancer, "proxy": endpoints.proxy}
        return not self.needs or bool(entry_points[self.needs][0])


_ALL = (
    ClientModel("dns", "DNS, each answer cached for its TTL", lambda endpoints: DnsResolver(endpoints, CachePolicy())),
    ClientModel(
        "dns-jvm",
        "DNS with the JVM's cache: 30 s, and 10 s for an empty answer",
        lambda endpoints: DnsResolver(endpoints, CachePolicy(JVM_POSITIVE, JVM_NEGATIVE)),
    ),
    ClientModel(
        "dns-pinned",
        "DNS resolved once; connections are kept, and the name is not resolved again",
        lambda endpoints: DnsResolver(endpoints, CachePolicy(FOREVER, 0.0)),
        keeps_connections=True,
    ),
    ClientModel(
        "dns-negative",
        "DNS, with empty answers cached for the zone's negative TTL",
        lambda endpoints: DnsResolver(endpoints, CachePolicy(None, None)),
    ),
    ClientModel(
        "api-revision",
        "DiscoverInstances after the revision has risen, which is polled every 5 s",
        lambda endpoints: ApiResolver(endpoints, "ALL", API_POLL_PERIOD, by_revision=True),
    ),
    ClientModel(
        "api-healthy",
        "DiscoverInstances with HEALTHY_OR_ELSE_ALL, every 5 s",
        lambda endpoints: ApiResolver(endpoints, "HEALTHY_OR_ELSE_ALL", API_POLL_PERIOD),
    ),
    ClientModel(
        "service-connect",
        "the client's Service Connect proxy",
        lambda endpoints: FixedResolver(endpoints.proxy),
        needs="proxy",
    ),
    ClientModel(
        "balancer",
        "a load balancer before the service, its name cached for its TTL",
        lambda endpoints: DnsResolver(endpoints, CachePolicy(), endpoints.load_balancer),
        needs="balancer",
    ),
    ClientModel(
        "curl",
        "curl, one process per call: it resolves each time, and tries the addresses of an answer one after another",
        lambda endpoints: DnsResolver(endpoints, CachePolicy(0.0, 0.0)),
        program="curl",
        share=0.25,
    ),
)

MODELS: Mapping[str, ClientModel] = {model.name: model for model in _ALL}
TOTAL_SHARE = sum(model.share for model in _ALL)
"""The number of models, weighted by how often each calls."""

INDIRECT = frozenset(model.name for model in _ALL if model.needs)
"""The models that call a load balancer or a proxy, which chooses the task."""
