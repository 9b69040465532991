"""A client behind a cache: names are asked again only when the TTL of the last answer has run out, in service time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Protocol, cast

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import pytest

from surveyor.clock import Clock
from surveyor.evidence import CACHE
from surveyor.plugin.names import Ask
from surveyor.targets.running import RunningTarget

__all__ = ["CachedAsk"]


class CachedAsk(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, name: str, rdtype: str = "A", namespace: Mapping[str, Any] | None = None) -> dns.message.Message:
        """`cached_ask(name, rdtype, namespace)`: as `ask`, unless the cache has an answer, positive or negative."""


class _Cache(dns.resolver.Cache):
    """dnspython's cache, which goes by this machine's time, on the target's."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(cleaning_interval=math.inf)
        self._clock = clock

    def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
        value.expiration = self._clock.now() + value.chaining_result.minimum_ttl
        super().put(key, value)

    def get(self, key: dns.resolver.CacheKey) -> dns.resolver.Answer | None:
        value = self.data.get(key)
        return value if value is not None and value.expiration > self._clock.now() else None


@pytest.fixture
def cached_ask(running: RunningTarget, ask: Ask, clock: Clock) -> CachedAsk:
    """Asks DNS through a cache of the test's own, which is empty at first."""
    cache = _Cache(clock)

    def question(name: str, rdtype: str = "A", namespace: Mapping[str, Any] | None = None) -> dns.message.Message:
        key = (dns.name.from_text(name), dns.rdatatype.from_text(rdtype), dns.rdataclass.IN)
        answer = cache.get(key)
        if answer is None:
            came = cast(dns.message.QueryMessage, ask(name, rdtype, namespace))
            answer = dns.resolver.Answer(*key, came)
            cache.put(key, answer)
        running.evidence.question(name, rdtype, CACHE, time.perf_counter(), answer.response)
        return answer.response

    return question
