"""Values of recordings: what real AWS was seen to answer, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from surveyor.toml_lines import FileLocation

__all__ = [
    "Answer",
    "Call",
    "Confidence",
    "Provenance",
    "Recording",
    "RecordingArea",
    "Recordings",
    "Relation",
    "Replay",
]

Text = Annotated[str, Meta(min_length=1)]
Id = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Provenance(StrEnum):
    """Where a recording is from."""

    RECORDED = "recorded"
    """An answer of AWS that is kept as data or pasted."""
    ACCEPTANCE_TEST = "acceptance-test"
    """A test that runs on AWS asserts it, or a waiter or retry exists because of it."""
    AGENT_SOURCE = "agent-source"
    """Published source of an agent that runs on AWS."""
    REPORT = "report"
    """An issue, a log or a design record says so."""
    OWN_RUN = "own-run"
    """A run of Surveyor on an account."""


class Confidence(StrEnum):
    """How sure it is that AWS answers so today."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Relation(StrEnum):
    """What a recording says about its claims."""

    CONFIRMS = "confirms"
    BOUNDS = "bounds"
    """It shows where the claim ends: a case, a value or a time that the document does not name."""
    CONTRADICTS = "contradicts"
    NONE = "none"


class Call(Struct, frozen=True, forbid_unknown_fields=True):
    """One call of an API. `params` may contain `{variables}` of the situation and of calls before it.

    `save`: variables for later calls, each with the dotted path of its value in the answer. `wait`: whether to wait
    until the operation of Cloud Map that the call starts has succeeded. `caller`: "" for the account of the test,
    "consumer" for an account that its namespaces are shared with, "user" for an IAM user who may assume the role.
    """

    service: Text
    operation: Text
    params: dict[str, Any] = {}
    save: dict[str, str] = {}
    wait: bool = False
    caller: Literal["", "consumer", "user"] = ""


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """What the answer to a call has. Keys are dotted paths: `Namespace.Properties.DnsProperties.SOA.TTL`.

    A path may name an element of a list by its index, all of them (`Services.*.Id`), or the one with a member of a
    value: `Services[Id={service}].DnsConfig`.

    `present`, `absent`: members. `values`: members with these values. `formats`: members with texts that match these
    regular expressions. `contains`, `lacks`: words that the text of a value, or the JSON text of a structure, has or
    has not. `exactly`: the names of all members at a path. `order`: paths whose values do not decrease.
    `error`: the error code, `status`: the HTTP status, `words`: parts of the error's text. `seconds`: how long
    something took; a fact that is not compared, because it differs from one time to the next.
    """

    present: tuple[Text, ...] = ()
    absent: tuple[Text, ...] = ()
    values: dict[str, Any] = {}
    formats: dict[str, Text] = {}
    contains: dict[str, tuple[Text, ...]] = {}
    lacks: dict[str, tuple[Text, ...]] = {}
    exactly: dict[str, tuple[str, ...]] = {}
    order: tuple[Text, ...] = ()
    error: str = ""
    status: int | None = None
    words: tuple[Text, ...] = ()
    seconds: dict[str, float] = {}


class Replay(Struct, frozen=True, forbid_unknown_fields=True):
    """How to repeat a recording: in a situation, after other calls.

    `within`: service seconds in which the answer must become as expected; 0 if at once.
    """

    situation: Text = "nothing"
    before: tuple[Call, ...] = ()
    within: float = 0


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    """One fact about what real AWS answered.

    `request`: the call; None for a fact that no single call shows. Then `observation` names what is looked at instead.
    Either `replay` says how to repeat it or `not_replayed` why it cannot be. `waived`: why a contradiction of it is no
    failure. `date`: when AWS answered so, such as 2024, 2024-07, 2024-07-31 or 2022-11/2024-07; "" if unknown.
    """

    id: Id
    fact: Text
    provenance: Provenance
    repository: Text
    path: Text
    confidence: Confidence
    relation: Relation
    answer: Answer
    claims: tuple[str, ...] = ()
    date: str = ""
    request: Call | None = None
    observation: str = ""
    replay: Replay | None = None
    not_replayed: str = ""
    waived: str = ""

    @property
    def source(self) -> str:
        """Return repository and path in one text."""
        return f"{self.repository} {self.path}"


@dataclass(frozen=True)
class RecordingArea:
    """The recordings of one file."""

    name: str
    title: str
    recordings: tuple[Recording, ...]


@dataclass(frozen=True)
class Recordings:
    """All areas in the order of their names, and where each recording is written."""

    areas: tuple[RecordingArea, ...]
    locations: Mapping[str, FileLocation]

    @cached_property
    def by_id(self) -> Mapping[str, Recording]:
        """Return every recording by its id, in the order of the files."""
        return {recording.id: recording for area in self.areas for recording in area.recordings}

    @cached_property
    def by_claim(self) -> Mapping[str, tuple[Recording, ...]]:
        """Return the recordings about each claim, by the claim's id; claims without one are not in it."""
        found: dict[str, list[Recording]] = {}
        for recording in self.by_id.values():
            for claim in recording.claims:
                found.setdefault(claim, []).append(recording)
        return {claim: tuple(recordings) for claim, recordings in found.items()}
