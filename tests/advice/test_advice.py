"""Recommendations from the figures of a task."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.advice.figures import TaskFigures, TaskSettings, figures_of, parse_task_settings
from surveyor.advice.recommendations import MAX_STOP_TIMEOUT, Advice, advise
from surveyor.advice.settings import IN_FLIGHT, MARGIN
from surveyor.fixtures.figure_names import DANGER, DRAIN, LAG, LISTENED, STOP_TIMEOUT, TTL
from surveyor.observations import Interval
from surveyor.pytest_plugin.task_settings import task_settings_of


def figures(task_settings: TaskSettings, lag: float, listened: float, gap: Interval | None = None) -> TaskFigures:
    """Return the figures of a task that was named for `lag` seconds after SIGTERM, and listened for `listened`."""
    danger = max(0.0, lag + task_settings.ttl - listened)
    return TaskFigures(
        task_settings, Interval(lag, lag), Interval(listened, listened), Interval(danger, danger), gap, {}
    )


def settings_of(advice: Advice) -> list[TaskSettings]:
    """Return the recommended settings."""
    return [recommendation.settings for recommendation in advice.recommendations]


def test_the_default_is_open_for_about_a_ttl() -> None:
    """For TTL 60, stopTimeout 30 and no drain there are two recommendations, both with their arithmetic."""
    advice = advise(figures(TaskSettings(60, 30, 0), lag=3, listened=0))
    assert not advice.is_closed
    assert advice.lines[-1].startswith("Window: 3.0 + 60 - 0.0 = up to 63.0 s")
    shorter, longer = advice.recommendations
    assert shorter.settings == TaskSettings(15, 30, 23)
    assert "3 (until the last answer) + 15 (TTL) + 5 = 23 s" in shorter.reason
    assert longer.settings == TaskSettings(60, 73, 68)
    assert "68 + 5 (requests in flight) = 73 s" in longer.reason


@given(*[st.floats(0, 200)] * 3, st.floats(0, 2), st.integers(1, 120))
def test_the_printed_arithmetic_is_right(lag: float, listened: float, danger: float, width: float, ttl: int) -> None:
    """The sum is right as it is printed, and both lines name the same figures."""
    danger = min(danger, lag + ttl)
    lags, ends, dangers = (Interval(low, low + width) for low in (lag, listened, danger))
    advice = advise(TaskFigures(TaskSettings(ttl, 30, 0), lags, ends, dangers, None, {}))
    if advice.lines[-1].startswith("The window is closed"):
        return
    first, second, summed = advice.lines
    terms = re.search(r"Window: ([\d.]+) \+ (\d+) - ([\d.]+) = up to ([\d.]+) s", summed)
    assert terms is not None
    last_named, cached, ended, window = (round(10 * float(term)) for term in terms.groups())
    assert last_named + cached - ended == window
    assert f"up to {(last_named + cached) / 10:.1f} s after SIGTERM." in first
    assert f"from {ended / 10:.1f} s after" in second


def test_a_gap_without_a_healthy_instance_is_closed_by_removing_the_check() -> None:
    """Window and gap are closed by one change each, combined; without a check there is nothing to remove."""
    open_ = advise(figures(TaskSettings(60, 30, 0), lag=3, listened=0, gap=Interval(27, 29)))
    assert "no healthy instance for 27.0 to 29.0 s" in open_.lines[-1]
    assert settings_of(open_) == [
        TaskSettings(15, 30, 23, check=False),
        TaskSettings(60, 73, 68, check=False),
    ]
    alone = advise(figures(TaskSettings(15, 30, 24), lag=4, listened=24, gap=Interval(27, 29)))
    assert settings_of(alone) == [TaskSettings(15, 30, 24, check=False)]
    unchecked = advise(figures(TaskSettings(15, 30, 24, check=False), lag=4, listened=24, gap=Interval(27, 29)))
    assert "HEALTHY_OR_ELSE_ALL" in unchecked.lines[-1]
    assert advise(figures(TaskSettings(15, 30, 24), lag=4, listened=24, gap=Interval(0, 1))).is_closed


def test_a_closed_window_needs_no_change() -> None:
    """A task that listens for longer than it is named needs no change."""
    advice = advise(figures(TaskSettings(15, 30, 24), lag=4, listened=24))
    assert advice.is_closed
    assert advice.lines[-1] == "The window is closed: change nothing."


def test_a_window_that_no_setting_closes_has_a_hint() -> None:
    """With a stopTimeout below the registry's lag and a TTL beyond Fargate's limit there is a hint only."""
    advice = advise(figures(TaskSettings(600, 5, 0), lag=8, listened=0))
    assert advice.recommendations == ()
    assert "Raise stopTimeout to at least" in advice.lines[-1]


@given(ttl=st.integers(0, 600), stop=st.integers(2, 120), drain=st.integers(0, 60), lag=st.floats(0, 70))
def test_each_recommendation_closes_the_window(ttl: int, stop: int, drain: int, lag: float) -> None:
    """With any recommended settings a task with the same lag is not called after it has stopped listening."""
    advice = advise(figures(TaskSettings(ttl, stop, drain), lag, listened=min(drain, stop)))
    for task_settings in settings_of(advice):
        assert task_settings.stop_timeout <= MAX_STOP_TIMEOUT
        assert task_settings.drain + IN_FLIGHT <= task_settings.stop_timeout
        assert task_settings.drain >= lag + task_settings.ttl + MARGIN - 1
        assert advise(figures(task_settings, lag, listened=task_settings.drain)).is_closed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ttl=sixty", "whole seconds"),
        ("time=60", "whole seconds"),
        ("ttl=4000", "from 0 to 3600"),
        ("stop=1", "from 2 to 120"),
        ("stop=121", "from 2 to 120"),
        ("drain=121", "SIGKILL"),
    ],
)
def test_invalid_task_settings_are_refused(text: str, message: str) -> None:
    """Invalid values are refused with their limits."""
    with pytest.raises(ValueError, match=message):
        parse_task_settings(text)


def test_task_settings_survive_their_text() -> None:
    """Task settings are the same after a round trip through text and through options."""
    assert parse_task_settings("") == TaskSettings(60, 30, 0)
    task_settings = TaskSettings(10, 40, 25)
    assert parse_task_settings(task_settings.dumps()) == task_settings
    assert task_settings_of(None, None, None, check=True) is None
    assert task_settings_of(None, 40, None, check=False) == TaskSettings(60, 40, 0, check=False)
    with pytest.raises(ValueError, match="whole seconds, got -4"):
        task_settings_of(-4, None, None, check=True)


def test_figures_are_read_from_evidence() -> None:
    """Figures are found by name among the evidence, and the error for a missing figure names it."""
    names = {TTL: 60, STOP_TIMEOUT: 30, DRAIN: 0, LAG: 3, LISTENED: 0}
    entries = [
        {"kind": "figure", "figure": name, "low": float(value), "high": float(value)} for name, value in names.items()
    ]
    with pytest.raises(KeyError, match=DANGER):
        figures_of(entries)  # type: ignore[arg-type]  # entries as JSON has them
    entries.append({"kind": "figure", "figure": DANGER, "low": 61.0, "high": 63.0})
    measured = figures_of(entries)  # type: ignore[arg-type]  # entries as JSON has them
    assert (measured.task_settings, measured.danger) == (TaskSettings(60, 30, 0), Interval(61.0, 63.0))
