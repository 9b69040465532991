"""Read a history completely or not at all: a cut, reordered or foreign file is refused with the line of the problem."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from surveyor.errors import UsageError
from surveyor.history.lines import KIND, READABLE_VERSIONS, VERSION, Ended, Footer, HeaderLine, Invoked, Line, Unclear
from surveyor.history.values import (
    CallRecord,
    ChangeRecord,
    DeploymentSnapshot,
    FaultRecord,
    Header,
    History,
    HistoryBroken,
    InjectionRecord,
    Operation,
    PhaseRecord,
    TaskSnapshot,
    UndoRecord,
    ViewSnapshot,
)
from surveyor.input_files import REPORT_LIMIT, read_text
from surveyor.typed_json import parse_json

__all__ = ["GrowingHistory", "load_history", "read_history"]

T = TypeVar("T", bound=Operation)

_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def load_history(path: Path) -> History:
    """Return the history in a file. Raises HistoryBroken, in one line, for anything but a complete history."""
    try:
        text = read_text(path, REPORT_LIMIT)
    except UsageError as error:
        raise HistoryBroken(str(error)) from None
    try:
        return read_history(io.StringIO(text))
    except HistoryBroken as error:
        raise HistoryBroken(f"{path}: {error}") from None


def read_history(lines: Iterable[str]) -> History:
    """Return the history in these lines. Raises HistoryBroken."""
    values = [_parse_line(number, line) for number, line in enumerate(lines, 1)]
    if not values:
        raise HistoryBroken("is empty")
    reader = _Reader(_read_header(values[0]))
    footer = values[-1]
    if not isinstance(footer, Footer):
        raise HistoryBroken(
            f"has no footer after line {len(values)}: its run was cut short or is still in progress, so it proves "
            "nothing"
        )
    for number, value in enumerate(values[1:-1], 2):
        try:
            reader.add_event(value)
        except ValueError as error:
            raise HistoryBroken(f"line {number}: {error}") from None
    try:
        return reader.finish(footer)
    except ValueError as error:
        raise HistoryBroken(f"line {len(values)}: {error}") from None


class GrowingHistory:
    """A history that is still being written, by this process."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8")
        self._reader = _Reader(_read_header(_parse_line(1, self._file.readline())))
        self._lines = 1
        self._rest = ""

    def read(self) -> History:
        """Return what has been written until now; operations that have not ended end with the last event."""
        for line in self._file:
            self._rest += line
            if not self._rest.endswith("\n"):
                break
            self._lines += 1
            value = _parse_line(self._lines, self._rest)
            self._rest = ""
            if not isinstance(value, Footer):
                self._reader.add_event(value)
        return self._reader.finish(Footer(self._reader.events, self._reader.last, ""))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _parse_line(number: int, line: str) -> Line:
    try:
        try:
            return _DECODER.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return parse_json(line, cast(type[Line], Line))  # it reads half a surrogate pair, and says what is wrong
    except ValueError as error:
        problem = str(error)
        if problem.startswith("is "):
            raise HistoryBroken(f"line {number} is cut off or not JSON") from None
        if problem.startswith("at the top: expected 'object'"):
            raise HistoryBroken(f"line {number} is not a JSON object") from None
        raise HistoryBroken(f"line {number}: {problem}") from None


def _read_header(value: Line) -> Header:
    if not isinstance(value, HeaderLine) or value.kind != KIND:
        raise HistoryBroken(f"line 1: expected the header of a {KIND}")
    if value.version not in READABLE_VERSIONS:
        readable = f"{READABLE_VERSIONS[0]} to {VERSION}"
        raise HistoryBroken(f"line 1: has version {value.version!r}; this Surveyor reads {readable}")
    try:
        return value.header()
    except ValueError as error:
        raise HistoryBroken(f"line 1: {error}") from None


class _OpenOperation(NamedTuple):
    """An operation whose end has not been read yet."""

    line: Invoked
    begin: float


