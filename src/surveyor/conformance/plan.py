"""Estimate what a run would cost from what its tests did in a rehearsal: calls, resources, minutes, dollars."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.account.budget import TOTALS, Budget
from surveyor.account.call_rate import ROUTE53_RATE, calls_route53
from surveyor.account.prices import CALL_PRICES, FARGATE_TASK, INSTANCE, expected_dollars
from surveyor.account.resources import CREATES, budgeted_cost, created_kind
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.verdicts import Verdict

__all__ = ["Plan", "make_plan", "over_budget"]

_TASK = "Fargate task"


@dataclass(frozen=True)
class Plan:
    """What a run would do and cost: number of tests, calls by `service:Operation`, created resources by kind.

    `repeated`: how many calls are made again, since they are throttled or fail for a moment. `dollars` is expected, by
    the time that resources stand; `budgeted` counts an hour of each. `month`: by kind, a month of all, if nothing were
    deleted.
    """

    tests: int
    calls: Mapping[str, int]
    resources: Mapping[str, int]
    minutes: float
    dollars: float
    budgeted: float
    month: Mapping[str, float]
    repeated: int = 0

    @property
    def at_most(self) -> float:
        """Return the dollars of the worst case: all that the run creates is left standing for a month."""
        return sum(self.month.values())

    @property
    def total(self) -> Budget:
        """Return the totals in the form of a budget, to compare them with one."""
        return Budget(sum(self.calls.values()), sum(self.resources.values()), self.minutes, self.budgeted)


def make_plan(results: Sequence[TestResult], facts: Iterable[WorkerFacts], workers: int) -> Plan:
    """Return what these tests would cost with this number of workers, which share the tests."""
    facts = list(facts)
    calls = Counter[str]()
    for fact in facts:
        calls.update(fact.calls)
    if not calls:
        for result in results:
            calls.update(result.calls)
    tasks = sum(result.tasks for result in results)
    resources: Counter[str] = Counter({_TASK: tasks} if tasks else {})
    month = {_TASK: tasks * (FARGATE_TASK.month + INSTANCE.month)} if tasks else {}
    for operation, count in calls.items():
        if kind := created_kind(operation):
            resources[kind] += count
            if price := CREATES[operation].price:
                month[price.name] = month.get(price.name, 0.0) + price.month * count
    return Plan(
        tests=sum(result.verdict is not Verdict.UNSUPPORTED for result in results),
        calls=dict(sorted(calls.items())),
        resources=dict(resources.most_common()),
        minutes=_seconds(results, facts, calls, workers) / 60,
        dollars=sum(map(_dollars_of_test, results)),
        budgeted=sum(budgeted_cost(operation) * count for operation, count in calls.items()) + budgeted_cost("", tasks),
        month=dict(sorted(month.items(), key=lambda item: -item[1])),
        repeated=sum(fact.repeated for fact in facts),
    )


def over_budget(plan: Plan, budget: Budget) -> dict[str, float]:
    """Return, by name of the limit, what the plan needs where the budget allows less."""
    needed = plan.total
    return {name: getattr(needed, name) for name in TOTALS if getattr(needed, name) > getattr(budget, name)}


def _dollars_of_test(result: TestResult) -> float:
    """Return what a test costs, if all that it creates stands from its beginning to its end."""
    dollars = result.tasks * expected_dollars(FARGATE_TASK, result.service_seconds)
    for operation, count in result.calls.items():
        created = CREATES.get(operation)
        if created and created.price:
            dollars += count * expected_dollars(created.price, result.service_seconds)
        dollars += count * CALL_PRICES.get(operation, 0.0)
    return dollars


def _seconds(
    results: Sequence[TestResult], facts: Sequence[WorkerFacts], calls: Mapping[str, int], workers: int
) -> float:
    """Return how long the last worker takes, each with the next test when it is free, and then the last deletions.

    All workers together call Route 53 at a limited rate.
    """
    free = [0.0] * workers
    for result in results:
        heapq.heapreplace(free, free[0] + result.service_seconds)
    closing = max((fact.closing_seconds for fact in facts), default=0.0)
    limited = sum(count for name, count in calls.items() if calls_route53(*name.split(":", 1)))
    return max(*free, limited / ROUTE53_RATE) + closing
