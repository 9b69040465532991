"""Reads a history, whole or not at all: what is cut, shuffled, foreign or of two clocks is refused with its line."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from surveyor.history.values import (
    KIND,
    VERSION,
    Call,
    Change,
    Check,
    Fault,
    Header,
    History,
    HistoryBroken,
    Look,
    Member,
    Operation,
    Outcome,
    Phase,
    TaskSeen,
    TaskSnapshot,
    Undo,
    View,
)

__all__ = ["load_history", "read_history"]

T = TypeVar("T", bound=Operation)

_ENDS = frozenset(str(one) for one in Outcome)


def load_history(path: Path) -> History:
    """The history in a file. Raises HistoryBroken, in one line, for anything that is not a whole one."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise HistoryBroken(f"{path}: is not text") from None
    except OSError as missing:
        raise HistoryBroken(f"{path}: cannot be read: {missing.strerror}") from None
    try:
        return read_history(text.splitlines())
    except HistoryBroken as wrong:
        raise HistoryBroken(f"{path}: {wrong}") from None


def read_history(lines: Iterable[str]) -> History:
    """The history that lines hold. Raises HistoryBroken."""
    values = [_parsed(number, line) for number, line in enumerate(lines, 1)]
    if not values:
        raise HistoryBroken("is empty")
    header = _header(values[0])
    if len(values) == 1 or values[-1].get("type") != "footer":
        raise HistoryBroken(
            f"has no footer after line {len(values)}: its run was cut short, or is still going on, and proves nothing"
        )
    reader = _Reader(header)
    for number, value in enumerate(values[1:-1], 2):
        try:
            reader.event(value)
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            raise HistoryBroken(f"line {number}: {_told(wrong)}") from None
    try:
        return reader.whole(values[-1])
    except (KeyError, TypeError, ValueError) as wrong:
        raise HistoryBroken(f"line {len(values)}: {_told(wrong)}") from None


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise HistoryBroken(f"line {number} is cut off or no JSON") from None
    if not isinstance(value, dict):
        raise HistoryBroken(f"line {number} is no JSON object")
    return value


