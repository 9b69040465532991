"""What callers got, counted as it happens and merged without loss: by model, second, address and outcome.

The counts of a second are small enough to be sent from every worker; what they cannot hold, the latency of each
attempt, is in histograms of the same seconds. Seconds are of service time, so that phases can be cut out afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from surveyor.load.histogram import Latencies

__all__ = ["TALLY_FILE", "Counted", "Tally"]

TALLY_FILE = "tally.json"
"""Its name in the folder of a scenario."""

Key = tuple[str, int, str, str, str]
"""Model, service second, address, outcome, error."""


@dataclass(frozen=True)
class Counted:
    """So many attempts of one model in one service second to one address ended alike.

    `outcome`: ok, fail, info, or dropped for arrivals that were not begun. `masked`: of these, how many arrivals were
    answered after all by the stated retries.
    """

    model: str
    second: int
    address: str
    outcome: str
    error: str
    count: int
    masked: int


@dataclass
class Tally:
    """Counts and latencies; `retries`: attempts made again, which count for nothing but the masked rate.

    `late`: arrivals that were begun so long after they were due that the machine did not keep up; `troubles`: what else
    went wrong with whoever called, in words.
    """

    _counts: dict[Key, int] = field(default_factory=dict)
    _masked: dict[Key, int] = field(default_factory=dict)
    _latencies: dict[tuple[str, int], Latencies] = field(default_factory=dict)
    retries: int = 0
    late: int = 0
    troubles: list[str] = field(default_factory=list)

    def attempt(self, model: str, second: int, address: str, outcome: str, error: str, *, masked: bool = False) -> None:
        """One attempt; `masked`: a retry had the arrival answered."""
        key = (model, second, address, outcome, error)
        self._counts[key] = self._counts.get(key, 0) + 1
        if masked:
            self._masked[key] = self._masked.get(key, 0) + 1

    def took(self, model: str, second: int, seconds: float) -> None:
        """An answered attempt took so many wall seconds from when it was due."""
        found = self._latencies.get((model, second))
        if found is None:
            found = self._latencies[model, second] = Latencies()
        found.record(seconds)

    def add(self, other: Tally) -> None:
        """Add all of another one."""
        for mine, theirs in ((self._counts, other._counts), (self._masked, other._masked)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
        for moment, latencies in other._latencies.items():
            self._latencies.setdefault(moment, Latencies()).add(latencies)
        self.retries += other.retries
        self.late += other.late
        self.troubles += other.troubles

    def counted(self, models: Iterable[str] = (), start: float = 0.0, end: float = float("inf")) -> Iterator[Counted]:
        """The counts of these models (all if none) from one service second to another, in no order."""
        wanted = frozenset(models)
        for (model, second, address, outcome, error), count in self._counts.items():
            if (not wanted or model in wanted) and start <= second < end:
                key = (model, second, address, outcome, error)
                yield Counted(model, second, address, outcome, error, count, self._masked.get(key, 0))

    def latencies(self, model: str, start: float = 0.0, end: float = float("inf")) -> Latencies:
        """Of a model's answered attempts from one service second to another."""
        merged = Latencies()
        for (of, second), latencies in self._latencies.items():
            if of == model and start <= second < end:
                merged.add(latencies)
        return merged

    @property
    def models(self) -> list[str]:
        """Those that anything was counted of."""
        return sorted({key[0] for key in self._counts})

    def taken(self) -> Tally:
        """All that was counted so far, which begins anew here."""
        taken = replace(self)
        fresh = Tally()
        self._counts, self._masked, self._latencies = fresh._counts, fresh._masked, fresh._latencies
        self.retries, self.late, self.troubles = 0, 0, fresh.troubles
        return taken

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "counts": [[*key, count, self._masked.get(key, 0)] for key, count in self._counts.items()],
            "latencies": [[*moment, one.encoded()] for moment, one in self._latencies.items()],
            "retries": self.retries,
            "late": self.late,
            "troubles": self.troubles,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Tally:
        """The inverse of to_json."""
        made = cls(retries=int(value["retries"]), late=int(value["late"]), troubles=[*map(str, value["troubles"])])
        for model, second, address, outcome, error, count, masked in value["counts"]:
            key = (str(model), int(second), str(address), str(outcome), str(error))
            made._counts[key] = int(count)
            if masked:
                made._masked[key] = int(masked)
        for model, second, encoded in value["latencies"]:
            made._latencies[str(model), int(second)] = Latencies([encoded])
        return made

    def dumps(self) -> str:
        """As a file."""
        return json.dumps(self.to_json()) + "\n"
