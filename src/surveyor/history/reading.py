"""Read a history completely or not at all: a cut, reordered or foreign file is refused with the line of the problem."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from surveyor.history.values import (
    KIND,
    READABLE_VERSIONS,
    CallRecord,
    ChangeRecord,
    Check,
    FaultRecord,
    Header,
    History,
    HistoryBroken,
    Operation,
    Outcome,
    PhaseRecord,
    TaskSnapshot,
    TaskState,
    UndoRecord,
    View,
    ViewMember,
    ViewSnapshot,
)

__all__ = ["load_history", "read_history"]

T = TypeVar("T", bound=Operation)

_END_TYPES = frozenset(str(outcome) for outcome in Outcome)


def load_history(path: Path) -> History:
    """Return the history in a file. Raises HistoryBroken, in one line, for anything but a complete history."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise HistoryBroken(f"{path}: is not text") from None
    except OSError as error:
        raise HistoryBroken(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return read_history(text.splitlines())
    except HistoryBroken as error:
        raise HistoryBroken(f"{path}: {error}") from None


def read_history(lines: Iterable[str]) -> History:
    """Return the history in these lines. Raises HistoryBroken."""
    values = [_parse_line(number, line) for number, line in enumerate(lines, 1)]
    if not values:
        raise HistoryBroken("is empty")
    header = _read_header(values[0])
    if len(values) == 1 or values[-1].get("type") != "footer":
        raise HistoryBroken(
            f"has no footer after line {len(values)}: its run was cut short or is still in progress, so it proves "
            "nothing"
        )
    reader = _Reader(header)
    for number, value in enumerate(values[1:-1], 2):
        try:
            reader.add_event(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HistoryBroken(f"line {number}: {_format_error(error)}") from None
    try:
        return reader.finish(values[-1])
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryBroken(f"line {len(values)}: {_format_error(error)}") from None


def _parse_line(number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise HistoryBroken(f"line {number} is cut off or not JSON") from None
    if not isinstance(value, dict):
        raise HistoryBroken(f"line {number} is not a JSON object")
    return value


def _read_header(value: Mapping[str, Any]) -> Header:
    if value.get("type") != "header" or value.get("kind") != KIND:
        raise HistoryBroken(f"line 1: expected the header of a {KIND}")
    if value.get("version") not in READABLE_VERSIONS:
        readable = " and ".join(map(str, READABLE_VERSIONS))
        raise HistoryBroken(f"line 1: has version {value.get('version')!r}; this Surveyor reads {readable}")
    try:
        return Header(
            experiment=_text(value["experiment"]),
            title=_text(value["title"]),
            target=_text(value["target"]),
            seed=int(value["seed"]),
            scale=_number(value["scale"]),
            started=_text(value["started"]),
            service=dict(value["service"]),
            machines={name: _number(error) for name, error in value["machines"].items()},
            views={
                name: View(_member_of(view["of"], ("instances", "addresses")), bool(view["healthy"]), int(view["most"]))
                for name, view in value["views"].items()
            },
            checks=tuple(
                Check(_text(check["check"]), {name: limit for name, limit in check.items() if name != "check"})
                for check in value["checks"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryBroken(f"line 1: {_format_error(error)}") from None


@dataclass
class _OpenOperation:
    """An operation whose end has not been read yet."""

    value: Mapping[str, Any]
    begin: float


@dataclass
class _Reader:
    """Reads events in order and pairs the two events of each operation."""

    header: Header
    last: float = 0.0
    events: int = 0
    open: dict[int, _OpenOperation] = field(default_factory=dict)
    done: list[Operation] = field(default_factory=list)

    def add_event(self, value: Mapping[str, Any]) -> None:
        if value["n"] != self.events + 1:
            raise ValueError(f"expected event {self.events + 1}, got event {value['n']}: lines are missing or moved")
        self.events += 1
        at, clock_error = _number(value["at"]), self._clock_error(value)
        if at < self.last - clock_error:
            raise ValueError(
                f"time goes back from {self.last:g} to {at:g} s"
                + (f", more than the {clock_error:g} s by which its machine's clock may be off" if clock_error else "")
            )
        self.last = max(self.last, at)
        kind = _member_of(value["type"], ("invoke", *_END_TYPES))
        if kind == "invoke":
            self.open[self.events] = _OpenOperation(value, max(0.0, at - clock_error))
            return
        begun = self.open.pop(value["of"], None)
        if begun is None:
            raise ValueError(f"it ends operation {value['of']}, which is not open")
        self.done.append(
            _operation(
                begun.value, value, number=value["of"], end_event=self.events, begin=begun.begin, end=at + clock_error
            )
        )

    def finish(self, footer: Mapping[str, Any]) -> History:
        if footer["events"] != self.events:
            raise ValueError(f"the footer counts {footer['events']} events, the file has {self.events}")
        end = max(_number(footer["at"]), self.last)
        for number, begun in self.open.items():  # their outcome is unknown
            self.done.append(_operation(begun.value, {"type": "info"}, number=number, end_event=0, begin=begun.begin,
                                        end=max(end, begun.begin)))  # fmt: skip
        return History(
            self.header,
            view_snapshots=self._all(ViewSnapshot),
            task_snapshots=self._all(TaskSnapshot),
            calls=self._all(CallRecord),
            changes=self._all(ChangeRecord),
            faults=self._all(FaultRecord),
            undos=self._all(UndoRecord),
            end=end,
            stopped=_text(footer["stopped"]),
            phases=self._all(PhaseRecord),
        )

    def _all(self, kind: type[T]) -> tuple[T, ...]:
        found = [operation for operation in self.done if type(operation) is kind]
        return tuple(sorted(found, key=lambda operation: (operation.begin, operation.number)))

    def _clock_error(self, value: Mapping[str, Any]) -> float:
        """Return by how many seconds the clock that stamped this event may be off."""
        machine = value.get("machine")
        if machine is None:
            return next(iter(self.header.machines.values()), 0.0) if len(self.header.machines) == 1 else 0.0
        if machine not in self.header.machines:
            raise ValueError(
                f"it is from the machine {machine!r}, and the header does not say by how much its clock may be off"
            )
        return self.header.machines[machine]


def _operation(
    begun: Mapping[str, Any], result: Mapping[str, Any], *, number: int, end_event: int, begin: float, end: float
) -> Operation:
    what = begun["what"]
    base: dict[str, Any] = {
        "number": number,
        "end_event": end_event,
        "actor": _text(begun["who"]),
        "begin": begin,
        "end": end,
        "outcome": Outcome(result["type"]),
    }
    match what:
        case "look":
            members = {name: ViewMember(**member) for name, member in result.get("members", {}).items()}
            return ViewSnapshot(
                **base, view=_text(begun["view"]), members=members, revision=int(result.get("revision", 0)),
                ttl=_number(result.get("ttl", 0)), error=_text(result.get("error", "")),
            )  # fmt: skip
        case "tasks":
            return TaskSnapshot(
                **base, tasks={name: TaskState(**state) for name, state in result.get("tasks", {}).items()}
            )
        case "call":
            return CallRecord(
                **base, address=_text(begun["address"]), snapshot=int(begun.get("by", 0)),
                task=_text(result.get("task", "")), status=int(result.get("status", 0)),
                error=_text(result.get("error", "")),
            )  # fmt: skip
        case "change":
            parameters = begun.get("parameters", begun.get(_VERSION_1_PARAMETERS, {}))
            return ChangeRecord(**base, call=_text(begun["call"]), parameters=dict(parameters))
        case "fault":
            return FaultRecord(
                **base, fault=_text(begun["fault"]), victims=tuple(begun.get("victims", ())),
                lasting=bool(begun.get("lasting")),
            )  # fmt: skip
        case "undo":
            return UndoRecord(**base, of=int(begun["fault"]))
        case "phase":
            return PhaseRecord(**base, name=_text(begun["name"]))
        case _:
            raise ValueError(f"there is no operation {what!r}")


_VERSION_1_PARAMETERS = "told"
"""The member of version 1 that became `parameters`."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value)


def _member_of(value: object, allowed: Collection[str]) -> str:
    if value not in allowed:
        raise ValueError(f"expected one of {', '.join(sorted(allowed))}, got {value!r}")
    return str(value)


def _format_error(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
