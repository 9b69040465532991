"""The lines of a ledger."""

from __future__ import annotations

import msgspec
from msgspec import Struct

__all__ = [
    "FORMAT",
    "CreatedEntry",
    "DeletedEntry",
    "Entry",
    "IntentEntry",
    "RefusedEntry",
    "RemainsEntry",
    "RemovedEntry",
    "RunEntry",
    "SharedEntry",
    "parse_entry",
]

FORMAT = 1


class RunEntry(Struct, frozen=True, tag_field="event", tag="run"):
    """The first line of a ledger: its owner."""

    format: int
    run: str
    target: str
    account: str
    region: str
    endpoint: str | None
    dns: str | None
    host: str
    process: int
    profile: str | None = None


class IntentEntry(Struct, frozen=True, tag_field="event", tag="intent"):
    """A create call that is about to be sent, with its text parameters."""

    number: int
    operation: str
    region: str
    asked: dict[str, str]


class CreatedEntry(Struct, frozen=True, tag_field="event", tag="created"):
    """The answer to a create call."""

    number: int
    ids: tuple[str, ...]


class RefusedEntry(Struct, frozen=True, tag_field="event", tag="refused"):
    """A create call that created nothing."""

    number: int


class DeletedEntry(Struct, frozen=True, tag_field="event", tag="deleted"):
    """A delete call that was accepted, with its text parameters."""

    operation: str
    asked: dict[str, str]


class SharedEntry(Struct, frozen=True, tag_field="event", tag="shared"):
    """A resource that all tests of the run use."""

    kind: str
    id: str
    number: int
    vpc: str | None


class RemovedEntry(Struct, frozen=True, tag_field="event", tag="removed"):
    """A resource that was deleted."""

    number: int


class RemainsEntry(Struct, frozen=True, tag_field="event", tag="remains"):
    """A resource that could not be deleted, with the reason in short."""

    number: int
    why: str


Entry = RunEntry | IntentEntry | CreatedEntry | RefusedEntry | DeletedEntry | SharedEntry | RemovedEntry | RemainsEntry
_DECODER: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def parse_entry(text: str) -> Entry | None:
    """Return the entry in a line; None for one that was cut short. Raise ValueError for any other line."""
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        return None
