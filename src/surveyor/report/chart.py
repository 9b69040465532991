"""An experiment on one axis of time, as numbers: faults, the lives of tasks, what each view showed, what calls got.

It is read from the history, small enough for a report, and drawn by `drawing`. All times are service seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from surveyor.checkers.sightings import looks_by_observer
from surveyor.history import History, Life, Outcome, lives_of

__all__ = ["Band", "Bar", "Chart", "Lane", "Row", "Stairs", "chart_of"]

MOST_TASKS = 24
BUCKETS = 90


@dataclass(frozen=True)
class Band:
    """A fault, from when it was on until it was over."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Bar:
    """A part of a task's life: `starting`, `running`, `leaving`."""

    start: float
    end: float
    state: str


@dataclass(frozen=True)
class Row:
    """One task. `victim`: something was done to it."""

    task: str
    address: str
    victim: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Stairs:
    """How many a view showed: from each moment on so many, until the next."""

    view: str
    steps: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Lane:
    """One client model: its attempts in each bucket, and how many of them failed or had no answer in time."""

    client: str
    attempts: tuple[int, ...]
    failed: tuple[int, ...]


@dataclass(frozen=True)
class Chart:
    """Everything. `more` tasks are not shown; a bucket of calls is `bucket` seconds wide; `lanes`: of a scenario."""

    seconds: float
    bands: tuple[Band, ...]
    rows: tuple[Row, ...]
    more: int
    stairs: tuple[Stairs, ...]
    bucket: float
    ok: tuple[int, ...]
    fail: tuple[int, ...]
    info: tuple[int, ...]
    lanes: tuple[Lane, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        value: dict[str, Any] = _lists(asdict(self))
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Chart:
        """The inverse of to_json."""
        return cls(
            seconds=value["seconds"],
            bands=tuple(Band(**one) for one in value["bands"]),
            rows=tuple(
                Row(one["task"], one["address"], one["victim"], tuple(Bar(**bar) for bar in one["bars"]))
                for one in value["rows"]
            ),
            more=value["more"],
            stairs=tuple(
                Stairs(one["view"], tuple((at, count) for at, count in one["steps"])) for one in value["stairs"]
            ),
            bucket=value["bucket"],
            ok=tuple(value["ok"]),
            fail=tuple(value["fail"]),
            info=tuple(value["info"]),
            lanes=tuple(
                Lane(one["client"], tuple(one["attempts"]), tuple(one["failed"])) for one in value.get("lanes", ())
            ),
        )


def _lists(value: Any) -> Any:
    """With lists for tuples, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _lists(one) for name, one in value.items()}
    return [_lists(one) for one in value] if isinstance(value, tuple | list) else value


def chart_of(history: History) -> Chart:
    """The chart of a history."""
    victims = {victim for fault in history.faults for victim in fault.victims}
    # Those that something happened to tell more than those that stood by.
    lives = sorted(lives_of(history), key=lambda life: life.seen.high)
    chosen = sorted(lives, key=lambda life: (life.task not in victims, life.leaving is None))[:MOST_TASKS]
    bucket = max(0.5, round(history.end / BUCKETS, 1))
    return Chart(
        seconds=round(history.end, 1),
        bands=tuple(
            Band(fault.fault, round(fault.begin, 1), round(history.fault_span(fault).high, 1))
            for fault in history.faults
        ),
        rows=tuple(_row(life, history.end, life.task in victims) for life in lives if life in chosen),
        more=len(lives) - len(chosen),
        stairs=tuple(_stairs(history)),
        bucket=bucket,
        ok=_counted(history, Outcome.OK, bucket),
        fail=_counted(history, Outcome.FAIL, bucket),
        info=_counted(history, Outcome.INFO, bucket),
    )


def _row(life: Life, end: float, victim: bool) -> Row:
    marks = [("starting", life.seen.low), ("running", life.running.low if life.running else None)]
    over = life.ended.high if life.ended else end
    leaving = life.leaving.high if life.leaving else None
    marks.append(("leaving", leaving if leaving is not None and leaving < over else None))
    known = [(state, at) for state, at in marks if at is not None]
    ends = [at for _, at in known[1:]] + [over]
    bars = [Bar(round(at, 1), round(until, 1), state) for (state, at), until in zip(known, ends, strict=True)]
    return Row(life.task, life.address, victim, tuple(bar for bar in bars if bar.end > bar.start))


def _stairs(history: History) -> Iterator[Stairs]:
    running = [
        (roll.begin, sum(one.status == "RUNNING" for one in roll.tasks.values()))
        for roll in history.rolls
        if roll.outcome is Outcome.OK
    ]
    yield Stairs("running tasks", _steps(running))
    for name, looks in looks_by_observer(history):
        yield Stairs(name, _steps([(look.begin, len(look.members)) for look in looks]))


def _steps(seen: Sequence[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    steps: list[tuple[float, int]] = []
    for at, count in seen:
        if not steps or steps[-1][1] != count:
            steps.append((round(at, 1), count))
    return tuple(steps)


def _counted(history: History, outcome: Outcome, bucket: float) -> tuple[int, ...]:
    counts = [0] * (int(history.end / bucket) + 1)
    for call in history.calls:
        if call.outcome is outcome:
            counts[min(int(call.begin / bucket), len(counts) - 1)] += 1
    return tuple(counts)
