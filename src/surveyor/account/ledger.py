"""The ledger: what a run creates in an account that outlives it, written before each create call is sent.

Each worker has one JSON Lines file, locked while its run is in progress. The first line names the owner. Then follow:

- `intent`, written before a create call is sent;
- `created`, with the identifiers in the answer;
- `refused`, if the target refused the call;
- `deleted`, when a delete call of a test was accepted;
- `removed`, when cleanup has deleted the resource;
- `remains`, when cleanup at the end of the run could not delete it, and why.

An intent without an answer means that the resource may exist.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from surveyor.account.confirmation import confirm_copied
from surveyor.account.deletions import deletes, is_deletion
from surveyor.account.ledger_entries import (
    FORMAT,
    CreatedEntry,
    DeletedEntry,
    Entry,
    IntentEntry,
    RefusedEntry,
    RemainsEntry,
    RemovedEntry,
    RunEntry,
    SharedEntry,
    parse_entry,
)
from surveyor.account.resources import CREATES
from surveyor.account.room import kinds_of, rooms_of
from surveyor.errors import Inconclusive, SurveyorError, UsageError
from surveyor.input_files import REPORT_LIMIT, read_bytes
from surveyor.typed_json import dump_json

__all__ = [
    "Ledger",
    "LedgerContents",
    "MalformedLedger",
    "Owner",
    "Resource",
    "Shared",
    "exclusive_lock",
    "ledgers_in",
    "read_ledger",
    "values_at",
]


_PAUSE = 5.0  # each look reads the ledgers of all workers
_MAX_PAUSES = 120
_CREATE_VERBS = ("Create", "Register", "Run", "Allocate")


class MalformedLedger(SurveyorError):
    """A file is not a ledger, or one of another format; the text is one line."""


@dataclass(frozen=True)
class Owner:
    """The run that owns a ledger: enough to reach the same account again. `endpoint` None means AWS's endpoints.

    `profile`: that of the AWS CLI whose credentials were used; None for those of the environment.
    """

    run: str
    target: str
    account: str
    region: str
    endpoint: str | None = None
    dns: str | None = None
    host: str = ""
    process: int = 0
    profile: str | None = None


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource that a run created or may have created.

    `parameters` are the text parameters of the create call; `ids` is () if no answer was received. `why`: what kept it
    from being deleted at the end of the run, if that is known.
    """

    number: int
    operation: str
    region: str
    parameters: Mapping[str, str]
    ids: tuple[str, ...] = ()
    why: str = ""

    @property
    def kind(self) -> str:
        """The kind of resource in words, such as "hosted zone"."""
        return CREATES[self.operation].kind

    def __str__(self) -> str:
        names = ("Name", "CallerReference", "serviceName", "clusterName", "family")
        name = next((self.parameters[key] for key in names if key in self.parameters), "")
        if not name or self.kind != "namespace":  # the id of a namespace is that of the operation which creates it
            name = " ".join(self.ids) or name
        return f"{self.kind} {name}".strip() + ("" if self.ids else " (may exist)")


@dataclass(frozen=True)
class Shared:
    """A resource that all tests of a run use: `kind` says which one, `number` is its Resource's number or 0."""

    kind: str
    id: str
    number: int
    vpc: str | None = None


@dataclass(frozen=True)
class LedgerContents:
    """The contents of a ledger: its owner (None if it is empty), the resources that still exist, the shared ones."""

    owner: Owner | None = None
    existing: tuple[Resource, ...] = ()
    shared: tuple[Shared, ...] = ()


