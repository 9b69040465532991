"""Checks of one answer, as values: each returns what an answer violates, or None.

The programs that reproduce a divergence assert the same checks, so each check is about one property.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from surveyor.model_testing.steps import Pairs

__all__ = [
    "ANSWERED",
    "Absent",
    "Attributes",
    "Check",
    "Count",
    "HasRevision",
    "Health",
    "Observation",
    "ObservedAnswer",
    "ObservedError",
    "ObservedInstance",
    "Only",
    "PermittedOutcome",
    "Present",
    "Revision",
    "Unique",
]

ANSWERED = "success"
"""The outcome of a call that was not refused and whose operation, if it has one, succeeded."""


@dataclass(frozen=True)
class ObservedInstance:
    """One entry of an answer: an instance by its id, or a record by its value."""

    name: str
    attributes: Pairs | None = None
    health: str | None = None


@dataclass(frozen=True)
class ObservedAnswer:
    """The answer to a call: `entries` in their order, none for calls that only change something."""

    entries: tuple[ObservedInstance, ...] = ()
    revision: int | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of all entries."""
        return frozenset(entry.name for entry in self.entries)


@dataclass(frozen=True)
class ObservedError:
    """An error code of the API or of a failed operation, or a description of an answer that is not valid."""

    code: str


Observation = ObservedAnswer | ObservedError


@dataclass(frozen=True)
class PermittedOutcome:
    """The outcome of the call is one of these: an error code or `success`."""

    permitted: frozenset[str]

    @property
    def symptom(self) -> str:
        """Describe the violation, in words that do not change from run to run."""
        return f"the outcome is not {' or '.join(sorted(self.permitted))}"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"the outcome is {' or '.join(sorted(self.permitted))}"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        actual = observed.code if isinstance(observed, ObservedError) else ANSWERED
        return None if actual in self.permitted else actual


@dataclass(frozen=True)
class Unique:
    """No name is returned twice."""

    symptom = "a name is returned twice"
    expected = "each name is returned once"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError) or len(observed.entries) == len(observed.names):
            return None
        return _join(entry.name for entry in observed.entries)


@dataclass(frozen=True)
class Absent:
    """None of these names is returned; `why` says the reason in a word: deregistered, unhealthy, …"""

    names: frozenset[str]
    why: str

    @property
    def symptom(self) -> str:
        """Describe the violation, in words that do not change from run to run."""
        return f"{self.why} entries are returned"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"{_join(self.names)}, {self.why}, is not returned"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError) or not self.names & observed.names:
            return None
        return _join(entry.name for entry in observed.entries)


@dataclass(frozen=True)
class Only:
    """No other names than these are returned."""

    names: frozenset[str]

    symptom = "an entry is returned that never existed"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"nothing is returned but {_join(self.names)}"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError) or observed.names <= self.names:
            return None
        return _join(entry.name for entry in observed.entries)


@dataclass(frozen=True)
class Present:
    """All of these names are returned."""

    names: frozenset[str]

    symptom = "an entry is missing"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"{_join(self.names)} is returned"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError) or self.names <= observed.names:
            return None
        return _join(entry.name for entry in observed.entries)


@dataclass(frozen=True)
class Count:
    """The number of entries is from `minimum` to `maximum`."""

    minimum: int
    maximum: int

    @property
    def symptom(self) -> str:
        """Describe the violation, in words that do not change from run to run."""
        return f"the number of entries is not {self._range}"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"the number of entries is {self._range}"

    @property
    def _range(self) -> str:
        return f"{self.minimum} to {self.maximum}" if self.minimum != self.maximum else f"{self.maximum}"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError) or self.minimum <= len(observed.entries) <= self.maximum:
            return None
        return _join(entry.name for entry in observed.entries)


@dataclass(frozen=True)
class Attributes:
    """An instance, if returned, has one of these sets of attributes; AWS_INIT_HEALTH_STATUS is ignored."""

    name: str
    permitted: tuple[Pairs, ...]

    symptom = "the attributes differ"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"{self.name} has {' or '.join(_format_pairs(pairs) for pairs in self.permitted)}"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError):
            return None
        for entry in observed.entries:
            if entry.name == self.name and (entry.attributes or ()) not in self.permitted:
                return f"{self.name} with {_format_pairs(entry.attributes or ())}"
        return None


@dataclass(frozen=True)
class Health:
    """An instance, if returned, has one of these health statuses."""

    name: str
    permitted: frozenset[str]

    @property
    def symptom(self) -> str:
        """Describe the violation, in words that do not change from run to run."""
        return f"the health status is not {' or '.join(sorted(self.permitted))}"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"{self.name} is {' or '.join(sorted(self.permitted))}"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError):
            return None
        for entry in observed.entries:
            if entry.name == self.name and entry.health not in self.permitted:
                return f"{self.name} {entry.health}"
        return None


@dataclass(frozen=True)
class HasRevision:
    """The answer has a revision."""

    symptom = "no revision"
    expected = "the answer has a revision"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        return None if isinstance(observed, ObservedError) or observed.revision is not None else "none"


@dataclass(frozen=True)
class Revision:
    """The revision is larger than (or equal to, or not smaller than) the last observed revision of the service.

    `unless`: the check holds if exactly these members are returned.
    """

    relation: Literal[">", "==", ">="]
    than: int
    unless: frozenset[str] | None = None

    @property
    def symptom(self) -> str:
        """Describe the violation, in words that do not change from run to run."""
        words = {">": "does not rise", "==": "changes", ">=": "falls"}
        return f"the revision {words[self.relation]}"

    @property
    def expected(self) -> str:
        """Describe what is expected."""
        return f"the revision is {self.relation} {self.than}"

    def violation(self, observed: Observation) -> str | None:
        """Return what was observed instead; None if the check holds."""
        if isinstance(observed, ObservedError) or observed.revision is None or observed.names == self.unless:
            return None
        actual = observed.revision
        holds = {">": actual > self.than, "==": actual == self.than, ">=": actual >= self.than}[self.relation]
        return None if holds else f"{actual} after {self.than}"


Check = PermittedOutcome | Unique | Absent | Only | Present | Count | Attributes | Health | HasRevision | Revision


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _format_pairs(pairs: Pairs) -> str:
    return ", ".join(f"{key}={value}" for key, value in pairs) or "none"
