"""How busy a machine is follows from the times of processes, or from timing a piece of work where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor import machine
from surveyor.machine import (
    BUSY,
    MachineWatch,
    ProcessTimes,
    describe_busy,
    measure_slowdown,
    read_times,
    slowdown_between,
)

seconds = st.floats(0, 1e6)


@given(st.integers(0, 10**18), st.integers(0, 10**18), st.integers(0, 10**9))
def test_times_are_read_as_the_kernel_writes_them(
    tmp_path_factory: pytest.TempPathFactory, ran: int, waited: int, slices: int
) -> None:
    """The first two numbers are nanoseconds of running and of waiting."""
    proc = tmp_path_factory.mktemp("proc")
    (proc / "42").mkdir()
    (proc / "42" / "schedstat").write_text(f"{ran} {waited} {slices}\n", "ascii")
    assert read_times(42, proc) == ProcessTimes(ran / 1e9, waited / 1e9)


@pytest.mark.parametrize("text", [None, "", "1", "one two three", "\xff"])
def test_times_that_are_not_there_are_none(tmp_path: Path, text: str | None) -> None:
    """A process that has ended, a system without the file and an unknown format have no times."""
    if text is not None:
        (tmp_path / "42").mkdir()
        (tmp_path / "42" / "schedstat").write_text(text, "latin-1")
    assert read_times(42, tmp_path) is None


@given(seconds, seconds, st.floats(0.02, 1e4), seconds)
def test_the_slowdown_is_the_time_per_running_time(ran: float, waited: float, more: float, waits: float) -> None:
    """A process that waited as long as it ran was slowed down by two; one that hardly ran says nothing."""
    before = ProcessTimes(ran, waited)
    slowdown = slowdown_between(before, ProcessTimes(ran + 2 * more, waited + waits))
    assert slowdown == pytest.approx(1 + waits / (2 * more), rel=1e-3, abs=1e-3)
    assert slowdown_between(before, ProcessTimes(ran + 0.001, waited + waits)) is None


def test_the_process_that_waited_longest_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slowdown is the largest of those processes that ran and are still there."""
    times: dict[int | str, list[ProcessTimes | None]] = {
        "self": [ProcessTimes(1, 0), ProcessTimes(2, 1)],
        11: [ProcessTimes(5, 5), ProcessTimes(6, 8)],
        12: [ProcessTimes(5, 5), ProcessTimes(5.001, 9)],
        13: [ProcessTimes(5, 5), None],
        14: [None],
    }
    monkeypatch.setattr(machine, "read_times", lambda pid: times[pid].pop(0))
    assert MachineWatch(times).slowdown() == pytest.approx(4)


def test_work_is_timed_where_no_times_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without times of processes, the present slowdown is measured."""
    monkeypatch.setattr(machine, "read_times", lambda pid: None)
    monkeypatch.setattr(machine, "measure_slowdown", lambda: 7.5)
    assert MachineWatch(["self", 11]).slowdown() == 7.5


def test_a_piece_of_work_takes_at_least_its_processor_time() -> None:
    """The measured slowdown is at least one, apart from the resolution of the clocks."""
    assert measure_slowdown() > 0.9


def test_a_machine_is_busy_from_a_slowdown_on() -> None:
    """The description states the slowdown; a machine that is not busy has none."""
    assert describe_busy(BUSY - 0.01) == ""
    assert describe_busy(4) == "the machine was busy: work took 4.0 times as long as on an idle one"
