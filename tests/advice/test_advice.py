"""What follows from a task's figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.advice.figures import (
    DANGER,
    DRAIN,
    LAG,
    LISTENED,
    STOP_TIMEOUT,
    TTL,
    Figures,
    TaskSettings,
    figures_of,
    parse_task_settings,
)
from surveyor.advice.recommendations import IN_FLIGHT, LONGEST_STOP, MARGIN, advise
from surveyor.history.observations import Interval


def figures(tuning: TaskSettings, lag: float, listened: float, gap: Interval | None = None) -> Figures:
    """Those of a task that was named for `lag` seconds after SIGTERM, and listened for `listened`."""
    danger = max(0.0, lag + tuning.ttl - listened)
    return Figures(tuning, Interval(lag, lag), Interval(listened, listened), Interval(danger, danger), gap, {})


def test_the_default_is_open_for_about_a_ttl() -> None:
    """TTL 60, stopTimeout 30, no drain: two ways out, both with their arithmetic."""
    advice = advise(figures(TaskSettings(60, 30, 0), lag=3, listened=0))
    assert not advice.is_closed
    assert advice.lines[-1].startswith("Window: 3.0 + 60 - 0.0 = up to 63.0 s")
    (shorter, why), (longer, because) = advice.ways
    assert shorter == TaskSettings(15, 30, 23)
    assert "3 (until the last answer) + 15 (TTL) + 5 = 23 s" in why
    assert longer == TaskSettings(60, 73, 68)
    assert "68 + 5 (requests in flight) = 73 s" in because


def test_a_gap_without_anybody_healthy_is_closed_by_leaving_the_check_out() -> None:
    """Both windows by one change each, told together; without a check there is nothing to leave out."""
    open_ = advise(figures(TaskSettings(60, 30, 0), lag=3, listened=0, gap=Interval(27, 29)))
    assert "nobody healthy for 27.0 to 29.0 s" in open_.lines[-1]
    assert [tuning for tuning, _ in open_.ways] == [
        TaskSettings(15, 30, 23, check=False),
        TaskSettings(60, 73, 68, check=False),
    ]
    alone = advise(figures(TaskSettings(15, 30, 24), lag=4, listened=24, gap=Interval(27, 29)))
    assert [tuning for tuning, _ in alone.ways] == [TaskSettings(15, 30, 24, check=False)]
    unchecked = advise(figures(TaskSettings(15, 30, 24, check=False), lag=4, listened=24, gap=Interval(27, 29)))
    assert "HEALTHY_OR_ELSE_ALL" in unchecked.lines[-1]
    assert advise(figures(TaskSettings(15, 30, 24), lag=4, listened=24, gap=Interval(0, 1))).is_closed


def test_a_closed_window_needs_nothing() -> None:
    """A task that listens for longer than it is named is left alone."""
    advice = advise(figures(TaskSettings(15, 30, 24), lag=4, listened=24))
    assert advice.is_closed
    assert advice.lines[-1] == "The window is closed: change nothing."


def test_what_no_setting_can_close_is_said() -> None:
    """A stopTimeout shorter than the registry's own lag, and a TTL beyond what Fargate allows: no way, but a hint."""
    advice = advise(figures(TaskSettings(600, 5, 0), lag=8, listened=0))
    assert advice.ways == ()
    assert "Raise stopTimeout to at least" in advice.lines[-1]


@given(ttl=st.integers(0, 600), stop=st.integers(2, 120), drain=st.integers(0, 60), lag=st.floats(0, 70))
def test_advice_taken_closes_the_window(ttl: int, stop: int, drain: int, lag: float) -> None:
    """With any way that is named, a task with the same lag is called by nobody after it has stopped listening."""
    for tuning, _ in advise(figures(TaskSettings(ttl, stop, drain), lag, listened=min(drain, stop))).ways:
        assert tuning.stop_timeout <= LONGEST_STOP
        assert tuning.drain + IN_FLIGHT <= tuning.stop_timeout
        assert tuning.drain >= lag + tuning.ttl + MARGIN - 1
        assert advise(figures(tuning, lag, listened=tuning.drain)).is_closed


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("ttl=sixty", "whole seconds"),
        ("time=60", "whole seconds"),
        ("ttl=4000", "from 0 to 3600"),
        ("stop=1", "from 2 to 120"),
        ("stop=121", "from 2 to 120"),
        ("drain=121", "SIGKILL"),
    ],
)
def test_a_wrong_tuning_says_what_is_wrong(text: str, wrong: str) -> None:
    """Seconds that cannot be are refused with their bounds."""
    with pytest.raises(ValueError, match=wrong):
        parse_task_settings(text)


def test_a_tuning_is_told_as_it_is_read() -> None:
    """What an option tells is what it reads again."""
    assert parse_task_settings("") == TaskSettings(60, 30, 0)
    tuning = TaskSettings(10, 40, 25)
    assert parse_task_settings(tuning.argument()) == tuning


def test_figures_are_read_from_evidence() -> None:
    """Entries of kind figure by their names; one that lacks is named."""
    names = {TTL: 60, STOP_TIMEOUT: 30, DRAIN: 0, LAG: 3, LISTENED: 0}
    entries = [{"kind": "figure", "figure": name, "low": float(at), "high": float(at)} for name, at in names.items()]
    with pytest.raises(KeyError, match=DANGER):
        figures_of(entries)  # type: ignore[arg-type]  # entries as JSON has them
    entries.append({"kind": "figure", "figure": DANGER, "low": 61.0, "high": 63.0})
    found = figures_of(entries)  # type: ignore[arg-type]  # entries as JSON has them
    assert (found.tuning, found.danger) == (TaskSettings(60, 30, 0), Interval(61.0, 63.0))
