"""A history is read whole or not at all: cut, shuffled, foreign and skewed files are refused with what is wrong."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.history import (
    Check,
    Header,
    HistoryBroken,
    Member,
    Outcome,
    Recorder,
    TaskSeen,
    View,
    load_history,
    read_history,
)
from tests.checkers.worlds import Made, World, fault, lines_of, worlds

SCHEMA = json.loads((Path(load_history.__code__.co_filename).with_name("history.schema.json")).read_text("utf-8"))
HEADER = Header(
    "made", "A made-up one.", "nothing", 7, 10.0, "2026-11-20T00:00:00+00:00", {"TTL": "20 s"}, {},
    {"discover": View(), "names": View("addresses", healthy=True, most=8)}, (Check("gone", {"within": 5.0}),),
)  # fmt: skip


class Ticking:
    """A clock that goes on by itself."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        """One more tenth of a second."""
        self.at += 0.1
        return self.at


def recorded(path: Path) -> Path:
    """A file with one operation of each kind."""
    with Recorder(path, HEADER, Ticking()) as recorder:
        recorder.counted(recorder.invoke("tasks", "tasks"), {"t1": TaskSeen("RUNNING", "127.0.0.1", "a", "HEALTHY")})
        look = recorder.invoke("discover", "look", view="discover")
        recorder.saw(look, {"t1": Member("127.0.0.1", "HEALTHY")}, revision=4, ttl=20.0)
        call = recorder.invoke("client", "call", address="127.0.0.1", by=look)
        recorder.end(call, Outcome.OK, status=200, task="t1")
        began = recorder.invoke("faults", "fault", fault="task.pause", victims=("t1",), lasting=True)
        recorder.end(began, Outcome.OK)
        recorder.end(recorder.invoke("faults", "undo", fault=began), Outcome.OK)
        change = recorder.invoke("us", "change", call="ecs:UpdateService", told={"desiredCount": "3"})
        recorder.end(change, Outcome.INFO, error="no answer")
        recorder.invoke("names", "look", view="names")  # nobody knows what became of it
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Every kind of operation, with its span, its outcome and what it saw."""
    history = load_history(recorded(tmp_path / "h.jsonl"))
    assert history.header == HEADER
    look, unknown = history.looks
    assert (look.view, look.members, look.revision, look.ttl) == (
        "discover",
        {"t1": Member("127.0.0.1", "HEALTHY")},
        4,
        20,
    )
    assert look.begin < look.end
    assert (unknown.outcome, unknown.ended, unknown.end) == (Outcome.INFO, 0, history.end)
    assert history.rolls[0].tasks == {"t1": TaskSeen("RUNNING", "127.0.0.1", "a", "HEALTHY")}
    [call], [change] = history.calls, history.changes
    assert (call.address, call.by, call.task, call.status) == ("127.0.0.1", look.number, "t1", 200)
    assert (change.call, change.told, change.outcome) == ("ecs:UpdateService", {"desiredCount": "3"}, Outcome.INFO)
    [paused] = history.faults
    assert history.fault_span(paused).high == history.undos[0].end


def test_every_line_fits_the_schema(tmp_path: Path) -> None:
    """Those that Surveyor writes, and those of made-up worlds."""
    made = World((Made("a", "127.0.0.1", 0.0, 40.0),)).but(fault(20.0, "task.kill", "a"))
    fits = jsonschema.Draft202012Validator(SCHEMA)  # made once: it checks the schema itself, too
    for line in (*recorded(tmp_path / "h.jsonl").read_text().splitlines(), *lines_of(made)):
        fits.validate(json.loads(line))


def test_threads_write_one_file_in_order(tmp_path: Path) -> None:
    """Eight observers at once: no line is torn, and times go forward."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, Ticking())

    def observe(who: str) -> None:
        for _ in range(50):
            recorder.saw(recorder.invoke(who, "look", view="discover"), {"t1": Member()})

    threads = [threading.Thread(target=observe, args=(f"o{number}",)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    recorder.close()
    assert len(load_history(tmp_path / "h.jsonl").looks) == 400


def test_a_run_that_is_over_writes_no_more(tmp_path: Path) -> None:
    """An observer's last answer comes after the footer, and is dropped."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, Ticking())
    late = recorder.invoke("discover", "look", view="discover")
    recorder.close("Ctrl-C")
    recorder.saw(late, {})
    history = load_history(tmp_path / "h.jsonl")
    assert (history.stopped, history.looks[0].outcome) == ("Ctrl-C", Outcome.INFO)


