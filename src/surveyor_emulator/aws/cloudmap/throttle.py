"""The token bucket behind the documented request quotas of the discovery calls."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TokenBucket"]


@dataclass(slots=True)
class TokenBucket:
    """A bucket that holds up to ``burst`` tokens and gains ``rate`` per service second; each call takes one."""

    rate: float
    burst: float
    tokens: float
    filled: float

    def take(self, now: float) -> bool:
        """Take a token for a call at ``now`` (service seconds); return False if there is none."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True
