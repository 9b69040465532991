"""Faults that are on, and what undoes each: on disk before one begins, so that a watchdog can undo for the killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.chaos.actions import Step, read_step, write_step
from surveyor.errors import SurveyorError

__all__ = ["Entry", "Place", "UndoLog", "open_entries", "place_of"]


@dataclass(frozen=True)
class Place:
    """On which target, and as whom: `target` and `given` are words of the command line, `account` who calls."""

    target: str
    given: tuple[str, ...]
    account: str
    region: str


@dataclass(frozen=True)
class Entry:
    """A fault that has begun, or is about to, and is not known to be undone."""

    number: int
    fault: str
    undo: tuple[Step, ...]


class UndoLog:
    """Written by one experiment at a time; each line is on disk before it returns."""

    def __init__(self, path: Path, place: Place) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._last = 0
        told = {"target": place.target, "given": list(place.given), "account": place.account, "region": place.region}
        self._write({"place": told})

    def begins(self, fault: str, undo: Sequence[Step]) -> int:
        """A fault is about to begin; its number here."""
        self._last += 1
        self._write({"begins": self._last, "fault": fault, "undo": [write_step(step) for step in undo]})
        return self._last

    def undone(self, number: int) -> None:
        """It has been undone."""
        self._write({"undone": number})

    def close(self) -> None:
        """All is undone."""
        self._file.close()

    def _write(self, value: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(value) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def place_of(path: Path) -> Place | None:
    """Where the faults of a journal are; None if nothing was written. Raises SurveyorError."""
    for line in _lines(path):
        if "place" in line:
            told = line["place"]
            return Place(told["target"], tuple(told["given"]), told["account"], told["region"])
    return None


def open_entries(path: Path) -> list[Entry]:
    """The faults that are not known to be undone, the latest first. Raises SurveyorError for a line that is none.

    A last line that was cut off is one whose fault had not begun yet.
    """
    found: dict[int, Entry] = {}
    for line in _lines(path):
        if "begins" in line:
            undo = tuple(read_step(step) for step in line["undo"])
            found[line["begins"]] = Entry(line["begins"], line["fault"], undo)
        elif "undone" in line:
            found.pop(line["undone"], None)
    return list(reversed(found.values()))


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        texts = path.read_text("utf-8").splitlines(keepends=True)
    except OSError as missing:
        raise SurveyorError(f"{path}: cannot be read: {missing.strerror}") from None
    found = []
    for number, text in enumerate(texts, 1):
        if number == len(texts) and not text.endswith("\n"):
            break
        try:
            found.append(dict(json.loads(text)))
        except (ValueError, TypeError):
            raise SurveyorError(f"{path}: line {number} is damaged") from None
    return found
