"""A history is read completely or not at all: cut, reordered, foreign and skewed files are refused with the reason."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.history import (
    Check,
    GrowingHistory,
    Header,
    HistoryBroken,
    Outcome,
    Recorder,
    TaskState,
    View,
    ViewMember,
    load_history,
    read_history,
)
from surveyor.history.lines import Line
from tests.checkers.simulated_services import SimulatedService, SimulatedTask, fault, lines_of, simulated_services

SCHEMA = msgspec.json.schema(Line)
HEADER = Header(
    "made", "A made-up experiment.", "nothing", 7, 10.0, "2026-11-20T00:00:00+00:00", {"TTL": "20 s"}, {},
    {"discover": View(), "names": View("addresses", healthy=True, max_members=8)}, (Check("gone", {"within": 5.0}),),
)  # fmt: skip


class TickingClock:
    """A clock that advances at each reading."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        """Advance by a tenth of a second."""
        self.at += 0.1
        return self.at


def recorded(path: Path) -> Path:
    """Write a file with one operation of each kind."""
    with Recorder(path, HEADER, TickingClock()) as recorder:
        recorder.record_tasks(
            recorder.invoke("tasks", "tasks"), {"t1": TaskState("RUNNING", "127.0.0.1", "a", "HEALTHY")}
        )
        look = recorder.invoke("discover", "look", view="discover")
        recorder.record_view(look, {"t1": ViewMember("127.0.0.1", "HEALTHY")}, revision=4, ttl=20.0)
        call = recorder.invoke("client", "call", address="127.0.0.1", by=look)
        recorder.end(call, Outcome.OK, status=200, task="t1")
        began = recorder.invoke("faults", "fault", fault="task.pause", victims=("t1",), lasting=True)
        recorder.end(began, Outcome.OK)
        recorder.end(recorder.invoke("faults", "undo", fault=began), Outcome.OK)
        change = recorder.invoke("us", "change", call="ecs:UpdateService", parameters={"desiredCount": "3"})
        recorder.end(change, Outcome.INFO, error="no answer")
        recorder.invoke("names", "look", view="names")  # its outcome stays unknown
    return path


def test_a_written_history_is_read_back(tmp_path: Path) -> None:
    """Every kind of operation keeps its span, its outcome and its result."""
    history = load_history(recorded(tmp_path / "h.jsonl"))
    assert history.header == HEADER
    look, unknown = history.view_snapshots
    assert (look.view, look.members, look.revision, look.ttl) == (
        "discover",
        {"t1": ViewMember("127.0.0.1", "HEALTHY")},
        4,
        20,
    )
    assert look.begin < look.end
    assert (unknown.outcome, unknown.end_event, unknown.end) == (Outcome.INFO, 0, history.end)
    assert history.task_snapshots[0].tasks == {"t1": TaskState("RUNNING", "127.0.0.1", "a", "HEALTHY")}
    [call], [change] = history.calls, history.changes
    assert (call.address, call.snapshot, call.task, call.status) == ("127.0.0.1", look.number, "t1", 200)
    assert (change.call, change.parameters, change.outcome) == (
        "ecs:UpdateService",
        {"desiredCount": "3"},
        Outcome.INFO,
    )
    [paused] = history.faults
    assert history.fault_span(paused).high == history.undos[0].end


def test_every_line_fits_the_schema(tmp_path: Path) -> None:
    """Lines that Surveyor writes and lines of simulated services are valid."""
    service = SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0, 40.0),)).but(fault(20.0, "task.kill", "a"))
    fits = jsonschema.Draft202012Validator(SCHEMA)  # built once: this also checks the schema itself
    for line in (*recorded(tmp_path / "h.jsonl").read_text().splitlines(), *lines_of(service)):
        fits.validate(json.loads(line))


def test_threads_write_one_file_in_order(tmp_path: Path) -> None:
    """With eight observers at once no line is torn, and times never go back."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, TickingClock())

    def observe(actor: str) -> None:
        for _ in range(50):
            recorder.record_view(recorder.invoke(actor, "look", view="discover"), {"t1": ViewMember()})

    threads = [threading.Thread(target=observe, args=(f"o{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert len(load_history(tmp_path / "h.jsonl").view_snapshots) == 400


def test_nothing_is_written_after_the_footer(tmp_path: Path) -> None:
    """An observer's answer that arrives after the end of the run is dropped."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, TickingClock())
    late = recorder.invoke("discover", "look", view="discover")
    recorder.close("Ctrl-C")
    recorder.record_view(late, {})
    history = load_history(tmp_path / "h.jsonl")
    assert (history.stopped, history.view_snapshots[0].outcome) == ("Ctrl-C", Outcome.INFO)


def test_version_1_is_read() -> None:
    """A history of version 1 has the parameters of a change in the member `told`."""
    change = {
        "begin": 10.0, "end": 10.1, "outcome": "ok", "result": {},
        "invoke": {"who": "us", "what": "change", "call": "ecs:UpdateService", "told": {"desiredCount": "3"}},
    }  # fmt: skip
    lines = lines_of(SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),)).but(change))
    lines[0] = json.dumps(json.loads(lines[0]) | {"version": 1})
    assert read_history(lines).changes[0].parameters == {"desiredCount": "3"}


Lines = list[str]


def _edited(number: int, **values: Any) -> Callable[[Lines], Lines]:
    def edit(lines: Lines) -> Lines:
        lines[number] = json.dumps(json.loads(lines[number]) | values)
        return lines

    return edit


BROKEN: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "empty": (lambda lines: [], "is empty"),
    "no footer": (lambda lines: lines[:-1], "no footer after line"),
    "cut in a line": (lambda lines: [*lines[:-2], lines[-2][:20]], "cut off or not JSON"),
    "header only": (lambda lines: lines[:1], "no footer"),
    "no header": (lambda lines: lines[1:], "expected the header"),
    "shuffled": (lambda lines: [lines[0], *random.Random(3).sample(lines[1:-1], len(lines) - 2), lines[-1]], "moved"),
    "a line lacks": (lambda lines: [*lines[:9], *lines[10:]], "expected event 9, got event 10"),
    "another version": (_edited(0, version=5), "version 5; this Surveyor reads 1 to 4"),
    "another kind": (_edited(0, kind="jepsen"), "expected the header"),
    "a wrong footer": (_edited(-1, events=3), "the footer counts 3 events"),
    "an unknown machine": (_edited(9, machine="laptop"), "from the machine 'laptop'"),
    "time goes back": (_edited(-2, at=0.5), "time goes back"),
    "an end of nothing": (_edited(-2, of=10_000), "which is not open"),
    "an unknown operation": (_edited(1, what="dance"), "at what: invalid enum value 'dance'"),
    "no time": (_edited(5, at=None), "at at: expected 'float', got 'null'"),
    "a list": (lambda lines: [*lines[:4], "[]", *lines[5:]], "not a JSON object"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_incomplete_or_foreign_file_is_refused(name: str) -> None:
    """The message is one line that names the place and the problem."""
    change, message = BROKEN[name]
    lines = change(lines_of(SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),))))
    with pytest.raises(HistoryBroken) as refusal:
        read_history(lines)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    """A path without a file, and a picture."""
    with pytest.raises(HistoryBroken, match="cannot be read"):
        load_history(tmp_path / "none.jsonl")
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(HistoryBroken, match="is not text"):
        load_history(tmp_path / "binary")


def test_the_clock_error_of_another_machine_widens_its_spans() -> None:
    """Events of a machine whose clock error is declared are accepted, with wider spans."""
    lines = lines_of(SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),)))
    lines[0] = json.dumps(json.loads(lines[0]) | {"machines": {"here": 0.0, "there": 2.0}})
    begins = next(n for n, line in enumerate(lines) if n > 300 and json.loads(line).get("what") == "look")
    number = json.loads(lines[begins])["n"]
    ends = next(n for n, line in enumerate(lines) if json.loads(line).get("of") == number)
    for index in (begins, ends):
        value = json.loads(lines[index])
        lines[index] = json.dumps(value | {"machine": "there", "at": value["at"] - 1.5})
    history = read_history(lines)
    [wide] = [snapshot for snapshot in history.view_snapshots if snapshot.number == number]
    assert wide.end - wide.begin == pytest.approx(4.2)


@pytest.mark.soak
@settings(max_examples=150, deadline=None)
@given(service=simulated_services(), data=st.data())
def test_a_damaged_file_is_refused_or_read(service: SimulatedService, data: st.DataObject) -> None:
    """Changed bytes and doubled or dropped lines raise no exception but HistoryBroken."""
    lines = lines_of(service)[:60]
    lines.append(json.dumps({"type": "footer", "events": 59, "at": 400.0, "stopped": ""}))
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    cut = data.draw(st.integers(0, len(line)))
    junk = data.draw(st.text(max_size=8) | st.sampled_from(["null", "{}", "[]", '"', "1e999", "-1", "true"]))
    lines[at] = data.draw(st.sampled_from([line[:cut] + junk + line[cut:], line[:cut] + junk, junk]))
    with contextlib.suppress(HistoryBroken):
        read_history(lines)


def test_a_history_is_read_while_it_grows(tmp_path: Path) -> None:
    """Each read has what was written before, also half lines of another thread; what has not ended is unclear."""
    with Recorder(tmp_path / "h.jsonl", HEADER, TickingClock()) as recorder:
        growing = GrowingHistory(recorder.path)
        assert growing.read().calls == ()
        first = recorder.invoke("client", "call", address="127.0.0.1", client="dns")
        assert [call.outcome for call in growing.read().calls] == [Outcome.INFO]
        recorder.end(first, Outcome.OK, status=200, seconds=0.25)
        recorder.invoke("client", "call", address="127.0.0.1", client="dns")
        read = growing.read()
        assert [(call.outcome, call.client, call.seconds) for call in read.calls] == [
            (Outcome.OK, "dns", 0.25),
            (Outcome.INFO, "dns", 0.0),
        ]
        cut = recorder.path.read_text("utf-8")
    complete = load_history(recorder.path)
    assert [call.address for call in growing.read().calls] == [call.address for call in complete.calls]
    growing.close()
    half = tmp_path / "half.jsonl"
    half.write_text(cut[:-20], "utf-8")
    growing = GrowingHistory(half)
    assert len(growing.read().calls) == 1
    half.write_text(cut, "utf-8")
    assert len(growing.read().calls) == 2
    growing.close()
