"""Estimate what a run would cost from what its tests did in a dry run: calls, resources, minutes, dollars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surveyor.account.budget import Budget
from surveyor.account.resources import CREATES, maximum_cost
from surveyor.report.test_results import TestResult

__all__ = ["SECONDS_PER_CALL", "Plan", "make_plan", "over_budget"]

SECONDS_PER_CALL = 0.1
"""Assumed wall seconds of a call to a real account."""


@dataclass(frozen=True)
class Plan:
    """What a run would do and cost: number of tests, calls by `service:Operation`, created resources by kind."""

    tests: int
    calls: Mapping[str, int]
    resources: Mapping[str, int]
    minutes: float
    dollars: float

    @property
    def total(self) -> Budget:
        """Return the totals in the form of a budget, to compare them with one."""
        return Budget(sum(self.calls.values()), sum(self.resources.values()), self.minutes, self.dollars)


def make_plan(results: Iterable[TestResult], workers: int) -> Plan:
    """Return what these tests would cost with this number of workers, which share calls and waiting."""
    tests, calls, seconds = 0, Counter[str](), 0.0
    for result in results:
        tests += 1
        calls.update(result.calls)
        seconds += result.service_seconds
    resources: Counter[str] = Counter()
    for operation, count in calls.items():
        if operation in CREATES:
            resources[CREATES[operation].kind] += count
    return Plan(
        tests=tests,
        calls=dict(sorted(calls.items())),
        resources=dict(resources.most_common()),
        minutes=(seconds + SECONDS_PER_CALL * calls.total()) / workers / 60,
        dollars=sum(maximum_cost(operation) * count for operation, count in calls.items()),
    )


def over_budget(plan: Plan, budget: Budget) -> dict[str, float]:
    """Return, by name of the limit, what the plan needs where the budget allows less."""
    needed = plan.total
    return {
        name: getattr(needed, name)
        for name in Budget.__struct_fields__
        if getattr(needed, name) > getattr(budget, name)
    }
