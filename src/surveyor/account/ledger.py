"""What a run creates in an account that outlives it, written down before each create call is sent.

One JSON Lines file per worker, locked while its run goes on. The first line tells whose it is; then `intent` stands
there before a call leaves, `created` with the identifiers once it is answered, `refused` if the target said no,
`deleted` when a test's own delete call was accepted, `removed` when the thing was taken away. An intent without an
answer means: it may exist.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from surveyor.account.resources import CREATES
from surveyor.errors import Inconclusive, SurveyorError

__all__ = ["Ledger", "LedgerBroken", "Owner", "Pages", "Shared", "Thing", "alone", "ledgers_in", "read_pages"]

_FORMAT = 1
_PATIENCE = 1_200  # pauses of half a second
_CREATING = ("Create", "Register", "Run", "Allocate")
_DELETING = ("Delete", "Deregister", "Terminate", "Release")


class LedgerBroken(SurveyorError):
    """A file that should be a ledger and is none, or one of another format; the text is one line."""


@dataclass(frozen=True)
class Owner:
    """Whose ledger it is: enough to reach the same account again. `endpoint` None is AWS's own."""

    run: str
    target: str
    account: str
    region: str
    endpoint: str | None = None
    dns: str | None = None
    host: str = ""
    process: int = 0


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing that a run made or may have made. `asked`: the texts of the call; `ids` () if no answer came."""

    number: int
    operation: str
    region: str
    asked: Mapping[str, str]
    ids: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What it is, in words."""
        return CREATES[self.operation].what

    def __str__(self) -> str:
        named = ("Name", "CallerReference", "serviceName", "clusterName", "family")
        name = " ".join(self.ids) or next((self.asked[key] for key in named if key in self.asked), "")
        return f"{self.what} {name}".strip() + ("" if self.ids else " (may exist)")


@dataclass(frozen=True)
class Shared:
    """A thing that all tests of a run use: `kind` says which one, `number` is that of its Thing, if it has one."""

    kind: str
    id: str
    number: int
    vpc: str | None = None


@dataclass(frozen=True)
class Pages:
    """What a ledger says: whose it is (None while it is empty), what stands by it, what of that is shared."""

    owner: Owner | None = None
    standing: tuple[Thing, ...] = ()
    shared: tuple[Shared, ...] = ()


