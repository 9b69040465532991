"""The packets that a VPC's resolver answers from one interface: those beyond the rate are dropped without an answer."""

from __future__ import annotations

from collections.abc import Callable

from surveyor_emulator.core.token_bucket import TokenBucket

__all__ = ["PacketLimit"]

_MAX_CLIENTS = 4_096


class PacketLimit:
    """A bucket for each client, by its address; a second's packets may come at once. ``now`` is wall time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.rate = 0.0
        self._now = now
        self._buckets: dict[bytes, TokenBucket] = {}

    def admits(self, host: bytes) -> bool:
        """Return whether a packet of a client is answered, and count it."""
        bucket = self._buckets.get(host)
        if bucket is None or bucket.rate != self.rate:
            if len(self._buckets) >= _MAX_CLIENTS:
                self._buckets.clear()
            bucket = self._buckets[host] = TokenBucket(self.rate, self.rate, self.rate, self._now())
        return bucket.take(self._now())
