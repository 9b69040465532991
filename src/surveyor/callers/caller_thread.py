"""A thread that calls a service on a schedule, and records each attempt in a history."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from surveyor.callers.client import Client
from surveyor.callers.schedule import MAX_IN_PROGRESS, Arrivals
from surveyor.history import Outcome, Recorder

__all__ = ["CallerThread"]

RECENT = 100
"""The calls of which `error_rate` is the share that failed."""

DRAIN = 1.0
"""Wall seconds beyond their timeouts for which the last calls are waited for."""


class CallerThread(threading.Thread):
    """Calls `rate` times per wall second, the clients taking turns; each call is independent of the others.

    `client`: their client model, as the history names it; "" for the only client of an experiment.
    """

    def __init__(self, clients: Sequence[Client], recorder: Recorder, rate: float, *, client: str = "") -> None:
        super().__init__(name=f"caller {client}".rstrip(), daemon=True)
        self._clients, self._recorder = clients, recorder
        self._members = {"client": client} if client else {}
        self._turns = itertools.cycle(clients)
        self._arrivals = Arrivals(rate, MAX_IN_PROGRESS) if rate else None
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self.error: BaseException | None = None

    @property
    def made(self) -> int:
        """Return the number of calls that were started."""
        return self._arrivals.started if self._arrivals else 0

    @property
    def dropped(self) -> int:
        """Return the number of calls that could not start, because too many were in progress."""
        return self._arrivals.dropped if self._arrivals else 0

    def run(self) -> None:
        """Call until stopped."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for this one
            self.error = error

    def stop(self) -> None:
        """Start no more calls."""
        if self._arrivals is not None:
            self._arrivals.stop()

    def error_rate(self) -> float:
        """Return the share of the last hundred calls that failed or timed out."""
        recent = tuple(self._recent)
        return 1 - sum(recent) / len(recent) if recent else 0.0

    def _run(self) -> None:
        if self._arrivals is None:
            return
        try:
            self._arrivals.run(self._call)
        finally:
            self._arrivals.drain(self._clients[0].timeouts.total + DRAIN)
            for client in self._clients:
                client.close()

    def _call(self, due: float) -> None:
        client = next(self._turns)
        choice = client.choose()
        began = self._recorder.invoke("client", "call", address=choice.address, by=choice.event, **self._members)
        waited = time.monotonic() - due
        _, result = client.call(choice)
        members: dict[str, Any] = {"status": result.status, "task": result.task, "error": result.error}
        known = {name: value for name, value in members.items() if value}
        self._recorder.end(began, Outcome(result.outcome), seconds=round(waited + result.seconds, 6), **known)
        self._recent.append(result.outcome == "ok")
