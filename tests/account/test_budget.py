"""Budgets: their syntax, and that they are never exceeded."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.account.budget import UNBOUNDED, Budget, BudgetError, Spending
from surveyor.conformance.plan import make_plan, over_budget
from surveyor.errors import Inconclusive
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

REGISTER = ("servicediscovery", "RegisterInstance")
LIST = ("servicediscovery", "ListInstances")


def test_limits_of_a_text_replace_those_of_the_file() -> None:
    """Named limits replace those of the file; the others stay."""
    own = Budget(calls=100, dollars=5.0)
    assert own.with_limits("calls=7, minutes=1.5") == Budget(calls=7, minutes=1.5, dollars=5)
    assert Budget(math.inf, math.inf, math.inf, math.inf) == UNBOUNDED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calls", "expected a budget like calls=N"),
        ("euros=3", "but no 'euros'"),
        ("calls=many", "'many' is not a number"),
        ("calls=-1", "0 or more"),
        ("dollars=nan", "0 or more"),
        ("", "expected a budget like calls=N"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    """The error shows the syntax of a budget in one line."""
    with pytest.raises(BudgetError, match=message):
        UNBOUNDED.with_limits(text)


@pytest.mark.parametrize(
    ("budget", "limit"),
    [(Budget(calls=3), "calls"), (Budget(resources=3), "resources"), (Budget(dollars=0.35), "dollars")],
)
def test_call_beyond_the_budget_is_not_sent(budget: Budget, limit: str) -> None:
    """Three calls are within the budget, the fourth is refused, whichever the limit is."""
    spending = Spending(budget)
    for _ in range(3):
        spending.count_call(*REGISTER)
    with pytest.raises(Inconclusive, match=f"of {getattr(budget, limit):g} {limit} is spent"):
        spending.count_call(*REGISTER)


def test_time_is_counted_from_the_first_call() -> None:
    """Minutes are counted from the first call."""
    now = [0.0]
    spending = Spending(Budget(minutes=10), clock=lambda: now[0])
    for now[0] in (5_000.0, 5_599.0):
        spending.count_call(*LIST)
    now[0] = 5_601.0
    with pytest.raises(Inconclusive, match="of 10 minutes is spent"):
        spending.count_call(*LIST)


@given(order=st.lists(st.integers(0, 2), max_size=30))
def test_workers_share_one_budget(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    """In whatever order workers call, together they make exactly the allowed number of calls."""
    file = tmp_path_factory.mktemp("spent") / "spent.json"
    workers = [Spending(Budget(calls=10), file) for _ in range(3)]
    sent = 0
    for worker in order:
        try:
            workers[worker].count_call(*LIST)
            sent += 1
        except Inconclusive:
            assert sent == 10
    assert sent == min(10, len(order))


def test_plan_adds_up_the_calls_of_tests() -> None:
    """A plan has calls by operation, resources by kind, the time shared by workers, and the cost of all."""
    calls = {"servicediscovery:RegisterInstance": 10, "servicediscovery:CreateService": 2, "route53:GetChange": 5}
    results = [TestResult(f"t{number}", (), Verdict.PASS, service_seconds=60, calls=calls) for number in range(4)]
    plan = make_plan(results, workers=2)
    assert (plan.tests, plan.resources) == (4, {"instance": 40, "service": 8})
    assert plan.calls["route53:GetChange"] == 20
    assert plan.minutes == pytest.approx((240 + 0.1 * 68) / 2 / 60)
    assert plan.dollars == pytest.approx(4.0)
    assert over_budget(plan, Budget(calls=67, resources=48, minutes=60, dollars=3)) == {
        "calls": 68,
        "dollars": plan.dollars,
    }
