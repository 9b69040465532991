"""Write a history while it happens: one line per event, flushed at once, from any thread.

A file without its footer belongs to a run that was cut short.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from surveyor.history.lines import Footer, HeaderLine
from surveyor.history.values import DeploymentState, Header, Outcome, TaskState, ViewMember
from surveyor.typed_json import dump_json

__all__ = ["OperationNumber", "Recorder"]

Value = str | float | bool | Mapping[str, object] | tuple[str, ...]

OperationNumber = int
"""The number of an operation's first event."""


class Recorder:
    """The only writer of a history. `now` returns service seconds; the first event is at 0, `start` on that clock."""

    def __init__(self, path: Path, header: Header, now: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._now, self.start = now, now()
        self._last = 0.0
        self._events = 0
        self._lock = threading.Lock()
        self._closed = False
        self._write(HeaderLine.of(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("" if error is None else f"{type(error).__name__}: {error}".splitlines()[0][:300])

    @property
    def seconds(self) -> float:
        """Return the service seconds since the beginning."""
        return self._now() - self.start

    def invoke(self, actor: str, what: str, **values: Value) -> OperationNumber:
        """Record that an operation begins, and return its number."""
        return self._event({"type": "invoke", "who": actor, "what": what, **values})

    def end(self, number: OperationNumber, outcome: Outcome, **values: Value) -> int:
        """Record that an operation has ended, and return the number of this event."""
        return self._event({"type": str(outcome), "of": number, **values})

    def record_view(
        self, number: OperationNumber, members: Mapping[str, ViewMember], *, revision: int = 0, ttl: float = 0.0
    ) -> None:
        """Record that a view was read with these members."""
        values: dict[str, Value] = {"members": {name: _without_empty(vars(member)) for name, member in members.items()}}
        if revision:
            values["revision"] = revision
        if ttl:
            values["ttl"] = ttl
        self.end(number, Outcome.OK, **values)

    def record_tasks(self, number: OperationNumber, tasks: Mapping[str, TaskState]) -> None:
        """Record that the tasks of the service were read."""
        self.end(number, Outcome.OK, tasks={name: _without_empty(vars(state)) for name, state in tasks.items()})

    def record_deployments(
        self, number: OperationNumber, deployments: Mapping[str, DeploymentState], watched: str
    ) -> None:
        """Record that the deployments of the service were read, and which of them is watched."""
        states = {arn: _without_empty(vars(state)) for arn, state in deployments.items()}
        self.end(number, Outcome.OK, deployments=states, **({"watched": watched} if watched else {}))

    def close(self, stopped: str = "") -> None:
        """Write the footer; `stopped` says why the experiment did not run to its end."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._write(Footer(self._events, self._stamp(), stopped))
            self._file.close()

    def _event(self, event: Mapping[str, object]) -> int:
        with self._lock:
            if self._closed:  # an observer's last answer arrived after the end of the experiment: drop it
                return 0
            self._events += 1
            self._write({"n": self._events, "at": self._stamp(), **event})
            return self._events

    def _stamp(self) -> float:
        # The clock is read and the line written under one lock, so that lines are in the order of their times.
        self._last = max(self._last, round(self.seconds, 4))
        return self._last

    def _write(self, value: object) -> None:
        self._file.write(dump_json(value) + "\n")
        self._file.flush()


def _without_empty(value: Mapping[str, object]) -> dict[str, object]:
    return {name: item for name, item in value.items() if item not in ("", None, ())}
