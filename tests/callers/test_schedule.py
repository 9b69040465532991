"""Arrivals keep their schedule in threads, whatever calls do, and stop at the first exception of a call."""

from __future__ import annotations

import threading
import time

import pytest

from surveyor.callers import Arrivals


def test_calls_start_when_they_are_due() -> None:
    """A slow call delays no other; due times are multiples of the interval."""
    dues: list[float] = []
    released = threading.Event()

    def call(due: float) -> None:
        dues.append(due)
        released.wait(5)

    arrivals = Arrivals(100)
    arrivals.run(call, 0.2)
    assert (arrivals.started, arrivals.dropped) == (20, 0)
    released.set()
    assert arrivals.drain(5)
    assert [round(due - min(dues), 3) for due in sorted(dues)] == [round(number / 100, 3) for number in range(20)]


def test_arrivals_beyond_the_limit_are_dropped() -> None:
    """What cannot start is counted with its due time, and does not start later."""
    released = threading.Event()
    dropped: list[float] = []
    arrivals = Arrivals(200, 3)

    def call(due: float) -> None:
        released.wait(5)

    arrivals.run(call, 0.1, dropped.append)
    assert (arrivals.started, arrivals.dropped, len(dropped)) == (3, 17, 17)
    assert not arrivals.drain(0.01)
    released.set()
    assert arrivals.drain(5)


def test_the_exception_of_a_call_ends_the_arrivals() -> None:
    """It is raised where the arrivals run, and no more calls start."""

    def call(due: float) -> None:
        raise ZeroDivisionError

    arrivals = Arrivals(50)
    with pytest.raises(ZeroDivisionError):
        arrivals.run(call, 30)
    assert arrivals.started < 50


def test_arrivals_stop_while_they_wait() -> None:
    """A slow schedule stops at once."""
    arrivals, began = Arrivals(0.1), time.monotonic()
    threading.Timer(0.1, arrivals.stop).start()
    arrivals.run(lambda due: None)
    assert time.monotonic() - began < 2
    with pytest.raises(ValueError, match="expected a rate above 0"):
        Arrivals(0)
