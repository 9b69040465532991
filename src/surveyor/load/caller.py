"""One stream of callers of one model: each arrival is an attempt at one address, and a retry is another attempt."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from surveyor.load.client_models import Model
from surveyor.load.connection import Answer, Connection, Limits, attempt, request_of
from surveyor.load.curl import call_by_curl
from surveyor.load.endpoints import Place
from surveyor.load.resolvers import Address, Finder
from surveyor.load.tally import Tally

__all__ = ["RETRIES", "Caller", "Heard"]

RETRIES = 2
"""The stated policy of the masked rate: so many more attempts, at once, each at an address drawn anew."""

LATE = 0.25
"""Wall seconds: an arrival that is begun later after it was due counts as late."""

Heard = Callable[[str, float, Answer], None]
"""Model, wall seconds from when it was due, and what came: for whoever shows it."""


@dataclass
class Caller:
    """`limits`: wall seconds of an attempt; `only`: may this address be called."""

    model: Model
    place: Place
    finder: Finder
    tally: Tally
    limits: Limits
    chance: random.Random
    only: Callable[[str], bool]
    heard: Heard = lambda model, seconds, answer: None
    _kept: dict[Address, list[Connection]] = field(default_factory=dict)

    def call(self, due: float) -> None:
        """An arrival that was due at that moment (time.monotonic)."""
        late = time.monotonic() - due
        second = int(self.place.service_seconds(time.time() - late))
        self.tally.late += late > LATE
        address, answer = self._attempt()
        took = time.monotonic() - due
        masked = answer.outcome != "ok" and self._retried()
        self.tally.attempt(self.model.name, second, address, answer.outcome, answer.error, masked=masked)
        if answer.outcome == "ok":
            self.tally.took(self.model.name, second, took)
        self.heard(self.model.name, took, answer)

    def dropped(self, due: float) -> None:
        """An arrival that could not be begun."""
        second = int(self.place.service_seconds(time.time() - (time.monotonic() - due)))
        self.tally.attempt(self.model.name, second, "", "dropped", "too many under way")

    def _retried(self) -> bool:
        for _ in range(RETRIES):
            self.tally.retries += 1
            if self._attempt()[1].outcome == "ok":
                return True
        return False

    def _attempt(self) -> tuple[str, Answer]:
        addresses = self.finder.addresses()
        if not addresses:
            return "", Answer("fail", error="nobody is known")
        if self.model.program:
            return self._by_program(addresses)
        host, port = self.chance.choice(addresses)
        if not self.only(host):
            return host, Answer("fail", error="not to be called from here")
        kept = self._kept.setdefault((host, port), [])
        request = request_of("GET", f"{self.place.alias or host}:{port}", self.place.path, keep=self.model.keeps)
        wire = kept.pop() if self.model.keeps and kept else None
        answer, wire = attempt(host, port, request, self.limits, wire)
        if wire is not None and self.model.keeps:
            kept.append(wire)
        return host, answer

    def _by_program(self, addresses: Sequence[Address]) -> tuple[str, Answer]:
        """It gets all addresses, as it would from the resolver of its system."""
        hosts = [host for host, _ in addresses]
        for host in hosts:
            if not self.only(host):
                return host, Answer("fail", error="not to be called from here")
        return call_by_curl(self.place.alias or hosts[0], addresses[0][1], self.place.path, hosts, self.limits)

    def close(self) -> None:
        """End the connections that were kept."""
        for wires in self._kept.values():
            for wire in wires:
                wire.close()
        self._kept.clear()