class Ledger:
    """Appends to one file, synced to disk before each method returns; holds the file's lock while it is open.

    `rooms` limit how many resources of a kind all workers may have at a time: for a Region, and the ids of those that
    they have; at first by `limits` of each kind. `pause` is called with service seconds while a further one has to
    wait; None means that none will be deleted meanwhile.
    """

    def __init__(self, path: Path, owner: Owner, limits: Mapping[str, float] | None = None) -> None:
        self.path = path
        self.owner = owner
        self.pause: Callable[[float], object] | None = None
        self.rooms = rooms_of(limits or {})
        self._count = 0
        self._file: IO[str] | None = None

    @property
    def count(self) -> int:
        """The number of the last intent."""
        return self._count

    def record_intent(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> int | None:
        """Write the intent of a call that creates a resource and return its number; return None for any other call.

        Raises Inconclusive, so that the call is not sent, if there is no deletion rule for what it would create.
        """
        name = f"{service}:{operation}"
        created = CREATES.get(name)
        if created is None and operation.startswith(_CREATE_VERBS):
            raise Inconclusive(f"{name} is not sent: there is no deletion rule for the resources that it creates")
        if created is None or not created.id_path:
            return None
        if limited := sorted(kinds_of(name) & self.rooms.keys()):
            return self._write_intent_where_room_is(name, params, region, limited)
        return self._write_intent(name, params, region)

    def record_result(self, number: int, operation: str, response: Mapping[str, Any] | None) -> None:
        """Write the result of the call with that number; `response` is None if the target refused it."""
        if response is None:
            self._write(RefusedEntry(number))
        else:
            self._write(CreatedEntry(number, tuple(values_at(response, CREATES[operation].id_path))))

    def record_deleted(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Write that a delete call of a test was accepted."""
        if is_deletion(operation):
            self._write(DeletedEntry(f"{service}:{operation}", _text_parameters(params)))

    def adopt(self, resource: Resource) -> None:
        """Write a resource that was found by the run's marks: another service made it, or a call past the ledger."""
        self._count += 1
        self._write(IntentEntry(self._count, resource.operation, resource.region, dict(resource.parameters)))
        if resource.ids:
            self._write(CreatedEntry(self._count, resource.ids))

    def record_shared(self, resource: Shared) -> None:
        """Write that all tests of this run may use a resource."""
        self._write(SharedEntry(**asdict(resource)))

    def record_removed(self, number: int) -> None:
        """Write that the resource with that number was deleted."""
        self._write(RemovedEntry(number))

    def record_remaining(self, number: int, why: str) -> None:
        """Write why the resource with that number could not be deleted."""
        self._write(RemainsEntry(number, why))

    def close(self) -> None:
        """Close the file and release its lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_intent(self, name: str, params: Mapping[str, Any], region: str) -> int:
        self._count += 1
        self._write(IntentEntry(self._count, name, region, _text_parameters(params)))
        confirm_copied(self.path)
        return self._count

    def _write_intent_where_room_is(
        self, name: str, params: Mapping[str, Any], region: str, kinds: Sequence[str]
    ) -> int:
        """Write the intent as soon as the run has fewer resources of each kind than it may; raises Inconclusive."""
        full = ""
        for _ in range(_MAX_PAUSES if self.pause else 1):
            with ExitStack() as locks:
                for kind in kinds:
                    locks.enter_context(exclusive_lock(self.path.parent, f"{kind}s"))
                full, may_change = self._find_full(kinds, region)
                if not full:
                    return self._write_intent(name, params, region)
            if self.pause is None or not may_change:
                break
            self.pause(_PAUSE)
        raise Inconclusive(full)

    def _find_full(self, kinds: Sequence[str], region: str) -> tuple[str, bool]:
        """Return why there is no room for one of the kinds, "" if there is, and whether that can change."""
        for kind in kinds:
            own, shared = _existing_of_kind(self.path.parent, kind, region)
            room = self.rooms[kind](region, [identifier for resource in own for identifier in resource.ids])
            if len(own) >= room.places:
                return room.why, len(own) > shared  # what tests share stays until the end
        return "", False

    def acquire(self, *, wait: bool) -> bool:
        """Open and lock the file. Return False if another process holds the lock; with `wait`, wait for it instead."""
        if self._file is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        file.seek(0)
        before = file.read()
        if not before:
            owner = asdict(self.owner) | {"host": socket.gethostname(), "process": os.getpid()}
            self._append(RunEntry(format=FORMAT, **owner))
        elif not before.endswith("\n"):
            file.write("\n")  # the last line was cut short, and would spoil the next one
        return True

    def _write(self, entry: Entry) -> None:
        self.acquire(wait=True)
        self._append(entry)

    def _append(self, entry: Entry) -> None:
        assert self._file is not None
        self._file.write(dump_json(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_ledger(path: Path) -> LedgerContents:
    """Return the contents of a ledger, resources oldest first; a missing file counts as empty.

    Raises MalformedLedger for any other file. A last line that was cut short is ignored: a run that was killed while
    it wrote an intent had not sent the call.
    """
    try:
        content = read_bytes(path, REPORT_LIMIT) if path.exists() else b""
    except UsageError as error:
        raise MalformedLedger(str(error)) from None
    lines = content.decode("utf-8", "replace").split("\n")
    try:
        entries = [entry for entry in map(parse_entry, lines) if entry]
        return _replay(entries) if entries else LedgerContents()
    except (KeyError, ValueError):
        raise MalformedLedger(f"{path} is not a ledger that this version can read (format {FORMAT})") from None


def ledgers_in(folder: Path) -> list[Path]:
    """Return the ledgers of one run, one for each worker, in the folder of its report."""
    return sorted(folder.glob("ledger-*.jsonl"))


def _existing_of_kind(folder: Path, kind: str, region: str) -> tuple[list[Resource], int]:
    """Return what all workers of a run have of a kind in a Region, and how many of these its tests share."""
    contents = [read_ledger(path) for path in ledgers_in(folder)]
    found = [
        [entry for entry in ledger.existing if kind in kinds_of(entry.operation) and entry.region == region]
        for ledger in contents
    ]
    shared = sum(
        resource.number in {entry.number for entry in ledger.shared}
        for ledger, own in zip(contents, found, strict=True)
        for resource in own
    )
    return [resource for own in found for resource in own], shared


@contextmanager
def exclusive_lock(folder: Path, subject: str) -> Iterator[None]:
    """Hold the lock on a subject that the workers of a run share."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{subject}.lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _replay(entries: Sequence[Entry]) -> LedgerContents:
    head, *rest = entries
    if not isinstance(head, RunEntry) or head.format != FORMAT:
        raise ValueError("another format")
    owner = Owner(**{name: getattr(head, name) for name in Owner.__dataclass_fields__})
    existing: dict[int, Resource] = {}
    shared: list[Shared] = []
    for entry in rest:
        match entry:
            case IntentEntry():
                existing[entry.number] = Resource(entry.number, entry.operation, entry.region, entry.asked)
            case CreatedEntry():
                existing[entry.number] = replace(existing[entry.number], ids=entry.ids)
            case RefusedEntry() | RemovedEntry():
                existing.pop(entry.number, None)
            case RemainsEntry() if entry.number in existing:
                existing[entry.number] = replace(existing[entry.number], why=entry.why)
            case SharedEntry():
                shared.append(Shared(entry.kind, entry.id, entry.number, entry.vpc))
            case DeletedEntry():
                names = set(entry.asked.values())
                for other, resource in list(existing.items()):
                    is_its_own = deletes(entry.operation, resource.operation)
                    if is_its_own and resource.ids and names.issuperset(resource.ids):
                        del existing[other]
            case RunEntry():
                raise ValueError("a second run")
    still_shared = tuple(resource for resource in shared if not resource.number or resource.number in existing)
    return LedgerContents(owner, tuple(existing.values()), still_shared)


def _text_parameters(params: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in params.items() if isinstance(value, str)}


def values_at(response: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the identifiers at a path of an answer; of a list on the way, those of each element."""
    found: list[Any] = [response]
    for name in path:
        inside = [value.get(name) for value in found if isinstance(value, Mapping)]
        found = [item for value in inside for item in (value if isinstance(value, list) else [value])]
    return [value for value in found if isinstance(value, str)]
