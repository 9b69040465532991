"""A thread that calls a service on a schedule, and records each attempt in a history."""

from __future__ import annotations

import itertools
import threading
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

    `actor`: what the history calls these clients. `values`: further members of each call in the history.
    """

    def __init__(
        self, clients: Sequence[Client], recorder: Recorder, rate: float, *, actor: str = "client", **values: str
    ) -> None:
        super().__init__(name=f"caller {actor}", daemon=True)
        self.timeout = clients[0].timeouts
        self.local = clients[0].local
        self._clients, self._recorder, self._actor, self._values = clients, recorder, actor, values
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
            self._arrivals.run(lambda due: self._call(next(self._turns)))
        finally:
            limit = min(self.timeout.connect + self.timeout.read, self.timeout.total)
            self._arrivals.drain(limit + DRAIN)
            for client in self._clients:
                client.close()

    def _call(self, client: Client) -> None:
        choice = client.choose()
        began = self._recorder.invoke(self._actor, "call", address=choice.address, by=choice.event, **self._values)
        _, result = client.call(choice)
        members: dict[str, Any] = {
            name: value for name in ("status", "error", "task") if (value := getattr(result, name))
        }
        self._recorder.end(began, Outcome(result.outcome), **members)
        self._recent.append(result.outcome == "ok")
