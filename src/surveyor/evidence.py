"""Records what was asked and answered during each test: AWS calls by botocore's event hooks, DNS questions likewise.

Credentials never get in: only the parameters of the operation and the parsed answer are kept, never headers, and
members whose names speak of secrets are blanked wherever they stand.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import dns.message
import dns.rcode

__all__ = ["CACHE", "Entry", "Evidence", "NullRecorder", "trim"]

CACHE = "a cache"
"""As server of a question: it was answered by what a client kept."""

KEPT_FIRST = 6
KEPT_LAST = 32
"""Entries kept for one test: its beginning and its end; how many were left out between is told."""

_TEXT = 300
_ITEMS = 12
_DEPTH = 6
_SECRET = re.compile(
    r"secret|password|passphrase|credential|session.?token|authorization|signature|access.?key", re.IGNORECASE
)


class Entry(TypedDict, total=False):
    """One call or one question, or the same one several `times` with the same answer; or an `event` around the target.

    `at` and `until`: the first and the last time, in service seconds since the epoch; `wallMs`: wall milliseconds, all
    together.
    """

    kind: str
    service: str
    operation: str
    params: object
    status: int
    response: object
    error: object
    question: str
    server: str
    answer: object
    at: float
    until: float
    times: int
    wallMs: float
    skipped: int
    event: str
    figure: str
    low: float
    high: float
    unit: str


@dataclass
class Evidence:
    """The entries of the test that runs now."""

    now: Callable[[], float] = time.time
    _first: list[Entry] = field(default_factory=list)
    _last: list[Entry] = field(default_factory=list)
    _figures: list[Entry] = field(default_factory=list)
    _skipped: int = 0

    def begin(self) -> None:
        """A new test starts."""
        self._first, self._last, self._figures, self._skipped = [], [], [], 0

    def entries(self) -> list[Entry]:
        """What the current test has done, in order."""
        gap: list[Entry] = [{"kind": "skipped", "skipped": self._skipped}] if self._skipped else []
        return [*self._first, *gap, *self._last, *self._figures]

    def call(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        started: float,
        *,
        status: int = 0,
        response: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep one AWS call; `started` is time.perf_counter() when it was sent."""
        entry: Entry = {"kind": "call", "service": service, "operation": operation, "params": trim(params)}
        if status:
            entry["status"] = status
        if error is not None:
            entry["error"] = trim(error)
        elif response is not None:
            entry["response"] = trim({key: value for key, value in response.items() if key != "ResponseMetadata"})
        self._keep(entry, started)

    def question(self, name: str, rdtype: str, server: str, started: float, answer: dns.message.Message | str) -> None:
        """Keep one DNS question with its answer, or with why none came."""
        entry: Entry = {"kind": "dns", "question": f"{name} {rdtype}", "server": server}
        entry["answer"] = answer if isinstance(answer, str) else _message(answer)
        self._keep(entry, started)

    def event(self, what: str) -> None:
        """Keep something that a fixture did to the target's surroundings, in a few words."""
        self._keep({"kind": "event", "event": what}, time.perf_counter())

    def look(self, observer: str, subject: str, state: str) -> None:
        """Keep what an observer that is neither the API nor DNS saw of somebody."""
        self._keep({"kind": "look", "server": observer, "question": subject, "answer": state}, time.perf_counter())

    def figure(self, name: str, low: float, high: float, unit: str) -> None:
        """Keep something measured: it lies from `low` to `high`, since looks have time between them."""
        span: Entry = {"low": round(low, 3), "high": round(high, 3)}
        self._figures.append({"kind": "figure", "figure": name, **span, "unit": unit})

    def _keep(self, entry: Entry, started: float) -> None:
        entry["at"] = round(self.now(), 3)
        entry["wallMs"] = round((time.perf_counter() - started) * 1000, 1)
        # Several things are polled in turn: each is compared with what came the last time that the same was asked.
        asked = _asked(entry)
        before = next((one for one in reversed([*self._first, *self._last]) if _asked(one) == asked), None)
        if before is not None and _same(before, entry):  # one entry says how often and until when
            before["times"] = before.get("times", 1) + 1
            before["until"] = entry["at"]
            before["wallMs"] = round(before["wallMs"] + entry["wallMs"], 1)
            return
        if len(self._first) < KEPT_FIRST:
            self._first.append(entry)
            return
        self._last.append(entry)
        if len(self._last) > KEPT_LAST:
            del self._last[0]
            self._skipped += 1


class NullRecorder(Evidence):
    """Keeps nothing, for those who write a history of their own, and from many threads."""

    def call(self, *args: object, **more: object) -> None:
        """Nothing."""

    def question(self, *args: object, **more: object) -> None:
        """Nothing."""


def _asked(entry: Entry) -> list[object]:
    told = ("kind", "service", "operation", "params", "question", "server", "event")
    return [entry.get(key) for key in told]


def _same(one: Entry, other: Entry) -> bool:
    """Whether the same came; instances and records come in any order."""
    actual = [
        [_unordered(entry.get(key)) for key in ("status", "response", "error", "answer")] for entry in (one, other)
    ]
    return actual[0] == actual[1]


def _unordered(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _unordered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(value, key=repr)
    return value


def trim(value: object, depth: int = 0) -> object:
    """`value` as JSON can hold it: secrets blanked, long texts and lists cut (and said so), at most six levels deep."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray)):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value if len(value) <= _TEXT else f"{value[:_TEXT]}… ({len(value)} characters)"
    if depth >= _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        kept = {str(key): "(removed)" if _SECRET.search(str(key)) else trim(one, depth + 1)
                for key, one in list(value.items())[: 4 * _ITEMS]}  # fmt: skip
        left = len(value) - len(kept)
        return kept | {"…": f"{left} more"} if left > 0 else kept
    if isinstance(value, Sequence):
        items = [trim(one, depth + 1) for one in value[:_ITEMS]]
        return [*items, f"… {len(value) - _ITEMS} more"] if len(value) > _ITEMS else items
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)[:_TEXT]


def _message(answer: dns.message.Message) -> object:
    sections = {"answer": answer.answer, "authority": answer.authority}
    told = {
        name: [line for rrset in rrsets for line in rrset.to_text().splitlines()] for name, rrsets in sections.items()
    }
    return {"rcode": dns.rcode.to_text(answer.rcode()), **{name: trim(lines) for name, lines in told.items() if lines}}
