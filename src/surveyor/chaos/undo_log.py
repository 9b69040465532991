"""Faults in effect, and what undoes each: on disk before a fault starts, so that a watchdog can undo it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.account.confirmation import confirm_copied
from surveyor.chaos.actions import Action, dump_action, load_action
from surveyor.errors import SurveyorError
from surveyor.input_files import REPORT_LIMIT, read_text
from surveyor.typed_json import dump_json

__all__ = ["UndoEntry", "UndoLog", "UndoTarget", "is_held", "open_entries", "read_target"]


@dataclass(frozen=True)
class UndoTarget:
    """The target of the faults: `target` and `arguments` as on the command line, the calling `account`; and the run."""

    target: str
    arguments: tuple[str, ...]
    account: str
    region: str
    run: str = ""


@dataclass(frozen=True)
class UndoEntry:
    """A fault that has started or is about to, and is not known to be undone."""

    number: int
    fault: str
    undo: tuple[Action, ...]


class UndoLog:
    """The log of one experiment at a time; each line is on disk before the method returns.

    It is held until it is closed, by this process and by those that inherit its `descriptor`.
    """

    def __init__(self, path: Path, target: UndoTarget) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_SH)
        self._last = 0
        members = {"target": target.target, "arguments": list(target.arguments), "account": target.account,
                   "region": target.region, "run": target.run}  # fmt: skip
        self._write({"target": members})

    @property
    def descriptor(self) -> int:
        """Return the descriptor of the file."""
        return self._file.fileno()

    def begin(self, fault: str, undo: Sequence[Action]) -> int:
        """Record that a fault is about to start; return its number in this log."""
        self._last += 1
        self._write({"begin": self._last, "fault": fault, "undo": [dump_action(action) for action in undo]})
        confirm_copied(self.path)
        return self._last

    def mark_undone(self, number: int) -> None:
        """Record that a fault has been undone."""
        self._write({"undone": number})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, value: Mapping[str, Any]) -> None:
        self._file.write(dump_json(value) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def is_held(path: Path) -> bool:
    """Return whether the experiment that writes a log, or its watchdog, is running on this machine."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def read_target(path: Path) -> UndoTarget | None:
    """Return the target of an undo log; None if the log is empty. Raises SurveyorError."""
    for line in _lines(path):
        if "target" in line:
            members = line["target"]
            return UndoTarget(
                members["target"],
                tuple(members["arguments"]),
                members["account"],
                members["region"],
                members.get("run", ""),
            )
    return None


def open_entries(path: Path) -> list[UndoEntry]:
    """Return the faults that are not known to be undone, the latest first. Raises SurveyorError for a damaged line.

    A last line that was cut off is ignored: its fault had not started yet.
    """
    entries: dict[int, UndoEntry] = {}
    for line in _lines(path):
        if "begin" in line:
            undo = tuple(load_action(action) for action in line["undo"])
            entries[line["begin"]] = UndoEntry(line["begin"], line["fault"], undo)
        elif "undone" in line:
            entries.pop(line["undone"], None)
    return list(reversed(entries.values()))


def _lines(path: Path) -> list[dict[str, Any]]:
    texts = read_text(path, REPORT_LIMIT).splitlines(keepends=True)
    lines = []
    for number, text in enumerate(texts, 1):
        if number == len(texts) and not text.endswith("\n"):
            break
        try:
            lines.append(dict(json.loads(text)))
        except (ValueError, TypeError, RecursionError):
            raise SurveyorError(f"{path}: line {number} is damaged") from None
    return lines
