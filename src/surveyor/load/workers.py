"""Locust's workers and their master: endpoints are sent to the workers, and tallies back to the master.

Workers send their tallies with Locust's regular reports, every few seconds, and the rest on request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import gevent
import msgspec
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from surveyor.callers import ServiceEndpoints
from surveyor.load.tally import Tally, TallyRows
from surveyor.typed_json import parse_json

__all__ = ["Workers", "serve"]

REPORT_TIMEOUT = 10.0
"""Wall seconds for workers to send their last tallies."""

_ENDPOINTS, _REQUEST, _TALLY = "surveyor-endpoints", "surveyor-request", "surveyor-tally"
_KEY = "surveyor"


def serve(runner: WorkerRunner, tally: Tally, begin: Callable[[ServiceEndpoints], object]) -> None:
    """Act as a worker: call `begin` with the endpoints when they arrive, and send the content of `tally`."""

    def taken() -> dict[str, Any]:
        value: dict[str, Any] = msgspec.to_builtins(tally.take().to_rows())
        return value

    def report(client_id: str, data: dict[str, Any]) -> None:
        data[_KEY] = taken()

    def announced(environment: object, msg: Any) -> None:
        begin(parse_json(msg.data["endpoints"], ServiceEndpoints))

    runner.register_message(_ENDPOINTS, announced)
    runner.register_message(_REQUEST, lambda environment, msg: runner.send_message(_TALLY, taken()))
    cast(Any, runner.environment.events).report_to_master.add_listener(report)  # Locust's events have no types


class Workers:
    """The master's view of its workers. Their counts are added to `tally`, as well as problems with them."""

    def __init__(self, runner: MasterRunner, tally: Tally) -> None:
        self._runner, self._tally, self._endpoints = runner, tally, ""
        self._connected: set[str] = set()
        self._pending: set[str] = set()
        runner.register_message(_TALLY, lambda environment, msg: self._on_tally(msg.node_id, msg.data))
        hooks = cast(Any, runner.environment.events)
        hooks.worker_report.add_listener(self._on_report)
        hooks.worker_connect.add_listener(self._on_connect)

    def announce(self, endpoints: str) -> None:
        """Send the endpoints to all workers, and to those that connect later."""
        self._endpoints = endpoints
        self._runner.send_message(_ENDPOINTS, {"endpoints": endpoints})

    def check_present(self) -> None:
        """Note which workers are still connected at the end of the scenario; the others were lost while they called."""
        present = {worker.id for worker in self._runner.clients.all if worker.state != STATE_MISSING}
        self._pending, lost = self._connected & present, self._connected - present
        if lost:
            self._tally.problems.append(
                f"{len(lost)} of {len(self._connected)} workers were lost while they called: what they had not sent "
                "yet is not counted, and their clients did not call until others took over"
            )

    def collect(self) -> None:
        """Request from the remaining workers what they counted since their last report."""
        for worker in tuple(self._pending):
            self._runner.send_message(_REQUEST, client_id=worker)
        with gevent.Timeout(REPORT_TIMEOUT, False):
            while self._pending:
                gevent.sleep(0.05)
        if self._pending:
            self._tally.problems.append(f"{len(self._pending)} workers did not send their last counts")

    def _on_connect(self, client_id: str, **_: object) -> None:
        self._connected.add(client_id)
        if self._endpoints:
            self._runner.send_message(_ENDPOINTS, {"endpoints": self._endpoints}, client_id=client_id)

    def _on_report(self, client_id: str, data: dict[str, Any]) -> None:
        if _KEY in data:
            self._tally.add(Tally.from_rows(msgspec.convert(data[_KEY], TallyRows)))

    def _on_tally(self, worker: str, value: dict[str, Any]) -> None:
        self._tally.add(Tally.from_rows(msgspec.convert(value, TallyRows)))
        self._pending.discard(worker)
