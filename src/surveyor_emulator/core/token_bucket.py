"""The token bucket behind documented rates of calls."""

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

    def has_token(self, now: float) -> bool:
        """Return whether a call at ``now`` (service seconds) may take a token."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        return self.tokens >= 1.0

    def take(self, now: float) -> bool:
        """Take a token for a call at ``now`` (service seconds); return False if there is none."""
        if not self.has_token(now):
            return False
        self.tokens -= 1.0
        return True
