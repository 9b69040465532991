"""Budgets: their syntax, and that they are never exceeded."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.account import prices
from surveyor.account.budget import UNBOUNDED, Budget, BudgetError, Spending
from surveyor.conformance.plan import make_plan, over_budget
from surveyor.errors import Inconclusive
from surveyor.report.test_results import TestResult, WorkerFacts
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
        ("calls=0", "calls of a budget must be a number above 0, got 0"),
        ("calls=-1", "a number above 0, got -1"),
        ("dollars=nan", "a number above 0, got nan"),
        ("tasks=inf", "a number above 0, got inf"),
        ("", "expected a budget like calls=N"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    """The error shows the syntax of a budget in one line."""
    with pytest.raises(BudgetError, match=message):
        UNBOUNDED.with_limits(text)


@pytest.mark.parametrize(
    ("budget", "limit"),
    [(Budget(calls=3), "calls"), (Budget(resources=3), "resources"), (Budget(dollars=0.00045), "dollars")],
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


def test_tasks_are_resources_of_the_budget_as_of_the_plan(tmp_path: Path) -> None:
    """A plan says which limits a run needs, so both count the same: each task once, by whatever it was started."""
    file = tmp_path / "spent.json"
    spending = Spending(Budget(calls=100), file)
    define = {"family": "f", "requiresCompatibilities": ["FARGATE"]}
    spending.count_call("ecs", "RegisterTaskDefinition", define)
    spending.count_call("ecs", "CreateService", {"taskDefinition": "f", "launchType": "FARGATE", "desiredCount": 3})
    spending.count_call("ecs", "RunTask", {"taskDefinition": "f", "launchType": "FARGATE", "count": 2})
    done = TestResult("t", (), Verdict.PASS, calls=dict(spending.calls), tasks=spending.tasks.started)
    assert make_plan([done], (), 1).resources == {"Fargate task": 5, "task definition": 1, "ECS service": 1}
    assert json.loads(file.read_text())[2] == 7


def test_plan_adds_up_the_calls_of_tests() -> None:
    """A plan has calls by operation, resources by kind, the time shared by workers, and the cost of all."""
    calls = {
        "servicediscovery:RegisterInstance": 10,
        "servicediscovery:CreatePublicDnsNamespace": 2,
        "ecs:CreateService": 2,
        "route53:GetChange": 5,
    }
    results = [TestResult(f"t{n}", (), Verdict.PASS, service_seconds=600, calls=calls, tasks=3) for n in range(4)]
    plan = make_plan(results, (), workers=2)
    expected = {"instance": 40, "Fargate task": 12, "namespace": 8, "ECS service": 8}
    assert (plan.tests, plan.resources) == (4, expected)
    assert plan.calls["route53:GetChange"] == 20
    assert plan.minutes == pytest.approx(20)
    # Ten minutes of each: a task is 0.0173 an hour, an instance 0.1 in 730 hours; zones are free for 12 hours.
    assert plan.dollars == pytest.approx(12 * 0.01734 / 6 + 40 * 0.1 / 730 / 6, rel=0.01)
    assert plan.budgeted == pytest.approx(12 * 0.01734 + 40 * 0.1 / 730, rel=0.01)
    assert plan.month == pytest.approx(
        {"Fargate task": 12 * (12.66 + 0.1), "instance": 4.0, "hosted zone": 4.0}, rel=0.01
    )
    assert over_budget(plan, Budget(calls=75, resources=68, minutes=60, dollars=0.1)) == {
        "calls": 76,
        "dollars": plan.budgeted,
    }


@pytest.mark.parametrize(
    ("seconds", "workers", "minutes"),
    [((600, 60, 60, 60), 2, 11), ((60, 60, 60, 60), 4, 2), ((60, 60, 60), 1, 4), ((60, 60, 600), 2, 12)],
)
def test_minutes_are_those_of_the_last_worker(seconds: tuple[float, ...], workers: int, minutes: float) -> None:
    """Each worker takes the next test when it is free; the last deletions come at the end."""
    results = [TestResult(f"t{n}", (), Verdict.PASS, service_seconds=each) for n, each in enumerate(seconds)]
    facts = [WorkerFacts("", (), (), {}, 0.0, "", closing_seconds=closing) for closing in (20, 60)]
    assert make_plan(results, facts, workers).minutes == minutes


def test_minutes_are_at_least_those_of_the_calls_to_route53() -> None:
    """All workers together make three calls a second."""
    results = [TestResult("t", (), Verdict.PASS, service_seconds=1, calls={"route53:GetChange": 1_800})]
    assert make_plan(results, (), workers=4).minutes == pytest.approx(10)


@pytest.mark.parametrize(
    ("price", "seconds", "dollars"),
    [
        (prices.FARGATE_TASK, 1, 0.000289),
        (prices.FARGATE_TASK, 3_600, 0.01734),
        (prices.LOAD_BALANCER, 60, 0.0305),
        (prices.HOSTED_ZONE, 11.9 * 3_600, 0),
        (prices.HOSTED_ZONE, 12.1 * 3_600, 0.5),
        (prices.INSTANCE, 730 * 3_600, 0.1),
    ],
)
def test_expected_dollars_are_by_time(price: prices.Price, seconds: float, dollars: float) -> None:
    """A task is billed for a minute at least, a load balancer for an hour, a zone wholly from the twelfth hour on."""
    assert prices.expected_dollars(price, seconds) == pytest.approx(dollars, rel=0.01)
