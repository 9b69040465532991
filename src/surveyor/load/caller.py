"""One client of one model: each arrival is an attempt at one address, and a retry is a separate attempt."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from surveyor.load.client_models import ClientModel
from surveyor.load.connection import AttemptResult, Connection, Timeouts, attempt, build_request
from surveyor.load.curl import call_by_curl
from surveyor.load.endpoints import ServiceEndpoints
from surveyor.load.resolvers import Address, Resolver
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
    """`timeouts`: of an attempt; `may_call`: whether an address may be called from here."""

    model: ClientModel
    endpoints: ServiceEndpoints
    resolver: Resolver
    tally: Tally
    timeouts: Timeouts
    chance: random.Random
    may_call: Callable[[str], bool]
    on_result: OnResult = lambda model, seconds, result: None
    _idle: dict[Address, list[Connection]] = field(default_factory=dict)

    def call(self, due: float) -> None:
        """Make the call that was due at that time (time.monotonic), and count its result."""
        delay = time.monotonic() - due
        second = int(self.endpoints.service_seconds(time.time() - delay))
        self.tally.late += delay > LATE
        address, result = self._attempt()
        latency = time.monotonic() - due
        retried = result.outcome != "ok" and self._retry()
        self.tally.count_attempt(self.model.name, second, address, result.outcome, result.error, retried=retried)
        if result.outcome == "ok":
            self.tally.record_latency(self.model.name, second, latency)
        self.on_result(self.model.name, latency, result)

    def drop(self, due: float) -> None:
        """Count an arrival that could not start."""
        second = int(self.endpoints.service_seconds(time.time() - (time.monotonic() - due)))
        self.tally.count_attempt(self.model.name, second, "", "dropped", "too many in progress")

    def _retry(self) -> bool:
        for _ in range(RETRIES):
            self.tally.retries += 1
            if self._attempt()[1].outcome == "ok":
                return True
        return False

    def _attempt(self) -> tuple[str, AttemptResult]:
        addresses = self.resolver.addresses()
        if not addresses:
            return "", AttemptResult("fail", error="no address known")
        if self.model.program:
            return self._by_program(addresses)
        host, port = self.chance.choice(addresses)
        if not self.may_call(host):
            return host, AttemptResult("fail", error="not callable from here")
        idle = self._idle.setdefault((host, port), [])
        keep = self.model.keeps_connections
        request = build_request("GET", f"{self.endpoints.alias or host}:{port}", self.endpoints.path, keep=keep)
        connection = idle.pop() if keep and idle else None
        result, connection = attempt(host, port, request, self.timeouts, connection)
        if connection is not None and keep:
            idle.append(connection)
        return host, result

    def _by_program(self, addresses: Sequence[Address]) -> tuple[str, AttemptResult]:
        """Pass all addresses to the program, as the resolver of its system would."""
        hosts = [host for host, _ in addresses]
        for host in hosts:
            if not self.may_call(host):
                return host, AttemptResult("fail", error="not callable from here")
        name = self.endpoints.alias or hosts[0]
        return call_by_curl(name, addresses[0][1], self.endpoints.path, hosts, self.timeouts)

    def close(self) -> None:
        """Close the idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
