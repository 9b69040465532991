"""Locust's workers and their master: where the service is goes one way, what was counted comes back the other.

Workers tell what they counted with Locust's own reports, each few seconds, and the rest when they are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import gevent
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from surveyor.load.endpoints import Place
from surveyor.load.tally import Tally

__all__ = ["Workers", "serve"]

TELL_WITHIN = 10.0
"""Wall seconds for workers to tell what they counted last."""

_PLACE, _TELL, _TALLY = "surveyor-place", "surveyor-tell", "surveyor-tally"
_KEY = "surveyor"


def serve(runner: WorkerRunner, tally: Tally, begin: Callable[[Place], object]) -> None:
    """Be a worker: begin when the place is known, and send what `tally` has counted."""

    def report(client_id: str, data: dict[str, Any]) -> None:
        data[_KEY] = tally.taken().to_json()

    runner.register_message(_PLACE, lambda environment, msg: begin(Place.loads(msg.data["place"])))
    runner.register_message(_TELL, lambda environment, msg: runner.send_message(_TALLY, tally.taken().to_json()))
    cast(Any, runner.environment.events).report_to_master.add_listener(report)  # which has no types


class Workers:
    """As the master knows them. What they count is added to `tally`, and what goes wrong with them is told there."""

    def __init__(self, runner: MasterRunner, tally: Tally) -> None:
        self._runner, self._tally, self._place = runner, tally, ""
        self._seen: set[str] = set()
        self._silent: set[str] = set()
        runner.register_message(_TALLY, lambda environment, msg: self._told(msg.node_id, msg.data))
        hooks = cast(Any, runner.environment.events)
        hooks.worker_report.add_listener(self._reported)
        hooks.worker_connect.add_listener(self._welcome)

    def tell(self, place: str) -> None:
        """Tell all of them, and whoever comes later, where the service is."""
        self._place = place
        self._runner.send_message(_PLACE, {"place": place})

    def count(self) -> None:
        """The scenario is over, and they are still there: who is not had gone while it called."""
        there = {one.id for one in self._runner.clients.all if one.state != STATE_MISSING}
        self._silent, lost = self._seen & there, self._seen - there
        if lost:
            self._tally.troubles.append(
                f"{len(lost)} of {len(self._seen)} workers went away while they called: what they had not told yet is "
                "not counted, and their clients did not call until others took over"
            )

    def collect(self) -> None:
        """Have those that were there tell what they counted since their last report."""
        for worker in tuple(self._silent):
            self._runner.send_message(_TELL, client_id=worker)
        with gevent.Timeout(TELL_WITHIN, False):
            while self._silent:
                gevent.sleep(0.05)
        if self._silent:
            self._tally.troubles.append(f"{len(self._silent)} workers did not tell what they counted last")

    def _welcome(self, client_id: str, **_: object) -> None:
        self._seen.add(client_id)
        if self._place:
            self._runner.send_message(_PLACE, {"place": self._place}, client_id=client_id)

    def _reported(self, client_id: str, data: dict[str, Any]) -> None:
        if _KEY in data:
            self._tally.add(Tally.from_json(data[_KEY]))

    def _told(self, worker: str, told: dict[str, Any]) -> None:
        self._tally.add(Tally.from_json(told))
        self._silent.discard(worker)
