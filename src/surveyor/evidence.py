"""The record of the AWS calls and DNS queries of each test, with their answers.

Credentials are never recorded: only the parameters of an operation and the parsed answer are kept, never headers,
members whose names suggest secrets are removed at any depth, and the values of the run's credentials are blanked
wherever a target repeats them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypedDict

import dns.message
import dns.rcode

from surveyor.response import operation_name
from surveyor.secret_values import REMOVED, blank
from surveyor.visible_text import cut

__all__ = [
    "CACHE",
    "Evidence",
    "EvidenceEntry",
    "NullRecorder",
    "changing_calls",
    "deciding_operation",
    "operation_of",
    "recorded_block",
    "trim",
]

CACHE = "a cache"
"""The server of a query that a client answered from its cache."""

KEPT_FIRST = 6
KEPT_LAST = 32
"""Entries kept for one test: from its beginning and its end; the number left out between them is recorded."""

_TEXT = 300
_REASON = 1_000
"""Characters of a reason: a denial of AWS names caller, action and resource, and at its end the policy that decided."""
_REASONS = frozenset({"Message", "message", "ErrorMessage"})
_ITEMS = 12
_DEPTH = 8
_SECRET = re.compile(
    r"secret|password|passphrase|credential|session.?token|authorization|signature|access.?key", re.IGNORECASE
)


_READS = re.compile(r"Get|List|Describe|Discover|Test|Lookup")


class EvidenceEntry(TypedDict, total=False):
    """One call, one DNS query, or one `event` around the target.

    Equal calls with equal answers are one entry, with their number as `times`. `at` and `until`: the first and the last
    time, in service seconds since the epoch; `wallMs`: wall milliseconds in total.
    """

    kind: str
    service: str
    operation: str
    params: Any
    status: int
    response: Any
    error: Any
    question: str
    server: str
    answer: Any
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
    """The entries of the current test."""

    now: Callable[[], float] = time.time
    latest: EvidenceEntry | None = None
    """The last call or DNS query of the current test."""
    watch: Callable[[EvidenceEntry], None] | None = None
    """Called with each entry of the current test, for the progress of the run."""
    block: list[EvidenceEntry] | None = None
    """The calls and queries of the recorded block that is open."""
    _first: list[EvidenceEntry] = field(default_factory=list)
    _last: list[EvidenceEntry] = field(default_factory=list)
    _figures: list[EvidenceEntry] = field(default_factory=list)
    _skipped: int = 0

    def begin(self) -> None:
        """Discard all entries: a new test starts."""
        self._first, self._last, self._figures, self._skipped = [], [], [], 0
        self.latest = self.block = None
        _CURRENT[:] = [self]

    def entries(self) -> list[EvidenceEntry]:
        """Return the entries of the current test, in order."""
        gap: list[EvidenceEntry] = [{"kind": "skipped", "skipped": self._skipped}] if self._skipped else []
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
        """Record one AWS call; `started` is time.perf_counter() when it was sent."""
        entry: EvidenceEntry = {"kind": "call", "service": service, "operation": operation, "params": trim(params)}
        if status:
            entry["status"] = status
        if error is not None:
            entry["error"] = trim(error)
        elif response is not None:
            entry["response"] = trim({key: value for key, value in response.items() if key != "ResponseMetadata"})
        self._keep(entry, started)

    def question(self, name: str, rdtype: str, server: str, started: float, answer: dns.message.Message | str) -> None:
        """Record one DNS query with its answer, or with the reason why there is none."""
        entry: EvidenceEntry = {"kind": "dns", "question": blank(f"{name} {rdtype}"), "server": blank(server)}
        entry["answer"] = blank(answer) if isinstance(answer, str) else _message(answer)
        self._keep(entry, started)

    def event(self, what: str) -> None:
        """Record, in a few words, what a fixture did to the surroundings of the target."""
        self._keep({"kind": "event", "event": blank(what)}, time.perf_counter())

    def observation(self, observer: str, subject: str, state: str) -> None:
        """Record the state of a subject as seen by an observer that is neither the API nor DNS."""
        entry: EvidenceEntry = {"kind": "look", "server": observer, "question": blank(subject), "answer": blank(state)}
        self._keep(entry, time.perf_counter())

    def figure(self, name: str, low: float, high: float, unit: str) -> None:
        """Record a measured figure. It lies between `low` and `high`, since state is sampled at intervals."""
        span: EvidenceEntry = {"low": round(low, 3), "high": round(high, 3)}
        self._figures.append({"kind": "figure", "figure": name, **span, "unit": unit})

    def _keep(self, entry: EvidenceEntry, started: float) -> None:
        entry["at"] = round(self.now(), 3)
        entry["wallMs"] = round((time.perf_counter() - started) * 1000, 1)
        if self.watch is not None:
            self.watch(entry)
        if entry["kind"] in ("call", "dns"):
            self.latest = entry
            if self.block is not None:
                self.block.append(entry)
        # Several resources may be polled in turn: compare with the latest entry of the same request.
        request = _request(entry)
        before = next((kept for kept in reversed([*self._first, *self._last]) if _request(kept) == request), None)
        if before is not None and _has_same_answer(before, entry):
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


_CURRENT: list[Evidence] = []
"""The evidence of the test that runs in this process."""


@contextmanager
def recorded_block() -> Iterator[list[EvidenceEntry]]:
    """Yield the list of the calls and queries that the test makes in the block; empty if no test is recorded."""
    entries: list[EvidenceEntry] = []
    current = _CURRENT[0] if _CURRENT else None
    outer = current.block if current is not None else None
    if current is not None:
        current.block = entries
    try:
        yield entries
    finally:
        if current is not None:
            current.block = outer


def deciding_operation(entries: Sequence[EvidenceEntry]) -> str:
    """Return the operation of the first call that changes something, else of the first entry; "" if there is none.

    Fixtures that create something also read it, so that the last call is not the one in question; nor is that which
    makes the network for it.
    """
    changing = changing_calls(entries)
    subject = [entry for entry in changing if entry.get("service") != "ec2"]
    return operation_of(next(iter([*subject, *changing, *entries]), None))


def changing_calls(entries: Iterable[EvidenceEntry]) -> list[EvidenceEntry]:
    """Return the calls that change something, in order."""
    calls = [entry for entry in entries if entry.get("kind") == "call"]
    return [entry for entry in calls if not _READS.match(str(entry.get("operation", "")).removeprefix("POST "))]


def operation_of(entry: EvidenceEntry | None) -> str:
    """Return the operation of a call as in reports, or `DNS A` for a query; "" for anything else."""
    if entry is None or entry.get("kind") not in ("call", "dns"):
        return ""
    if entry["kind"] == "dns":
        return f"DNS {entry.get('question', '').rpartition(' ')[2]}"
    return operation_name(entry.get("service", ""), str(entry.get("operation", "")).removeprefix("POST "))


class NullRecorder(Evidence):
    """Record nothing: for threads whose calls are recorded in a history instead."""

    def call(self, *args: object, **options: object) -> None:
        """Do nothing."""

    def question(self, *args: object, **options: object) -> None:
        """Do nothing."""


def _request(entry: EvidenceEntry) -> list[object]:
    return [entry.get(key) for key in ("kind", "service", "operation", "params", "question", "server", "event")]


def _has_same_answer(first: EvidenceEntry, second: EvidenceEntry) -> bool:
    """Return whether two entries have the same answer, whatever the order of instances and records."""
    members = ("status", "response", "error", "answer")
    return all(_unordered(first.get(name)) == _unordered(second.get(name)) for name in members)


def _unordered(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _unordered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(value, key=repr)
    return value


def trim(value: object, depth: int = 0, length: int = _TEXT) -> object:
    """Return `value` as JSON: without secrets, long texts and lists cut with a note, at most eight levels deep."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray)):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = blank(value)
        return cut(value, length)
    if depth >= _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        kept: dict[str, object] = {}
        for key, member in list(value.items())[: 4 * _ITEMS]:
            length = _REASON if key in _REASONS else _TEXT
            kept[blank(str(key))] = REMOVED if _SECRET.search(str(key)) else trim(member, depth + 1, length)
        left = len(value) - len(kept)
        return kept | {"…": f"{left} more"} if left > 0 else kept
    if isinstance(value, Sequence):
        items = [trim(item, depth + 1) for item in value[:_ITEMS]]
        return [*items, f"… {len(value) - _ITEMS} more"] if len(value) > _ITEMS else items
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else blank(str(value))[:_TEXT]


def _message(answer: dns.message.Message) -> object:
    sections = {"answer": answer.answer, "authority": answer.authority}
    lines_of = {
        name: [line for rrset in rrsets for line in rrset.to_text().splitlines()] for name, rrsets in sections.items()
    }
    return {
        "rcode": dns.rcode.to_text(answer.rcode()),
        **{name: trim(lines) for name, lines in lines_of.items() if lines},
    }
