"""Budgets: how they are written, and that nothing goes beyond them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.account.budget import UNBOUNDED, Budget, BudgetError, Spending, budget_of
from surveyor.conformance.plan import beyond, plan_of
from surveyor.errors import Inconclusive
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

REGISTER = ("servicediscovery", "RegisterInstance")
LIST = ("servicediscovery", "ListInstances")


def test_text_tightens_what_the_file_says() -> None:
    """Limits that are named replace those of the file; the others stay."""
    own = budget_of({"calls": 100, "dollars": 5.0})
    assert own.tightened("calls=7, minutes=1.5") == Budget(calls=7, minutes=1.5, dollars=5)
    assert Budget(math.inf, math.inf, math.inf, math.inf) == UNBOUNDED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("calls", "is written calls=N"),
        ("euros=3", "and no 'euros'"),
        ("calls=many", "'many' is no number"),
        ("calls=-1", "0 or more"),
        ("dollars=nan", "0 or more"),
        ("", "is written calls=N"),
    ],
)
def test_other_texts_are_refused(text: str, why: str) -> None:
    """One line says what a budget looks like."""
    with pytest.raises(BudgetError, match=why):
        UNBOUNDED.tightened(text)


@pytest.mark.parametrize(
    ("budget", "what"),
    [(Budget(calls=3), "calls"), (Budget(resources=3), "resources"), (Budget(dollars=0.35), "dollars")],
)
def test_one_too_many_is_not_sent(budget: Budget, what: str) -> None:
    """Three fit, the fourth is refused, by whichever limit comes first."""
    spending = Spending(budget)
    for _ in range(3):
        spending.before(*REGISTER)
    with pytest.raises(Inconclusive, match=f"of {getattr(budget, what):g} {what} is spent"):
        spending.before(*REGISTER)


def test_time_is_counted_from_the_first_call() -> None:
    """Minutes are those since anything was spent."""
    now = [0.0]
    spending = Spending(Budget(minutes=10), clock=lambda: now[0])
    for now[0] in (5_000.0, 5_599.0):
        spending.before(*LIST)
    now[0] = 5_601.0
    with pytest.raises(Inconclusive, match="of 10 minutes is spent"):
        spending.before(*LIST)


@given(order=st.lists(st.integers(0, 2), max_size=30))
def test_workers_share_one_budget(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    """Whichever worker comes first, together they get exactly as many calls as are allowed."""
    file = tmp_path_factory.mktemp("spent") / "spent.json"
    workers = [Spending(Budget(calls=10), file) for _ in range(3)]
    sent = 0
    for worker in order:
        try:
            workers[worker].before(*LIST)
            sent += 1
        except Inconclusive:
            assert sent == 10
    assert sent == min(10, len(order))


def test_plan_adds_up_what_tests_did() -> None:
    """Calls by operation, things by what they are, waiting shared by workers, prices of all."""
    calls = {"servicediscovery:RegisterInstance": 10, "servicediscovery:CreateService": 2, "route53:GetChange": 5}
    results = [TestResult(f"t{number}", (), Verdict.PASS, service_seconds=60, calls=calls) for number in range(4)]
    plan = plan_of(results, workers=2)
    assert (plan.tests, plan.resources) == (4, {"instance": 40, "service": 8})
    assert plan.calls["route53:GetChange"] == 20
    assert plan.minutes == pytest.approx((240 + 0.1 * 68) / 2 / 60)
    assert plan.dollars == pytest.approx(4.0)
    assert beyond(plan, Budget(calls=67, resources=48, minutes=60, dollars=3)) == {"calls": 68, "dollars": plan.dollars}