@dataclass
class _Reader:
    """Reads events in order and pairs the two events of each operation."""

    header: Header
    last: float = 0.0
    events: int = 0
    open: dict[int, _OpenOperation] = field(default_factory=dict)
    done: list[Operation] = field(default_factory=list)

    def add_event(self, line: Line) -> None:
        if not isinstance(line, Invoked | Ended):
            raise ValueError("a header or footer between the events")
        if line.number != self.events + 1:
            raise ValueError(f"expected event {self.events + 1}, got event {line.number}: lines are missing or moved")
        self.events += 1
        at, clock_error = line.at, self._clock_error(line)
        if at < self.last - clock_error:
            raise ValueError(
                f"time goes back from {self.last:g} to {at:g} s"
                + (f", more than the {clock_error:g} s by which its machine's clock may be off" if clock_error else "")
            )
        self.last = max(self.last, at)
        if isinstance(line, Invoked):
            self.open[self.events] = _OpenOperation(line, max(0.0, at - clock_error))
            return
        begun = self.open.pop(line.of, None)
        if begun is None:
            raise ValueError(f"it ends operation {line.of}, which is not open")
        self.done.append(_operation(begun, line, end_event=self.events, end=at + clock_error))

    def finish(self, footer: Footer) -> History:
        if footer.events != self.events:
            raise ValueError(f"the footer counts {footer.events} events, the file has {self.events}")
        end = max(footer.at, self.last)
        # The outcome of what has not ended is unknown.
        unclear = [
            _operation(begun, Unclear(number=number, at=end, of=number), end_event=0, end=max(end, begun.begin))
            for number, begun in self.open.items()
        ]
        operations = sorted((*self.done, *unclear), key=lambda operation: (operation.begin, operation.number))

        def every(kind: type[T]) -> tuple[T, ...]:
            return tuple(operation for operation in operations if type(operation) is kind)

        return History(
            self.header,
            view_snapshots=every(ViewSnapshot),
            task_snapshots=every(TaskSnapshot),
            calls=every(CallRecord),
            changes=every(ChangeRecord),
            faults=every(FaultRecord),
            undos=every(UndoRecord),
            end=end,
            stopped=footer.stopped,
            phases=every(PhaseRecord),
            deployment_snapshots=every(DeploymentSnapshot),
            injections=every(InjectionRecord),
        )

    def _clock_error(self, line: Invoked | Ended) -> float:
        """Return by how many seconds the clock that stamped this event may be off."""
        if line.machine is None:
            return next(iter(self.header.machines.values()), 0.0) if len(self.header.machines) == 1 else 0.0
        if line.machine not in self.header.machines:
            raise ValueError(
                f"it is from the machine {line.machine!r}, and the header does not say by how much its clock may be off"
            )
        return self.header.machines[line.machine]


def _operation(begun: _OpenOperation, result: Ended, *, end_event: int, end: float) -> Operation:
    line = begun.line
    base: dict[str, Any] = {
        "number": line.number,
        "end_event": end_event,
        "actor": line.actor,
        "begin": begun.begin,
        "end": end,
        "outcome": result.outcome,
    }
    match line.what:
        case "look":
            return ViewSnapshot(
                **base, view=line.view, members=result.members, revision=result.revision, ttl=result.ttl,
                error=result.error,
            )  # fmt: skip
        case "tasks":
            return TaskSnapshot(**base, tasks=result.tasks)
        case "deployments":
            return DeploymentSnapshot(
                **base, deployments=result.deployments, watched=result.watched, error=result.error
            )
        case "call":
            return CallRecord(
                **base, address=line.address, snapshot=line.by, task=result.task, status=result.status,
                error=result.error, client=line.client, seconds=result.seconds,
            )  # fmt: skip
        case "change":
            return ChangeRecord(**base, call=line.call, parameters=line.parameters or line.version_1_parameters)
        case "fault":
            return FaultRecord(
                **base,
                fault=str(line.fault),
                victims=line.victims,
                lasting=line.lasting,
                description=line.description,
            )
        case "undo":
            return UndoRecord(**base, of=_fault_number(line))
        case "injection":
            return InjectionRecord(**base, fault=str(line.fault), call=line.call)
        case "phase":
            return PhaseRecord(**base, name=line.name)


def _fault_number(line: Invoked) -> int:
    if not isinstance(line.fault, int):
        raise ValueError(f"expected the number of a fault, got {line.fault!r}")
    return line.fault
