"""How often an account is asked: by kind of call, and less often with time."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import pytest

from surveyor import timeouts
from surveyor.account.budget import Spending
from surveyor.clock import ControlledClock, WallClock
from surveyor.errors import NotYet, WrongAnswer
from surveyor.polling import Polling, RecentCalls, SeenDurations
from surveyor.pytest_plugin.verdict_rules import JudgeContext, judge
from surveyor.timeouts import Undocumented
from surveyor.verdicts import Verdict
from tests.test_clock import ManualTime


def _times_of_polls(service: str | None, lasts: float, *, seed: int = 7, first: float = 0.0) -> list[float]:
    """Return the times at which a condition was asked that calls `service` and becomes true after `lasts` seconds."""
    manual, spending = ManualTime(), Spending()
    clock, start, times = ControlledClock(manual, Polling(spending.recent, Random(seed))), manual.time, []

    def condition() -> bool:
        times.append(manual.time - start)
        if service:
            spending.count_call(service, "GetIt")
        return manual.time - start >= lasts

    clock.eventually(condition, within=120, first=first)
    return times


@pytest.mark.parametrize(
    ("service", "lasts", "expected"),
    [
        ("servicediscovery", 42, [0, 2, 5, 10, 18, 30, 45]),
        ("servicediscovery", 3.5, [0, 2, 5]),
        ("ecs", 26, [0, 2, 5, 9, 14, 19, 24, 32]),
        ("route53", 20, [0, 3, 6, 9, 12, 15, 18, 21]),
        ("elasticloadbalancing", 7, [0, 2, 5, 9]),
        (None, 3, [0, 0.5, 1.5, 2.5, 3.5]),
    ],
)
def test_polls_of_an_account_become_rarer(service: str | None, lasts: float, expected: list[float]) -> None:
    """Each kind of call has its steps; a random part of them is less than a fifth."""
    times = _times_of_polls(service, lasts)
    assert len(times) == pytest.approx(len(expected), abs=1)
    assert times[: len(expected)] == pytest.approx(expected[: len(times)], rel=0.2)
    assert times != expected[: len(times)]


def test_the_random_part_is_that_of_the_seed() -> None:
    """The same seed gives the same times, another one others: workers do not ask together."""
    assert _times_of_polls("ecs", 30) == _times_of_polls("ecs", 30)
    assert _times_of_polls("ecs", 30) != _times_of_polls("ecs", 30, seed=8)


def test_the_first_poll_of_an_operation_is_late() -> None:
    """No operation of AWS has ended when its call is answered; elsewhere it may have."""
    assert _times_of_polls("servicediscovery", 2, first=2.0) == [2.0]
    assert WallClock().eventually(lambda: True, within=10, first=5.0)


def test_the_slowest_kind_of_call_decides() -> None:
    """A condition that calls two services is asked as often as the slower one allows."""
    recent = RecentCalls()
    polling = Polling(recent, Random(7))
    recent.services.update({"servicediscovery", "route53"})
    assert polling.step(1) == pytest.approx(3, rel=0.2)
    polling.begin()
    assert polling.step(1) == pytest.approx(0.5, rel=0.2)


def test_always_asks_an_account_gently() -> None:
    """A condition that must hold for a minute costs less than twenty calls, and is asked at the end."""
    manual, spending = ManualTime(), Spending()
    clock, start = ControlledClock(manual, Polling(spending.recent, Random(7))), manual.time

    def holds() -> bool:
        spending.count_call("ecs", "DescribeTasks")
        return True

    clock.always(holds, during=60)
    assert spending.calls.total() < 20
    assert manual.time - start == pytest.approx(60, abs=0.01)


def test_a_local_target_is_asked_as_often_as_before() -> None:
    """Without the polling of an account the first steps are a fiftieth of a second."""
    clock, polls = WallClock(), itertools.count()
    assert clock.eventually(lambda: next(polls) == 3, within=1)
    assert clock.polling is None
    assert not clock.is_exact
    assert ControlledClock(ManualTime()).is_exact


def _too_late(within: float, *, account: bool, raised: type[Exception] | None = None) -> tuple[Exception, float]:
    """Return the error of a condition that never becomes true, and how long it was waited for."""
    manual = ManualTime()
    clock, start = ControlledClock(manual, Polling(RecentCalls()) if account else None), manual.time

    def never() -> bool:
        if raised:
            raise raised("x")
        return False

    with pytest.raises((WrongAnswer, KeyError)) as found:
        clock.eventually(never, within=within)
    return found.value, manual.time - start


def test_what_is_slow_is_no_contradiction_in_an_account() -> None:
    """Where no document gives a bound, an account has more time, and then the claim is inconclusive."""
    bound = Undocumented(20.0, in_account=50.0)
    there, here = _too_late(bound, account=True), _too_late(bound, account=False)
    assert [there[1], here[1]] == pytest.approx([50, 20], abs=0.1)
    verdicts = {}
    for account, (error, _) in ((True, there), (False, here)):
        context = JudgeContext(Path("/suites"), frozenset(), False, lambda: None, account=account)
        verdicts[account] = judge(error, "test", "call", context)
    assert verdicts[True].verdict is Verdict.INCONCLUSIVE
    assert "no document says how long it may take" in verdicts[True].detail
    assert verdicts[False].verdict is Verdict.FAIL


@pytest.mark.parametrize("raised", [None, KeyError])
def test_a_documented_bound_is_a_contradiction_everywhere(raised: type[Exception] | None) -> None:
    """A bound that a document gives is the same in an account; so is the error of a missing entry."""
    for account in (True, False):
        error, seconds = _too_late(20.0, account=account, raised=raised)
        assert type(error) is (raised or WrongAnswer)
        assert seconds == pytest.approx(20, abs=0.1)
    assert isinstance(_too_late(Undocumented(20.0), account=True, raised=KeyError)[0], NotYet)


def test_sums_of_undocumented_bounds_are_undocumented() -> None:
    """Suites add and multiply bounds; what is added counts in an account too."""
    bound = 2 * timeouts.DNS_CHANGE + timeouts.CUSTOM_HEALTH
    assert [float(bound), bound.in_account] == [150, 390]
    assert (timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE).in_account == 210
    assert (timeouts.OPERATION + timeouts.DNS_CHANGE).in_account == 480
    assert f"{timeouts.OPERATION:g}" == "120"


def test_what_is_waited_for_coarsely_is_asked_for_half_as_often() -> None:
    """It saves calls of an account; names and tasks are asked as often as ever."""
    recent = RecentCalls()
    polling = Polling(recent, Random(7))
    recent.services = {"ecs"}
    assert polling.step(1, coarse=True) == pytest.approx(4, rel=0.2)
    recent.services = set()
    assert polling.step(1, coarse=True) == pytest.approx(0.5, rel=0.2)


def test_waits_that_took_long_are_not_asked_for_early() -> None:
    """Three of four took at least that long; what the first poll sees may have ended earlier, so it shrinks again."""
    durations = SeenDurations()
    for seconds in (60, 40, 80):
        durations.note("UpdateService", seconds, at_first=False)
    assert durations.shortest("UpdateService") == 0
    durations.note("UpdateService", 100, at_first=False)
    assert (durations.shortest("UpdateService"), durations.shortest("CreateService")) == (60, 0)
    for _ in range(20):
        durations.note("UpdateService", 50, at_first=True)
    assert durations.shortest("UpdateService") == 40
