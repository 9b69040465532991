"""Client results, counted as they happen and merged without loss: by model, second, address and outcome.

The counts of a second are small enough for every worker to send; latencies are in one histogram per second. Seconds are
service seconds, so that phases can be cut out afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import cast

from msgspec import Struct

from surveyor.load.histogram import Latencies
from surveyor.typed_json import dump_json, parse_json

__all__ = ["TALLY_FILE", "Tally", "TallyEntry", "TallyRows"]

TALLY_FILE = "tally.json"
"""The name of the file in the folder of a scenario."""

Key = tuple[str, int, str, str, str]
"""Model, service second, address, outcome, error."""


@dataclass(frozen=True)
class TallyEntry:
    """`count` attempts of one model to one address with the same result in one service second.

    `outcome`: ok, fail, info, or dropped for arrivals that did not start. `retried`: how many of these arrivals were
    answered by an immediate retry.
    """

    model: str
    second: int
    address: str
    outcome: str
    error: str
    count: int
    retried: int


class TallyRows(Struct, frozen=True):
    """A tally in the file tally.json, and between processes.

    `counts`: model, service second, address, outcome, error, number, number of answered retries. `latencies`: model,
    service second, encoded histogram.
    """

    counts: list[tuple[str, int, str, str, str, int, int]]
    latencies: list[tuple[str, int, str]]
    retries: int
    late: int
    problems: list[str]


@dataclass
class Tally:
    """Counts and latencies; `retries`: repeated attempts, which count only for the rate after retries.

    `late`: arrivals that started so long after their due time that the machine did not keep up; `problems`: other
    problems of the callers, as text.
    """

    _counts: dict[Key, int] = field(default_factory=dict)
    _retried: dict[Key, int] = field(default_factory=dict)
    _latencies: dict[tuple[str, int], Latencies] = field(default_factory=dict)
    retries: int = 0
    late: int = 0
    problems: list[str] = field(default_factory=list)

    def count_attempt(
        self, model: str, second: int, address: str, outcome: str, error: str, *, retried: bool = False
    ) -> None:
        """Count one attempt; `retried`: a retry got an answer for this arrival."""
        key = (model, second, address, outcome, error)
        self._counts[key] = self._counts.get(key, 0) + 1
        if retried:
            self._retried[key] = self._retried.get(key, 0) + 1

    def record_latency(self, model: str, second: int, seconds: float) -> None:
        """Record the wall seconds from the due time to the answer of an attempt."""
        latencies = self._latencies.get((model, second))
        if latencies is None:
            latencies = self._latencies[model, second] = Latencies()
        latencies.record(seconds)

    def add(self, other: Tally) -> None:
        """Add all that another tally holds."""
        for mine, theirs in ((self._counts, other._counts), (self._retried, other._retried)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
        for moment, latencies in other._latencies.items():
            self._latencies.setdefault(moment, Latencies()).add(latencies)
        self.retries += other.retries
        self.late += other.late
        self.problems += other.problems

    def entries(
        self, models: Iterable[str] = (), start: float = 0.0, end: float = float("inf")
    ) -> Iterator[TallyEntry]:
        """Yield the entries of these models (all if none) between two service seconds, in no order."""
        selected = frozenset(models)
        for (model, second, address, outcome, error), count in self._counts.items():
            if (not selected or model in selected) and start <= second < end:
                key = (model, second, address, outcome, error)
                yield TallyEntry(model, second, address, outcome, error, count, self._retried.get(key, 0))

    def latencies(self, model: str, start: float = 0.0, end: float = float("inf")) -> Latencies:
        """Return the latencies of a model's answered attempts between two service seconds."""
        merged = Latencies()
        for (name, second), latencies in self._latencies.items():
            if name == model and start <= second < end:
                merged.add(latencies)
        return merged

    @property
    def models(self) -> list[str]:
        """Return the models of which anything was counted."""
        return sorted({key[0] for key in self._counts})

    def take(self) -> Tally:
        """Return all that was counted so far, and start again from zero here."""
        taken = replace(self)
        fresh = Tally()
        self._counts, self._retried, self._latencies = fresh._counts, fresh._retried, fresh._latencies
        self.retries, self.late, self.problems = 0, 0, fresh.problems
        return taken

    def to_rows(self) -> TallyRows:
        """Return everything as a value for a file or another process."""
        return TallyRows(
            counts=[(*key, count, self._retried.get(key, 0)) for key, count in self._counts.items()],
            latencies=[(*moment, latencies.encoded()) for moment, latencies in self._latencies.items()],
            retries=self.retries,
            late=self.late,
            problems=self.problems,
        )

    @classmethod
    def from_rows(cls, rows: TallyRows) -> Tally:
        """Return the tally of which these are the rows."""
        tally = cls(retries=rows.retries, late=rows.late, problems=rows.problems)
        for *key, count, retried in rows.counts:
            moment = cast(Key, tuple(key))
            tally._counts[moment] = count
            if retried:
                tally._retried[moment] = retried
        for model, second, encoded in rows.latencies:
            tally._latencies[model, second] = Latencies([encoded])
        return tally

    def dumps(self) -> str:
        """Return the content of the file."""
        return dump_json(self.to_rows()) + "\n"

    @classmethod
    def loads(cls, text: str | bytes) -> Tally:
        """Return the tally in the content of a file. Raise ValueError, in one line, for anything else."""
        return cls.from_rows(parse_json(text, TallyRows))
