"""The models of clients: what each believes, for how long, and whether it keeps its connections."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from surveyor.load.endpoints import Place
from surveyor.load.resolvers import ApiFinder, CachePolicy, Finder, Fixed, NameFinder

__all__ = ["BETWEEN", "CLIENTS_IN_ALL", "MODELS", "Model"]

JVM_FOUND, JVM_NOBODY = 30.0, 10.0
"""Service seconds: networkaddress.cache.ttl without a security manager, and networkaddress.cache.negative.ttl."""

API_KEEPS = 5.0
"""Service seconds between two questions of who polls DiscoverInstances."""

NEVER = 1e9


@dataclass(frozen=True)
class Model:
    """`does`: what it is, for people; `finder`: how it finds addresses; `keeps`: whether it keeps connections.

    `needs`: what the service has to have, `balancer` or `proxy`, "" for nothing. `program`: what calls instead of this
    process, which costs so much that it does so `share` as often.
    """

    name: str
    does: str
    finder: Callable[[Place], Finder]
    keeps: bool = False
    needs: str = ""
    program: str = ""
    share: float = 1.0

    def is_there(self, place: Place) -> bool:
        """Whether the service can be called by such a client."""
        if self.program and shutil.which(self.program) is None:
            return False
        return not self.needs or bool({"balancer": place.balancer, "proxy": place.proxy}[self.needs][0])


_ALL = (
    Model("dns", "DNS, each answer kept for its TTL", lambda place: NameFinder(place, CachePolicy())),
    Model(
        "dns-jvm",
        "DNS with the JVM's cache: 30 s, and 10 s for nobody",
        lambda place: NameFinder(place, CachePolicy(JVM_FOUND, JVM_NOBODY)),
    ),
    Model(
        "dns-pinned",
        "DNS asked once; connections are kept, and nobody is asked again",
        lambda place: NameFinder(place, CachePolicy(NEVER, 0.0)),
        keeps=True,
    ),
    Model(
        "dns-negative",
        "DNS, and that there is nobody is kept for as long as the zone says",
        lambda place: NameFinder(place, CachePolicy(None, None)),
    ),
    Model(
        "api-revision",
        "DiscoverInstances, when the revision has risen, looked at every 5 s",
        lambda place: ApiFinder(place, "ALL", API_KEEPS, by_revision=True),
    ),
    Model(
        "api-healthy",
        "DiscoverInstances with HEALTHY_OR_ELSE_ALL, every 5 s",
        lambda place: ApiFinder(place, "HEALTHY_OR_ELSE_ALL", API_KEEPS),
    ),
    Model("service-connect", "the client's Service Connect proxy", lambda place: Fixed(place.proxy), needs="proxy"),
    Model(
        "balancer",
        "a load balancer before the service, its name kept for its TTL",
        lambda place: NameFinder(place, CachePolicy(), place.balancer),
        needs="balancer",
    ),
    Model(
        "curl",
        "curl, a process for each call: it asks each time, and tries one address of an answer after another",
        lambda place: NameFinder(place, CachePolicy(0.0, 0.0)),
        program="curl",
        share=0.25,
    ),
)

MODELS: Mapping[str, Model] = {one.name: one for one in _ALL}
CLIENTS_IN_ALL = sum(one.share for one in _ALL)
"""By how often they call."""

BETWEEN = frozenset(one.name for one in _ALL if one.needs)
"""Those that call somebody who chooses the task."""
