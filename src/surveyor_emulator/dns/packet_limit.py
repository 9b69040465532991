"""The packets that a VPC's resolver answers from one interface: those beyond the rate are dropped without an answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["PacketLimit"]

_MAX_CLIENTS = 4_096
_WINDOW = 1.0  # wall seconds


class PacketLimit:
    """Admits at most ``rate`` packets of a client, by its address, in any second. ``now`` is wall time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.rate = 0.0
        self._now = now
        self._admitted: dict[bytes, deque[float]] = {}

    def admits(self, host: bytes) -> bool:
        """Return whether a packet of a client is answered, and count it if it is."""
        maximum = max(1, int(self.rate))
        times = self._admitted.get(host)
        if times is None or times.maxlen != maximum:
            if len(self._admitted) >= _MAX_CLIENTS:
                self._admitted.clear()
            times = self._admitted[host] = deque(maxlen=maximum)
        now = self._now()
        if len(times) == maximum and now - times[0] < _WINDOW:
            return False
        times.append(now)
        return True
