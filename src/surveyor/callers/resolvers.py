"""Resolvers: the addresses that a client knows, for how long it keeps them, and what it does while nothing answers."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from surveyor.callers.answers import NO_ANSWER, Address, Ask, Discover, ViewContents, discover_instances

__all__ = ["FOREVER", "RETRY_AFTER", "CachePolicy", "Known", "Resolver", "ask_by_revision"]

RETRY_AFTER = 1.0
"""Service seconds after a question without an answer until it is asked again."""

FOREVER = 1e9


@dataclass(frozen=True)
class CachePolicy:
    """Service seconds for which answers are kept; None for the answer's own TTL, or that of an empty answer.

    `serves_stale`: expired addresses are used while nothing answers. `margin`: wall seconds before their expiry from
    which addresses are not used, since a call starts after it was decided on.
    """

    positive: float | None = None
    negative: float | None = 0.0
    serves_stale: bool = False
    margin: float = 0.0


@dataclass(frozen=True)
class Known:
    """Addresses that may be called; `event`: the number of the answer that named them, 0 if it is not recorded."""

    addresses: tuple[Address, ...] = ()
    event: int = 0


class Resolver:
    """Asks before a call if what is known has expired.

    A question blocks all callers, as a single resolver or cache of a process does. `port`: of addresses without one of
    their own; `scale`: service seconds per wall second; `first_share`: share of its lifetime for which the first answer
    is kept, since the clients of a service have not all started at the same time.
    """

    def __init__(
        self, ask: Ask, policy: CachePolicy, *, port: int = 0, scale: float = 1.0, first_share: float = 1.0
    ) -> None:
        self._ask, self._policy, self._port, self._scale = ask, policy, port, scale
        self._share = first_share
        self._known = Known()
        self._expires = float("-inf")
        self._lock = threading.Lock()
        self.unanswered = 0
        """How often a question was refused or not answered."""

    def resolve(self) -> Known:
        """Return what is known, asked for again if it has expired; without addresses if none is known."""
        if time.monotonic() < self._expires:
            return self._known
        with self._lock:
            if time.monotonic() >= self._expires:
                self._refresh()
            return self._known

    def _refresh(self) -> None:
        asked = time.monotonic()  # the lifetime of an answer counts from the question
        try:
            answer = self._ask()
        except NO_ANSWER:
            self.unanswered += 1
            self._expires = time.monotonic() + RETRY_AFTER / self._scale
            if not self._policy.serves_stale:
                self._known = Known()
            return
        self._known = Known(answer.addresses(self._port), answer.event)
        share, self._share = self._share, 1.0
        self._expires = asked + self._lifetime(answer) / self._scale * share - self._policy.margin

    def _lifetime(self, answer: ViewContents) -> float:
        if self._known.addresses:
            return answer.ttl if self._policy.positive is None else self._policy.positive
        return answer.negative_ttl if self._policy.negative is None else self._policy.negative


def ask_by_revision(cloudmap: Discover, namespace: str, service: str, health: str = "ALL", owner: str = "") -> Ask:
    """Return what calls DiscoverInstances only after the revision has risen, and otherwise gives the last answer."""
    last: list[ViewContents] = []
    shared = {"OwnerAccount": owner} if owner else {}

    def ask() -> ViewContents:
        response = cloudmap.discover_instances_revision(NamespaceName=namespace, ServiceName=service, **shared)
        revision = int(response["InstancesRevision"])
        if not last or last[0].revision != revision:
            last[:] = [replace(discover_instances(cloudmap, namespace, service, health, owner), revision=revision)]
        return last[0]

    return ask
