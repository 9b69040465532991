"""How long a threshold takes until it is met for certain: the arithmetic agrees with simulated deployments."""

from __future__ import annotations

import random

import pytest

from surveyor.gate.confidence_sequences import difference_bounds
from surveyor.gate.rules import Rules, Threshold
from surveyor.gate.time_to_certainty import AT_HOOK, GATE_RATE, calls_until_met, describe_time
from surveyor.load.error_counts import Counts

BY_REVISION = Threshold("watch", figure="error-rate", by_revision=True, at_most_more=5.0)


def simulated_calls(limit: float, share: float, chance: random.Random, step: int = 40) -> int:
    """Return after how many calls of each revision one good deployment is certain."""
    new = old = count = 0
    while True:
        count += step
        new += sum(chance.random() < share for _ in range(step))
        old += sum(chance.random() < share for _ in range(step))
        if difference_bounds(Counts(new, count), Counts(old, count), 0.05)[1] <= limit / 100:
            return count


def test_half_of_all_deployments_are_certain_by_then_and_nearly_all_after_double_that() -> None:
    """The median and the slowest of 100 simulated deployments are near what is said."""
    chance = random.Random(7)
    counts = sorted(simulated_calls(5.0, 0.005, chance) for _ in range(100))
    calls = calls_until_met(BY_REVISION, 1)
    assert calls is not None
    assert counts[49] == pytest.approx(calls, rel=0.2)
    assert counts[98] <= 2.3 * calls


def test_more_clients_and_lower_limits_need_more_calls() -> None:
    """A threshold on each client divides the probability of an error; a figure without errors of the watch has none."""
    limits = [Threshold("watch", figure="error-rate", by_revision=True, at_most_more=more) for more in (5.0, 3.0, 1.0)]
    counts = [calls_until_met(limit, 1) or 0 for limit in limits]
    assert counts == sorted(counts)
    assert (calls_until_met(BY_REVISION, 3) or 0) > counts[0]
    assert calls_until_met(Threshold("watch", figure="error-rate", client="dns", at_most=0.5), 1) is not None
    for other in (
        Threshold("watch", figure="p99", at_most=50),
        Threshold("deploy", figure="error-rate", at_most=1),
        Threshold("watch", figure="error-rate", by_revision=True, ratio=1.0),
        Threshold("watch", figure="error-rate", against="runs/main", at_most_more=1),
    ):
        assert calls_until_met(other, 1) is None


@pytest.mark.parametrize(
    ("limit", "rate", "scale", "more"),
    [
        (5.0, GATE_RATE, 1.0, ""),
        (5.0, 2.0, 1.0, "; --rate 24 is enough for 60 s"),
        (1.0, GATE_RATE, 1.0, "; no --rate is enough for 60 s: choose a higher limit"),
        (5.0, GATE_RATE, 8.0, "; no --rate is enough for 60 s: choose a higher limit, or a slower clock of the target"),
    ],
)
def test_the_rate_that_is_needed_is_said_before(limit: float, rate: float, scale: float, more: str) -> None:
    """At the default rate five points are certain within a minute at a hook; elsewhere the line says what is needed."""
    rules = Rules((Threshold("watch", figure="error-rate", by_revision=True, at_most_more=limit),))
    line = describe_time(rules, rate, scale, 1)
    assert line.startswith("certain after about ")
    assert line.partition("old revision")[2] == more
    longest = float(line.partition("99 of 100 deployments: ")[2].partition(" s")[0].replace(",", ""))
    assert (longest <= AT_HOOK) is (more == "")


def test_a_hook_that_cannot_wait_so_long_is_said_before() -> None:
    """A good deployment would be answered as inconclusive."""
    rules = Rules((Threshold("watch", figure="error-rate", by_revision=True, at_most_more=1.0),), wait_at_hook=600.0)
    line = describe_time(rules, 2.0, 1.0, 1)
    assert line.endswith("a PAUSE hook is answered before, after wait-at-hook = 600 s, as inconclusive = fail")
    assert describe_time(Rules((Threshold(claim="dns.x"),)), 2.0, 1.0, 1) == ""
