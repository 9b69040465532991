"""One client of one model in a load scenario: its attempts are counted, and a retry is a separate attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from surveyor.callers import AttemptResult, Client, ServiceEndpoints
from surveyor.load.tally import Tally

__all__ = ["RETRIES", "Caller", "OnResult"]

RETRIES = 2
"""The retries behind the rate after retries: that many immediate attempts, each at an address drawn anew."""

LATE = 0.25
"""Wall seconds: an arrival that starts later after its due time counts as late."""

OnResult = Callable[[str, float, AttemptResult], None]
"""Called with the model, wall seconds since the due time, and the result of each arrival."""


@dataclass
class Caller:
    """`model`: the name of the client's model."""

    model: str
    client: Client
    endpoints: ServiceEndpoints
    tally: Tally
    on_result: OnResult = lambda model, seconds, result: None

    def call(self, due: float) -> None:
        """Make the call that was due at that time (time.monotonic), and count its result."""
        delay = time.monotonic() - due
        second = int(self.endpoints.service_seconds(time.time() - delay))
        self.tally.late += delay > LATE
        choice = self.client.choose()
        waited = time.monotonic() - due
        address, result = self.client.call(choice)
        latency = waited + result.seconds  # what a client task measures does not include the way to it
        retried = result.outcome != "ok" and self._retry()
        self.tally.count_attempt(self.model, second, address, result.outcome, result.error, retried=retried)
        if result.outcome == "ok":
            self.tally.record_latency(self.model, second, latency)
        self.on_result(self.model, latency, result)

    def drop(self, due: float) -> None:
        """Count an arrival that could not start."""
        second = int(self.endpoints.service_seconds(time.time() - (time.monotonic() - due)))
        self.tally.count_attempt(self.model, second, "", "dropped", "too many in progress")

    def _retry(self) -> bool:
        for _ in range(RETRIES):
            self.tally.retries += 1
            if self.client.call(self.client.choose())[1].outcome == "ok":
                return True
        return False
