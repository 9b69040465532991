"""What can be demanded of one answer, as values: each looks at an answer and says what came instead, if it fails.

They are also what a script asserts in the end, so each is about one thing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from surveyor.model_testing.steps import Pairs

__all__ = [
    "ANSWERED",
    "Absent",
    "Answer",
    "Attributes",
    "Check",
    "Count",
    "Entry",
    "HasRevision",
    "Health",
    "Observation",
    "Once",
    "Only",
    "Outcome",
    "Present",
    "Refused",
    "Revision",
]

ANSWERED = "success"
"""How a call ended that was not refused, and whose operation, if it has one, succeeded."""


@dataclass(frozen=True)
class Entry:
    """One thing in an answer: an instance by its id, or a record by its value."""

    name: str
    attributes: Pairs | None = None
    health: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a call gave; `entries` in its order, none for calls that only do something."""

    entries: tuple[Entry, ...] = ()
    revision: int | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of all entries."""
        return frozenset(entry.name for entry in self.entries)


@dataclass(frozen=True)
class Refused:
    """An error code of the API, that of a failed operation, or what came instead of an answer."""

    code: str


Observation = Answer | Refused


@dataclass(frozen=True)
class Outcome:
    """The call ends in one of these ways: an error code, or `success`."""

    permitted: frozenset[str]

    @property
    def symptom(self) -> str:
        """What is wrong, in words that do not change from run to run."""
        return f"not {' or '.join(sorted(self.permitted))}"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"it ends in {' or '.join(sorted(self.permitted))}"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        actual = seen.code if isinstance(seen, Refused) else ANSWERED
        return None if actual in self.permitted else actual


@dataclass(frozen=True)
class Once:
    """No name comes twice."""

    symptom = "a name comes twice"

    demands = "each name comes once"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused) or len(seen.entries) == len(seen.names):
            return None
        return _listed(entry.name for entry in seen.entries)


@dataclass(frozen=True)
class Absent:
    """None of these names comes; `why` in a word: deregistered, unhealthy, …"""

    names: frozenset[str]
    why: str

    @property
    def symptom(self) -> str:
        """What is wrong, in words that do not change from run to run."""
        return f"what is {self.why} comes"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"{_listed(self.names)}, {self.why}, is not among them"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused) or not self.names & seen.names:
            return None
        return _listed(entry.name for entry in seen.entries)


@dataclass(frozen=True)
class Only:
    """No name comes but these."""

    names: frozenset[str]

    symptom = "something comes that never was there"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"nothing comes but {_listed(self.names)}"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused) or seen.names <= self.names:
            return None
        return _listed(entry.name for entry in seen.entries)


@dataclass(frozen=True)
class Present:
    """All of these names come."""

    names: frozenset[str]

    symptom = "something is missing"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"{_listed(self.names)} is among them"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused) or self.names <= seen.names:
            return None
        return _listed(entry.name for entry in seen.entries)


@dataclass(frozen=True)
class Count:
    """So many entries come."""

    least: int
    most: int

    @property
    def symptom(self) -> str:
        """What is wrong, in words that do not change from run to run."""
        return f"not {self.least} to {self.most} of them" if self.least != self.most else f"not {self.most} of them"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"{self.least} to {self.most} come" if self.least != self.most else f"{self.most} comes"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused) or self.least <= len(seen.entries) <= self.most:
            return None
        return _listed(entry.name for entry in seen.entries)


@dataclass(frozen=True)
class Attributes:
    """An instance, if it comes, has one of these sets of attributes; AWS_INIT_HEALTH_STATUS is not looked at."""

    name: str
    permitted: tuple[Pairs, ...]

    symptom = "other attributes"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"{self.name} has {' or '.join(_pairs(one) for one in self.permitted)}"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused):
            return None
        for entry in seen.entries:
            if entry.name == self.name and (entry.attributes or ()) not in self.permitted:
                return f"{self.name} with {_pairs(entry.attributes or ())}"
        return None


@dataclass(frozen=True)
class Health:
    """An instance, if it comes, has one of these statuses."""

    name: str
    permitted: frozenset[str]

    @property
    def symptom(self) -> str:
        """What is wrong, in words that do not change from run to run."""
        return f"the status is not {' or '.join(sorted(self.permitted))}"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"{self.name} is {' or '.join(sorted(self.permitted))}"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused):
            return None
        for entry in seen.entries:
            if entry.name == self.name and entry.health not in self.permitted:
                return f"{self.name} {entry.health}"
        return None


@dataclass(frozen=True)
class HasRevision:
    """A revision comes."""

    symptom = "no revision"
    demands = "a revision comes"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        return None if isinstance(seen, Refused) or seen.revision is not None else "none"


@dataclass(frozen=True)
class Revision:
    """The revision is larger than (or equal to, or no smaller than) the one that the last look at the service told.

    `unless`: nothing is demanded where just these members come.
    """

    relation: Literal[">", "==", ">="]
    than: int
    unless: frozenset[str] | None = None

    @property
    def symptom(self) -> str:
        """What is wrong, in words that do not change from run to run."""
        words = {">": "does not rise", "==": "moves", ">=": "falls"}
        return f"the revision {words[self.relation]}"

    @property
    def demands(self) -> str:
        """What must be, in words."""
        return f"the revision is {self.relation} {self.than}"

    def fails(self, seen: Observation) -> str | None:
        """What came instead; None if it holds."""
        if isinstance(seen, Refused) or seen.revision is None or seen.names == self.unless:
            return None
        actual = seen.revision
        holds = {">": actual > self.than, "==": actual == self.than, ">=": actual >= self.than}[self.relation]
        return None if holds else f"{actual} after {self.than}"


Check = Outcome | Once | Absent | Only | Present | Count | Attributes | Health | HasRevision | Revision


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _pairs(pairs: Pairs) -> str:
    return ", ".join(f"{key}={value}" for key, value in pairs) or "none"