def _header(value: Mapping[str, Any]) -> Header:
    if value.get("type") != "header" or value.get("kind") != KIND:
        raise HistoryBroken(f"line 1: expected the header of a {KIND}")
    if value.get("version") != VERSION:
        raise HistoryBroken(f"line 1: has version {value.get('version')!r}; this Surveyor reads {VERSION}")
    try:
        return Header(
            experiment=_text(value["experiment"]),
            title=_text(value["title"]),
            target=_text(value["target"]),
            seed=int(value["seed"]),
            scale=_number(value["scale"]),
            started=_text(value["started"]),
            service=dict(value["service"]),
            machines={name: _number(off) for name, off in value["machines"].items()},
            views={
                name: View(_one_of(view["of"], ("instances", "addresses")), bool(view["healthy"]), int(view["most"]))
                for name, view in value["views"].items()
            },
            checks=tuple(
                Check(_text(one["check"]), {name: limit for name, limit in one.items() if name != "check"})
                for one in value["checks"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise HistoryBroken(f"line 1: {_told(wrong)}") from None


@dataclass
class _Open:
    """An operation whose end has not come yet."""

    value: Mapping[str, Any]
    begin: float


@dataclass
class _Reader:
    header: Header
    last: float = 0.0
    events: int = 0
    open: dict[int, _Open] = field(default_factory=dict)
    done: list[Operation] = field(default_factory=list)

    def event(self, value: Mapping[str, Any]) -> None:
        if value["n"] != self.events + 1:
            raise ValueError(f"event {self.events + 1} is expected, event {value['n']} came: lines lack or were moved")
        self.events += 1
        at, off = _number(value["at"]), self._off(value)
        if at < self.last - off:
            raise ValueError(
                f"time goes back from {self.last:g} to {at:g} s"
                + (f", more than the {off:g} s by which its machine's clock may be off" if off else "")
            )
        self.last = max(self.last, at)
        kind = _one_of(value["type"], ("invoke", *_ENDS))
        if kind == "invoke":
            self.open[self.events] = _Open(value, max(0.0, at - off))
            return
        begun = self.open.pop(value["of"], None)
        if begun is None:
            raise ValueError(f"it ends operation {value['of']}, which is not open")
        self.done.append(
            _operation(begun.value, value, number=value["of"], ended=self.events, begin=begun.begin, end=at + off)
        )

    def whole(self, footer: Mapping[str, Any]) -> History:
        if footer["events"] != self.events:
            raise ValueError(f"the footer counts {footer['events']} events, there are {self.events}")
        end = max(_number(footer["at"]), self.last)
        for number, begun in self.open.items():  # nobody knows what became of these
            self.done.append(_operation(begun.value, {"type": "info"}, number=number, ended=0, begin=begun.begin,
                                        end=max(end, begun.begin)))  # fmt: skip
        return History(
            self.header,
            looks=self._all(Look),
            rolls=self._all(TaskSnapshot),
            calls=self._all(Call),
            changes=self._all(Change),
            faults=self._all(Fault),
            undos=self._all(Undo),
            end=end,
            stopped=_text(footer["stopped"]),
            phases=self._all(Phase),
        )

    def _all(self, kind: type[T]) -> tuple[T, ...]:
        found = [one for one in self.done if type(one) is kind]
        return tuple(sorted(found, key=lambda one: (one.begin, one.number)))

    def _off(self, value: Mapping[str, Any]) -> float:
        machine = value.get("machine")
        if machine is None:
            return next(iter(self.header.machines.values()), 0.0) if len(self.header.machines) == 1 else 0.0
        if machine not in self.header.machines:
            raise ValueError(
                f"it comes from the machine {machine!r}, and the header does not say by how much its clock may be off"
            )
        return self.header.machines[machine]


def _operation(
    begun: Mapping[str, Any], told: Mapping[str, Any], *, number: int, ended: int, begin: float, end: float
) -> Operation:
    who, what, outcome = _text(begun["who"]), begun["what"], Outcome(told["type"])
    base: dict[str, Any] = {
        "number": number,
        "ended": ended,
        "who": who,
        "begin": begin,
        "end": end,
        "outcome": outcome,
    }
    match what:
        case "look":
            members = {name: Member(**one) for name, one in told.get("members", {}).items()}
            return Look(
                **base, view=_text(begun["view"]), members=members, revision=int(told.get("revision", 0)),
                ttl=_number(told.get("ttl", 0)), error=_text(told.get("error", "")),
            )  # fmt: skip
        case "tasks":
            return TaskSnapshot(**base, tasks={name: TaskSeen(**one) for name, one in told.get("tasks", {}).items()})
        case "call":
            return Call(
                **base, address=_text(begun["address"]), by=int(begun.get("by", 0)), task=_text(told.get("task", "")),
                status=int(told.get("status", 0)), error=_text(told.get("error", "")),
            )  # fmt: skip
        case "change":
            return Change(**base, call=_text(begun["call"]), told=dict(begun.get("told", {})))
        case "fault":
            return Fault(
                **base, fault=_text(begun["fault"]), victims=tuple(begun.get("victims", ())),
                lasting=bool(begun.get("lasting")),
            )  # fmt: skip
        case "undo":
            return Undo(**base, of=int(begun["fault"]))
        case "phase":
            return Phase(**base, name=_text(begun["name"]))
        case _:
            raise ValueError(f"there is no operation {what!r}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is to be text")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{value!r} is to be a number")
    return float(value)


def _one_of(value: object, allowed: Collection[str]) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is to be one of {', '.join(sorted(allowed))}")
    return str(value)


def _told(wrong: Exception) -> str:
    return f"{wrong.args[0]!r} is missing" if isinstance(wrong, KeyError) else str(wrong)
