"""Whom failed attempts went to, and the figures of phases: pure functions, held against made-up histories."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.history import History, read_history
from surveyor.load.attribution import attribute, dangers, sentence
from surveyor.load.figures import figures_of
from surveyor.load.tally import Tally
from surveyor.report.experiments import WHOLE
from tests.checkers.worlds import END, Made, World, fault, lines_of, worlds

WORLD = World(
    (
        Made("stays", "127.0.0.1", 0.0),
        Made("stopped", "127.0.0.2", 0.0, 100.0),
        Made("killed", "127.0.0.3", 0.0, 104.0),
        Made("late", "127.0.0.4", 150.0),
        Made("again", "127.0.0.2", 200.0),  # the address of who was stopped
    ),
    calls=1e9,
).but(fault(100.0, "task.kill", "killed"))


def with_phases(world: World, *bounds: float) -> History:
    """The history with phases named p0, p1, …, that begin and end at these moments."""
    operations = [
        {
            "begin": begin, "end": end, "outcome": "ok", "told": {},
            "asked": {"who": "conductor", "what": "phase", "name": f"p{number}"},
        }
        for number, (begin, end) in enumerate(pairwise(bounds))
    ]  # fmt: skip
    return read_history(lines_of(world.but(*operations)))


@pytest.mark.parametrize(
    ("second", "address", "whom"),
    [
        (50, "", "nobody"),
        (50, "127.0.0.1", "healthy"),
        (50, "127.9.9.9", "ghost"),
        (130, "127.0.0.2", "dead"),
        (102, "127.0.0.3", "dead"),
        (220, "127.0.0.2", "healthy"),
        (160, "127.0.0.4", "healthy"),
        (140, "127.0.0.4", "ghost"),
    ],
)
def test_an_attempt_is_given_to_whom_it_went(second: int, address: str, whom: str) -> None:
    """By address and second, and to the task that had the address then."""
    tally = Tally()
    tally.attempt("dns", second, address, "fail", "refused")
    history = with_phases(WORLD, 0.0, END - 1)
    [blame] = attribute(history, tally)
    assert (blame.whom, blame.count, blame.phase) == (whom, 1, "p0")
    [blame] = attribute(history, tally, between=["dns"])
    assert blame.whom == ("nobody" if not address else "between")


def test_the_sentence_says_what_most_errors_were() -> None:
    """Dead for less than the TTL, or for longer; and none is said to be none."""
    tally = Tally()
    for second in range(101, 131):
        tally.attempt("dns", second, "127.0.0.3", "fail", "refused")
    tally.attempt("dns", 50, "", "fail", "nobody is known")
    tally.attempt("api", 50, "127.0.0.1", "ok", "")
    blames = attribute(with_phases(WORLD, 0.0, END - 1), tally)
    assert (
        sentence("dns", blames, {"p0": 60.0}) == "dns: 30 of 31 errors went to tasks dead for less than the TTL of 60 s"
    )
    assert sentence("dns", blames, {"p0": 20.0}) == "dns: 30 of 31 errors went to tasks dead for up to 31 s"
    windows = dangers(with_phases(WORLD, 0.0, END - 1), tally, ["api"])
    assert {model: (window.low, window.high) for model, window in windows.items()} == {"dns": (29.0, 31.0)}
    more = {"p0": 60.0, "p1": 300.0}
    assert sentence("dns", blames, more) == "dns: 30 of 31 errors went to tasks dead for less than the TTL"
    assert sentence("api", blames, {"p0": 60.0}) == "api: no errors"


@settings(max_examples=40, deadline=None)
@given(
    world=worlds(),
    made=st.lists(
        st.tuples(st.integers(0, 290), st.sampled_from(["127.0.0.10", "127.0.0.11", "127.7.7.7", ""]),
                  st.sampled_from(["ok", "fail", "info", "dropped"]), st.booleans()),
        max_size=80,
    ),
    cut=st.integers(20, 280),
)  # fmt: skip
def test_every_failure_is_told_once(world: World, made: list[tuple[int, str, str, bool]], cut: int) -> None:
    """Blames and figures count the same attempts, phase by phase and as a whole."""
    tally = Tally()
    for second, address, outcome, masked in made:
        tally.attempt("dns", second, address, outcome, outcome, masked=masked and outcome in ("fail", "info"))
    history = with_phases(replaced(world), 0.0, float(cut), END - 1)
    figures = {one.phase: one for one in figures_of(history, tally)}
    failed = [one for one in made if one[2] in ("fail", "info") and one[0] < END - 1]
    assert sum(one.count for one in attribute(history, tally)) == len(failed)
    if made:
        whole = figures[WHOLE]
        assert whole.raw.hits == len(failed) == figures["p0"].raw.hits + figures["p1"].raw.hits
        assert whole.attempts == sum(one[2] != "dropped" for one in made)
        assert whole.dropped == sum(one[2] == "dropped" for one in made)
        assert whole.masked.hits <= whole.raw.hits
        assert whole.outage <= END


def replaced(world: World) -> World:
    """Without calls of its own."""
    return World(world.tasks, world.period, world.width, world.lag, 1e9, world.extra)


def test_an_outage_is_the_longest_run_of_seconds_without_an_answer() -> None:
    """A second with one answer ends it; seconds without attempts say nothing."""
    tally = Tally()
    for second, outcome in ((10, "ok"), (11, "fail"), (12, "info"), (13, "fail"), (13, "ok"), (20, "fail"), (21, "ok")):
        tally.attempt("dns", second, "127.0.0.1", outcome, "")
    whole = next(one for one in figures_of(with_phases(WORLD, 0.0, 100.0), tally) if one.phase == WHOLE)
    assert (whole.outage, whole.recovery, whole.unknown) == (2.0, 0.0, 1)  # the only fault came later
    history = with_phases(WORLD, 0.0, 100.0)
    struck = replace(history, faults=tuple(replace(history.faults[0], begin=at, end=at) for at in (11.5, 20.0)))
    whole = next(one for one in figures_of(struck, tally) if one.phase == WHOLE)
    assert whole.recovery == 2.5  # of the first fault; of the second it is one second


def test_no_phases_have_no_figures() -> None:
    """A history of another kind."""
    assert figures_of(read_history(lines_of(WORLD)), Tally()) == ()
    assert json.loads(Tally().dumps())["counts"] == []
