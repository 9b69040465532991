"""Causes of failed attempts, and figures of phases: pure functions, tested with simulated histories."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.history import History, read_history
from surveyor.load.attribution import attribute_failures, cause_sentence, danger_windows
from surveyor.load.figures import figures_of
from surveyor.load.tally import Tally
from surveyor.report.experiments import WHOLE
from tests.checkers.simulated_services import END, SimulatedService, SimulatedTask, fault, lines_of, simulated_services

WORLD = SimulatedService(
    (
        SimulatedTask("stays", "127.0.0.1", 0.0),
        SimulatedTask("stopped", "127.0.0.2", 0.0, 100.0),
        SimulatedTask("killed", "127.0.0.3", 0.0, 104.0),
        SimulatedTask("late", "127.0.0.4", 150.0),
        SimulatedTask("again", "127.0.0.2", 200.0),  # the address of the stopped task
    ),
    calls=1e9,
).but(fault(100.0, "task.kill", "killed"))


def with_phases(world: SimulatedService, *bounds: float) -> History:
    """Return the history with phases named p0, p1, …, that begin and end at these times."""
    operations = [
        {
            "begin": begin, "end": end, "outcome": "ok", "result": {},
            "invoke": {"who": "conductor", "what": "phase", "name": f"p{number}"},
        }
        for number, (begin, end) in enumerate(pairwise(bounds))
    ]  # fmt: skip
    return read_history(lines_of(world.but(*operations)))


@pytest.mark.parametrize(
    ("second", "address", "kind"),
    [
        (50, "", "no-address"),
        (50, "127.0.0.1", "healthy"),
        (50, "127.9.9.9", "ghost"),
        (130, "127.0.0.2", "dead"),
        (102, "127.0.0.3", "dead"),
        (220, "127.0.0.2", "healthy"),
        (160, "127.0.0.4", "healthy"),
        (140, "127.0.0.4", "ghost"),
    ],
)
def test_a_failure_is_attributed_by_address_and_second(second: int, address: str, kind: str) -> None:
    """A failed attempt is attributed to the task that had its address in that second."""
    tally = Tally()
    tally.count_attempt("dns", second, address, "fail", "refused")
    history = with_phases(WORLD, 0.0, END - 1)
    [cause] = attribute_failures(history, tally)
    assert (cause.kind, cause.count, cause.phase) == (kind, 1, "p0")
    [cause] = attribute_failures(history, tally, indirect=["dns"])
    assert cause.kind == ("no-address" if not address else "indirect")


def test_the_sentence_names_the_main_cause() -> None:
    """The sentence names tasks dead for less than the TTL or for longer, and says if there were no errors."""
    tally = Tally()
    for second in range(101, 131):
        tally.count_attempt("dns", second, "127.0.0.3", "fail", "refused")
    tally.count_attempt("dns", 50, "", "fail", "no address known")
    tally.count_attempt("api", 50, "127.0.0.1", "ok", "")
    causes = attribute_failures(with_phases(WORLD, 0.0, END - 1), tally)
    assert (
        cause_sentence("dns", causes, {"p0": 60.0})
        == "dns: 30 of 31 errors went to tasks dead for less than the TTL of 60 s"
    )
    [unknown] = [cause for cause in causes if cause.kind == "no-address"]
    assert (
        cause_sentence("dns", [unknown], {"p0": 60.0})
        == "dns: 1 of 1 errors were calls for which discovery returned no address"
    )
    assert cause_sentence("dns", causes, {"p0": 20.0}) == "dns: 30 of 31 errors went to tasks dead for up to 31 s"
    windows = danger_windows(with_phases(WORLD, 0.0, END - 1), tally, ["api"])
    assert {model: (window.low, window.high) for model, window in windows.items()} == {"dns": (29.0, 31.0)}
    more = {"p0": 60.0, "p1": 300.0}
    assert cause_sentence("dns", causes, more) == "dns: 30 of 31 errors went to tasks dead for less than the TTL"
    assert cause_sentence("api", causes, {"p0": 60.0}) == "api: no errors"


@pytest.mark.soak
@settings(max_examples=40, deadline=None)
@given(
    world=simulated_services(),
    attempts=st.lists(
        st.tuples(st.integers(0, 290), st.sampled_from(["127.0.0.10", "127.0.0.11", "127.7.7.7", ""]),
                  st.sampled_from(["ok", "fail", "info", "dropped"]), st.booleans()),
        max_size=80,
    ),
    cut=st.integers(20, 280),
)  # fmt: skip
def test_every_failure_is_counted_once(
    world: SimulatedService, attempts: list[tuple[int, str, str, bool]], cut: int
) -> None:
    """Causes and figures count the same attempts, phase by phase and in total."""
    tally = Tally()
    for second, address, outcome, retried in attempts:
        tally.count_attempt("dns", second, address, outcome, outcome, retried=retried and outcome in ("fail", "info"))
    history = with_phases(without_calls(world), 0.0, float(cut), END - 1)
    figures = {row.phase: row for row in figures_of(history, tally)}
    failed = [attempt for attempt in attempts if attempt[2] in ("fail", "info") and attempt[0] < END - 1]
    assert sum(cause.count for cause in attribute_failures(history, tally)) == len(failed)
    if attempts:
        whole = figures[WHOLE]
        assert whole.failed.hits == len(failed) == figures["p0"].failed.hits + figures["p1"].failed.hits
        assert whole.attempts == sum(attempt[2] != "dropped" for attempt in attempts)
        assert whole.dropped == sum(attempt[2] == "dropped" for attempt in attempts)
        assert whole.after_retries.hits <= whole.failed.hits
        assert whole.outage <= END
        for row, seconds in (("p0", float(cut)), ("p1", END - 1 - cut)):
            assert 0 <= figures[row].recovery <= seconds, "the last failure of a phase is in the phase"


def without_calls(world: SimulatedService) -> SimulatedService:
    """Return the service without calls."""
    return SimulatedService(world.tasks, world.period, world.width, world.lag, 1e9, world.extra)


def test_an_outage_is_the_longest_run_of_seconds_without_an_answer() -> None:
    """A second with an answer ends an outage; seconds without attempts do not count."""
    tally = Tally()
    for second, outcome in ((10, "ok"), (11, "fail"), (12, "info"), (13, "fail"), (13, "ok"), (20, "fail"), (21, "ok")):
        tally.count_attempt("dns", second, "127.0.0.1", outcome, "")
    whole = next(row for row in figures_of(with_phases(WORLD, 0.0, 100.0), tally) if row.phase == WHOLE)
    assert (whole.outage, whole.recovery, whole.unknown) == (2.0, 0.0, 1)  # the only fault was later
    history = with_phases(WORLD, 0.0, 100.0)
    with_faults = replace(history, faults=tuple(replace(history.faults[0], begin=at, end=at) for at in (11.5, 20.0)))
    whole = next(row for row in figures_of(with_faults, tally) if row.phase == WHOLE)
    assert whole.recovery == 2.5  # of the first fault; that of the second is one second


def test_a_history_without_phases_has_no_figures() -> None:
    """A history that is not of a scenario has no client figures."""
    assert figures_of(read_history(lines_of(WORLD)), Tally()) == ()
    assert json.loads(Tally().dumps())["counts"] == []
