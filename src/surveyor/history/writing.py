"""Writes a history while it happens: a line an event, flushed at once, from any thread.

A file without its footer is one whose run was cut short.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from surveyor.history.values import KIND, VERSION, Header, Member, Outcome, TaskSeen

__all__ = ["Began", "Recorder"]

Value = str | float | bool | Mapping[str, object] | tuple[str, ...]

Began = int
"""The number of an operation's first event."""


class Recorder:
    """The one writer of a history. `now`: service seconds; the first event is at 0."""

    def __init__(self, path: Path, header: Header, now: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._now, self._start = now, now()
        self._last = 0.0
        self._events = 0
        self._lock = threading.Lock()
        self._closed = False
        self._write({"type": "header", "kind": KIND, "version": VERSION, **_of_header(header)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("" if error is None else f"{type(error).__name__}: {error}".splitlines()[0][:300])

    @property
    def seconds(self) -> float:
        """Service seconds since the beginning."""
        return self._now() - self._start

    def invoke(self, who: str, what: str, **told: Value) -> Began:
        """An operation begins."""
        return self._event({"type": "invoke", "who": who, "what": what, **told})

    def end(self, began: Began, outcome: Outcome, **told: Value) -> int:
        """It has ended."""
        return self._event({"type": str(outcome), "of": began, **told})

    def saw(self, began: Began, members: Mapping[str, Member], *, revision: int = 0, ttl: float = 0.0) -> None:
        """A look has ended, and these were there."""
        told: dict[str, Value] = {"members": {name: _brief(asdict(one)) for name, one in members.items()}}
        if revision:
            told["revision"] = revision
        if ttl:
            told["ttl"] = ttl
        self.end(began, Outcome.OK, **told)

    def counted(self, began: Began, tasks: Mapping[str, TaskSeen]) -> None:
        """All tasks have been looked at."""
        self.end(began, Outcome.OK, tasks={name: _brief(asdict(one)) for name, one in tasks.items()})

    def close(self, stopped: str = "") -> None:
        """Write the footer; `stopped` says why the experiment did not go to its end."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._write({"type": "footer", "events": self._events, "at": self._stamp(), "stopped": stopped})
            self._file.close()

    def _event(self, event: Mapping[str, object]) -> int:
        with self._lock:
            if self._closed:  # an observer's last answer came when all was over: it is nobody's any more
                return 0
            self._events += 1
            self._write({"n": self._events, "at": self._stamp(), **event})
            return self._events

    def _stamp(self) -> float:
        # Reading the clock and writing are one step here, so that lines are in the order of their times.
        self._last = max(self._last, round(self.seconds, 4))
        return self._last

    def _write(self, value: Mapping[str, object]) -> None:
        self._file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")
        self._file.flush()


def _of_header(header: Header) -> dict[str, object]:
    return {
        "experiment": header.experiment,
        "title": header.title,
        "target": header.target,
        "seed": header.seed,
        "scale": header.scale,
        "started": header.started,
        "service": dict(header.service),
        "machines": dict(header.machines),
        "views": {name: asdict(view) for name, view in header.views.items()},
        "checks": [{"check": check.name, **check.limits} for check in header.checks],
    }


def _brief(value: Mapping[str, object]) -> dict[str, object]:
    return {name: one for name, one in value.items() if one}
