"""What this run created on a target that outlives it, written down before each create call is sent.

One JSON Lines file per worker. `intent` stands there before the call leaves, `created` with the identifiers once it
is answered, `refused` if the target said no, `deleted` when a delete call was accepted. An intent without an answer
means: it may exist.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

__all__ = ["Ledger", "left_behind"]

_CREATES = ("Create", "Register", "Run", "Allocate")
_DELETES = ("Delete", "Deregister", "Terminate", "Release")


class Ledger:
    """Appends to one file, and has it on the disk before it returns."""

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self._run = run
        self._count = 0
        self._file: IO[str] | None = None

    def before(self, service: str, operation: str, params: Mapping[str, Any]) -> int | None:
        """Write the intent of a call that creates something; its number, or None for any other call."""
        if not operation.startswith(_CREATES):
            return None
        self._count += 1
        named = {key: value for key, value in params.items() if isinstance(value, str)}
        self._write("intent", self._count, f"{service}:{operation}", named)
        return self._count

    def after(self, number: int, service: str, operation: str, response: Mapping[str, Any] | None) -> None:
        """Write what became of the call with that number; `response` None if the target refused it."""
        event = "refused" if response is None else "created"
        self._write(event, number, f"{service}:{operation}", _identifiers(response or {}))

    def deleted(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Write that a delete call was accepted."""
        if operation.startswith(_DELETES):
            named = {key: value for key, value in params.items() if isinstance(value, str)}
            self._write("deleted", 0, f"{service}:{operation}", named)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, event: str, number: int, operation: str, ids: Mapping[str, str]) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
        line = {"run": self._run, "event": event, "number": number, "operation": operation, "ids": dict(ids)}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def left_behind(path: Path) -> list[str]:
    """What stands in a ledger as created, or as possibly created, and not as deleted: one line each, oldest first."""
    standing: dict[int, tuple[str, set[str]]] = {}
    if not path.exists():
        return []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the last line of a run that was killed while writing it: its intent never left
        ids = set(line["ids"].values())
        if line["event"] == "intent":
            standing[line["number"]] = (line["operation"], ids)
        elif line["event"] == "created":
            operation, _ = standing[line["number"]]
            standing[line["number"]] = (operation, ids)
        elif line["event"] == "refused":
            standing.pop(line["number"], None)
        else:
            for number, (_, made) in list(standing.items()):
                if made & ids:
                    del standing[number]
    return [f"{operation} {' '.join(sorted(ids))}".strip() for operation, ids in standing.values()]


def _identifiers(response: Mapping[str, Any]) -> dict[str, str]:
    """The members of an answer that name what was made, one or two levels deep."""
    found: dict[str, str] = {}
    for key, value in response.items():
        if isinstance(value, str) and key.endswith(("Id", "Arn", "Name")):
            found[key] = value
        elif isinstance(value, Mapping) and key != "ResponseMetadata":
            nested = {
                f"{key}.{name}": one for name, one in value.items() if name in ("Id", "VpcId", "Name", "InstanceId")
            }
            found.update({name: one for name, one in nested.items() if isinstance(one, str)})
    return found
