"""The service clock runs timers in order, at exact times, and waits for work in progress."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.core.clock import Clock


def new_clock() -> Clock:
    """Return a clock at zero that moves only when advanced."""
    return Clock(start=0.0, scale=None)


@given(st.lists(st.floats(0, 1000), max_size=40), st.floats(0, 1000))
def test_advance_runs_due_timers_in_order(delays: list[float], span: float) -> None:
    """Exactly the timers that are due within the span run, earliest first, each at its due time."""
    clock = new_clock()
    seen: list[tuple[float, float]] = []
    for delay in delays:
        clock.call_later(delay, lambda due=delay: seen.append((due, clock.now())))
    asyncio.run(clock.advance(span))
    assert [due for due, _ in seen] == sorted(delay for delay in delays if delay <= span)
    assert all(due == now for due, now in seen)
    assert clock.now() == span


def test_timers_started_by_timers_run_in_the_same_advance() -> None:
    """A timer that a timer starts counts from that timer's due time."""
    clock = new_clock()
    seen: list[float] = []
    clock.call_later(3, lambda: clock.call_later(4, lambda: seen.append(clock.now())))
    asyncio.run(clock.advance(10))
    assert seen == [7]


def test_cancelled_timers_do_not_run() -> None:
    """A cancelled timer never runs."""
    clock = new_clock()
    seen: list[int] = []
    clock.call_later(1, seen.append, 1).cancel()
    clock.call_later(2, seen.append, 2)
    asyncio.run(clock.advance(5))
    assert seen == [2]


def test_an_instant_waits_for_work_in_progress() -> None:
    """Work started at one instant ends before the next instant begins."""

    async def scenario() -> list[str]:
        clock = new_clock()
        seen: list[str] = []

        async def probe() -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append(f"probe {clock.now():.0f}")

        clock.call_later(1, lambda: clock.run(probe()))
        clock.call_later(1.5, seen.append, "later")
        await clock.advance(2)
        return seen

    assert asyncio.run(scenario()) == ["probe 1", "later"]


def test_concurrent_advances_add_up() -> None:
    """Two concurrent advances move time by both spans."""

    async def scenario() -> float:
        clock = new_clock()
        await asyncio.gather(clock.advance(10), clock.advance(5))
        return clock.now()

    assert asyncio.run(scenario()) == 15


def test_a_flowing_clock_runs_timers_by_itself() -> None:
    """At a scale of 1000, a timer in 5 service seconds runs within milliseconds, and not early."""

    async def scenario() -> float:
        clock = Clock(start=0.0, scale=1000.0)
        actual = asyncio.get_running_loop().create_future()
        clock.call_later(5, lambda: actual.set_result(clock.now()))
        return float(await asyncio.wait_for(actual, 5))

    assert asyncio.run(scenario()) >= 5


def test_a_flowing_clock_can_be_advanced_too() -> None:
    """Advancing moves time forward, and the clock flows on from there."""

    async def scenario() -> tuple[float, float]:
        clock = Clock(start=0.0, scale=1.0)
        now = await clock.advance(3600)
        return now, clock.now()

    jumped, after = asyncio.run(scenario())
    assert 3600 <= jumped <= after
