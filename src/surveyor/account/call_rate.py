"""The rate at which a run calls Route 53, so that the other users of the account are not throttled.

All calls of an account share a bucket of 50 that gains 10 a second, also those that Cloud Map makes for its callers
(Route 53 Developer Guide, "Throttling for Amazon Route 53 API requests"). A run takes less than a third of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from surveyor.account.shared_file import open_shared

__all__ = ["RATE_FILE", "ROUTE53_RATE", "SharedRate", "calls_route53"]

RATE_FILE = "route53-rate.json"
"""The bucket that the workers of a run share, in the folder of its ledgers."""

ROUTE53_RATE = 3.0
"""Calls per second of a whole run."""

_BURST = 10.0

_THROUGH_CLOUD_MAP = frozenset(
    {
        "CreatePrivateDnsNamespace",
        "CreatePublicDnsNamespace",
        "DeleteNamespace",
        "DeregisterInstance",
        "RegisterInstance",
        "UpdateService",
    }
)
"""Calls with which Cloud Map may change a hosted zone, as their caller."""


def calls_route53(service: str, operation: str) -> bool:
    """Return whether a call counts against the account's bucket of Route 53."""
    return service == "route53" or (service == "servicediscovery" and operation in _THROUGH_CLOUD_MAP)


@dataclass
class SharedRate:
    """A bucket of tokens, in a `file` that the workers of a run share, or of this process alone.

    `now` and `wait` are those of the clock of the target.
    """

    now: Callable[[], float]
    wait: Callable[[float], None]
    file: Path | None = None
    rate: float = ROUTE53_RATE
    _own: str = ""

    def take(self) -> None:
        """Wait for the turn of a call: calls take tokens in advance, in the order in which they arrive."""
        if self.file is None:
            self._own, delay = self._reserve(self._own)
        else:
            with open_shared(self.file) as sheet:
                text, delay = self._reserve(sheet.read())
                sheet.seek(0)
                sheet.write(text)
                sheet.truncate()
        if delay > 0:
            self.wait(delay)

    def _reserve(self, text: str) -> tuple[str, float]:
        now = self.now()
        tokens, at = _state(text, now)
        tokens = min(_BURST, tokens + max(0.0, now - at) * self.rate) - 1
        return json.dumps([tokens, now]), max(0.0, -tokens / self.rate)


def _state(text: str, now: float) -> tuple[float, float]:
    """Return the tokens and when they were counted; a full bucket if the text is not that of one."""
    try:
        tokens, at = json.loads(text)
        if math.isfinite(tokens) and math.isfinite(at):
            return float(tokens), float(at)
    except (TypeError, ValueError):
        pass
    return _BURST, now