class Ledger:
    """Appends to one file, and has it on the disk before it returns; holds the file's lock while it is open.

    `most_namespaces`: so many may stand at a time, of all workers together; `pause` is called while one more has to
    wait, and None means that nobody would make room.
    """

    def __init__(self, path: Path, owner: Owner, most_namespaces: int | None = None) -> None:
        self.path = path
        self.owner = owner
        self.pause: Callable[[], None] | None = None
        self._most_namespaces = most_namespaces
        self._count = 0
        self._file: IO[str] | None = None

    @property
    def count(self) -> int:
        """The number of the last intent."""
        return self._count

    def before(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> int | None:
        """Write the intent of a call that makes something of its own; its number, or None for any other call.

        Raises Inconclusive, so that the call is not sent, if nobody knows how to take away what it would make.
        """
        name = f"{service}:{operation}"
        made = CREATES.get(name)
        if made is None and operation.startswith(_CREATING):
            raise Inconclusive(f"{name} is not sent: there is no rule how to take away again what it makes")
        if made is None or not made.path:
            return None
        if made.what == "namespace" and self._most_namespaces is not None:
            return self._when_there_is_room(name, params, region, self._most_namespaces)
        return self._intend(name, params, region)

    def after(self, number: int, operation: str, response: Mapping[str, Any] | None) -> None:
        """Write what became of the call with that number; `response` None if the target refused it."""
        if response is None:
            self._write("refused", number=number)
        else:
            self._write("created", number=number, ids=_at(response, CREATES[operation].path))

    def deleted(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Write that a delete call of a test was accepted."""
        if operation.startswith(_DELETING):
            self._write("deleted", operation=f"{service}:{operation}", asked=_texts(params))

    def shared(self, thing: Shared) -> None:
        """Write that all tests of this run may use a thing."""
        self._write("shared", **asdict(thing))

    def removed(self, number: int) -> None:
        """Write that the thing with that number is gone."""
        self._write("removed", number=number)

    def close(self) -> None:
        """Close the file and let go of its lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _intend(self, name: str, params: Mapping[str, Any], region: str) -> int:
        self._count += 1
        self._write("intent", number=self._count, operation=name, region=region, asked=_texts(params))
        return self._count

    def _when_there_is_room(self, name: str, params: Mapping[str, Any], region: str, most: int) -> int:
        for _ in range(_PATIENCE if self.pause else 1):
            with alone(self.path.parent, "namespaces"):
                if namespaces_in(self.path.parent) < most:
                    return self._intend(name, params, region)
            if self.pause:
                self.pause()
        raise Inconclusive(f"{most} namespaces of this run stand already, and none went away")

    def claim(self, *, wait: bool) -> bool:
        """Open the file and lock it; False if whoever has it does not let go, which with `wait` is waited for."""
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
            told = asdict(self.owner) | {"host": socket.gethostname(), "process": os.getpid()}
            self._put({"event": "run", "format": _FORMAT, **told})
        elif not before.endswith("\n"):
            file.write("\n")  # the last line was cut short, and would spoil the next
        return True

    def _write(self, event: str, **values: object) -> None:
        self.claim(wait=True)
        self._put({"event": event, **values})

    def _put(self, line: Mapping[str, object]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_pages(path: Path) -> Pages:
    """What stands by a ledger, oldest first; a file that is not there is empty.

    Raises LedgerBroken for a file that is none. A last line that was cut short does not count: a run that was killed
    while it wrote an intent had not sent the call.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
    entries = [entry for entry in map(_entry, lines) if entry]
    if not entries:
        return Pages()
    try:
        return _pages(entries)
    except (KeyError, TypeError, ValueError):
        raise LedgerBroken(f"{path} is no ledger that this version can read (format {_FORMAT})") from None


def ledgers_in(folder: Path) -> list[Path]:
    """The ledgers of one run, one a worker, from the folder of its report."""
    return sorted(folder.glob("ledger-*.jsonl"))


def namespaces_in(folder: Path) -> int:
    """How many namespaces of the run stand, by the ledgers of all its workers."""
    return sum(thing.what == "namespace" for path in ledgers_in(folder) for thing in read_pages(path).standing)


@contextmanager
def alone(folder: Path, subject: str) -> Iterator[None]:
    """While this lasts no other worker of the run is in the same part of the code for that subject."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{subject}.lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pages(entries: Sequence[Mapping[str, Any]]) -> Pages:
    head, *rest = entries
    if head["event"] != "run" or head["format"] != _FORMAT:
        raise ValueError("another format")
    owner = Owner(**{name: head[name] for name in Owner.__dataclass_fields__})
    standing: dict[int, Thing] = {}
    shared: list[Shared] = []
    for entry in rest:
        event, number = entry["event"], entry.get("number", 0)
        if event == "intent":
            standing[number] = Thing(number, entry["operation"], entry["region"], entry["asked"])
        elif event == "created":
            known = standing[number]
            standing[number] = Thing(number, known.operation, known.region, known.asked, tuple(entry["ids"]))
        elif event in ("refused", "removed"):
            standing.pop(number, None)
        elif event == "shared":
            shared.append(Shared(entry["kind"], entry["id"], number, entry["vpc"]))
        elif event == "deleted":
            named = set(entry["asked"].values())
            for other, thing in list(standing.items()):
                if thing.ids and named.issuperset(thing.ids):
                    del standing[other]
        else:
            raise ValueError(event)
    kept = tuple(one for one in shared if not one.number or one.number in standing)
    return Pages(owner, tuple(standing.values()), kept)


def _entry(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _texts(params: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in params.items() if isinstance(value, str)}


def _at(response: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """The identifiers that an answer holds there; a list in between is gone through."""
    found: list[Any] = [response]
    for name in path:
        inside = [one.get(name) for one in found if isinstance(one, Mapping)]
        found = [one for value in inside for one in (value if isinstance(value, list) else [value])]
    return [one for one in found if isinstance(one, str)]
