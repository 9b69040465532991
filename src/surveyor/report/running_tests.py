"""What the processes of a run are doing now: each keeps a small file in the folder of the run for the progress."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from surveyor.account.resources import CREATES
from surveyor.errors import UsageError
from surveyor.evidence import EvidenceEntry
from surveyor.input_files import read_bytes
from surveyor.response import operation_name
from surveyor.typed_json import parse_json, write_json
from surveyor.visible_text import one_line

__all__ = ["RunningTest", "RunningTestFile", "forget_running_tests", "oldest_running_test"]

_PREFIX = ".running-"
_INTERVAL = 1.0
"""Wall seconds between two writes, except at the beginning of a test and when it changes something."""

_LIMIT = 10_000
_NAMES = (
    *("Name", "clusterName", "serviceName", "service", "family", "taskDefinition", "InstanceId", "GroupName"),
    *("CidrBlock", "CallerReference", "cluster", "Id", "ServiceId"),
)
"""Members of requests by which people recognise what a call is about."""

_DELETES = ("Delete", "Deregister", "Terminate")
_READS = ("Get", "List", "Describe", "Discover")


class RunningTest(Struct, frozen=True):
    """A test that runs, since when, and what it waits for, since when; times are wall seconds since the epoch."""

    test: str
    since: float
    waits_for: str = ""
    waits_since: float = 0.0

    def describe(self, now: float) -> str:
        """Return it in one line, as `test_create.py::test_a: namespace x being created, 34 s`."""
        name = self.test.rpartition("/")[2]
        if not self.waits_for:
            return f"{name}, {now - self.since:.0f} s"
        return f"{self.waits_for}, {now - self.waits_since:.0f} s ({name})"


class RunningTestFile:
    """Write what this process does to its file; it is removed at the end."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._path = folder / f"{_PREFIX}{worker}"
        self._now = RunningTest("", 0.0)
        self._written = 0.0

    def begin(self, test: str) -> None:
        """Write that a test begins."""
        self._now = RunningTest(test, time.time())
        self._write()

    def saw(self, entry: EvidenceEntry) -> None:
        """Handle a call or a query of the test."""
        operation = str(entry.get("operation", ""))
        if entry.get("kind") != "call" or "error" in entry or operation.startswith(_READS):
            if time.time() - self._written > _INTERVAL:
                self._write()
            return
        self._now = RunningTest(self._now.test, self._now.since, _describe(entry), time.time())
        self._write()

    def remove(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        self._written = time.time()
        with suppress(OSError):  # a full disk ends the run where its report is written
            write_json(self._now, self._path, indent=None)


def oldest_running_test(folder: Path) -> RunningTest | None:
    """Return the test that runs for the longest time; None if none is known."""
    return min(_running_tests(folder), key=lambda running: running.since, default=None)


def forget_running_tests(folder: Path) -> None:
    """Remove what processes left that were killed."""
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _running_tests(folder: Path) -> Iterator[RunningTest]:
    for path in folder.glob(f"{_PREFIX}*"):
        try:
            yield parse_json(read_bytes(path, _LIMIT), RunningTest)
        except (UsageError, ValueError):
            continue  # the process has just removed it


def _describe(entry: EvidenceEntry) -> str:
    """Return what a call began: `namespace x being created`, or `after UpdateService x`."""
    service, operation = str(entry.get("service", "")), str(entry.get("operation", "")).removeprefix("POST ")
    params: Any = entry.get("params")
    found = [params[key] for key in _NAMES if isinstance(params, Mapping) and isinstance(params.get(key), str)]
    name = f" {found[0].rpartition('/')[2]}" if found else ""
    if created := CREATES.get(f"{service}:{operation}"):
        return one_line(f"{created.kind}{name} being created", 100)
    if operation.startswith(_DELETES):
        kind = operation.removeprefix(next(verb for verb in _DELETES if operation.startswith(verb)))
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind).strip()
        return one_line(f"{words}{name} being deleted", 100)
    if not operation.isalnum():  # a raw request: a method and a path
        return one_line(f"after a request to {service}", 100)
    return one_line(f"after {operation_name(service, operation)}{name}", 100)