Lines = list[str]


def _edited(number: int, **values: Any) -> Callable[[Lines], Lines]:
    def edit(lines: Lines) -> Lines:
        lines[number] = json.dumps(json.loads(lines[number]) | values)
        return lines

    return edit


BROKEN: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "empty": (lambda lines: [], "is empty"),
    "no footer": (lambda lines: lines[:-1], "no footer after line"),
    "cut in a line": (lambda lines: [*lines[:-2], lines[-2][:20]], "cut off or no JSON"),
    "header only": (lambda lines: lines[:1], "no footer"),
    "no header": (lambda lines: lines[1:], "expected the header"),
    "shuffled": (lambda lines: [lines[0], *random.Random(3).sample(lines[1:-1], len(lines) - 2), lines[-1]], "moved"),
    "a line lacks": (lambda lines: [*lines[:9], *lines[10:]], "event 9 is expected, event 10 came"),
    "another version": (_edited(0, version=2), "version 2; this Surveyor reads 1"),
    "another kind": (_edited(0, kind="jepsen"), "expected the header"),
    "a wrong footer": (_edited(-1, events=3), "the footer counts 3 events"),
    "an unknown machine": (_edited(9, machine="laptop"), "from the machine 'laptop'"),
    "time goes back": (_edited(-2, at=0.5), "time goes back"),
    "an end of nothing": (_edited(-2, of=10_000), "which is not open"),
    "an unknown operation": (_edited(1, what="dance"), "no operation 'dance'"),
    "no time": (_edited(5, at=None), "is to be a number"),
    "a list": (lambda lines: [*lines[:4], "[]", *lines[5:]], "no JSON object"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_whole_history_is_refused(name: str) -> None:
    """In one line that says where and what."""
    change, says = BROKEN[name]
    lines = change(lines_of(World((Made("a", "127.0.0.1", 0.0),))))
    with pytest.raises(HistoryBroken) as refusal:
        read_history(lines)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_no_file_and_no_text_are_refused(tmp_path: Path) -> None:
    """A path that leads nowhere, and one that leads to a picture."""
    with pytest.raises(HistoryBroken, match="cannot be read"):
        load_history(tmp_path / "none.jsonl")
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(HistoryBroken, match="is not text"):
        load_history(tmp_path / "binary")


def test_the_clock_of_another_machine_widens_what_it_saw() -> None:
    """Declared with how much it may be off, its events are taken, as spans that are so much wider."""
    lines = lines_of(World((Made("a", "127.0.0.1", 0.0),)))
    lines[0] = json.dumps(json.loads(lines[0]) | {"machines": {"here": 0.0, "there": 2.0}})
    begins = next(n for n, line in enumerate(lines) if n > 300 and json.loads(line).get("what") == "look")
    number = json.loads(lines[begins])["n"]
    ends = next(n for n, line in enumerate(lines) if json.loads(line).get("of") == number)
    for one in (begins, ends):
        value = json.loads(lines[one])
        lines[one] = json.dumps(value | {"machine": "there", "at": value["at"] - 1.5})
    history = read_history(lines)
    [wide] = [look for look in history.looks if look.number == number]
    assert wide.end - wide.begin == pytest.approx(4.2)


@settings(max_examples=150, deadline=None)
@given(world=worlds(), data=st.data())
def test_a_damaged_file_is_refused_or_read_and_nothing_else(world: World, data: st.DataObject) -> None:
    """Bytes changed, lines doubled or dropped: never another exception than HistoryBroken."""
    lines = lines_of(world)[:60]
    lines.append(json.dumps({"type": "footer", "events": 59, "at": 400.0, "stopped": ""}))
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    cut = data.draw(st.integers(0, len(line)))
    junk = data.draw(st.text(max_size=8) | st.sampled_from(["null", "{}", "[]", '"', "1e999", "-1", "true"]))
    lines[at] = data.draw(st.sampled_from([line[:cut] + junk + line[cut:], line[:cut] + junk, junk]))
    with contextlib.suppress(HistoryBroken):
        read_history(lines)
