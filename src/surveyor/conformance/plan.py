"""What a run would cost, from what its tests did in a rehearsal: calls, resources, minutes, dollars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from surveyor.account.budget import Budget
from surveyor.account.resources import CREATES, dollars_of
from surveyor.report.test_results import TestResult

__all__ = ["SECONDS_A_CALL", "Plan", "beyond", "plan_of"]

SECONDS_A_CALL = 0.1
"""Wall seconds that a call to a real account is taken to last."""


@dataclass(frozen=True)
class Plan:
    """What a run would do: `tests`, calls by `service:Operation`, things made by what they are, and what that costs."""

    tests: int
    calls: Mapping[str, int]
    resources: Mapping[str, int]
    minutes: float
    dollars: float

    @property
    def total(self) -> Budget:
        """The same as one figure each, to be held against a budget."""
        return Budget(sum(self.calls.values()), sum(self.resources.values()), self.minutes, self.dollars)


def plan_of(results: Iterable[TestResult], workers: int) -> Plan:
    """What these tests would cost with so many workers, which share calls and waiting."""
    tests, calls, seconds = 0, Counter[str](), 0.0
    for result in results:
        tests += 1
        calls.update(result.calls)
        seconds += result.service_seconds
    made: Counter[str] = Counter()
    for operation, count in calls.items():
        if operation in CREATES:
            made[CREATES[operation].what] += count
    return Plan(
        tests=tests,
        calls=dict(sorted(calls.items())),
        resources=dict(made.most_common()),
        minutes=(seconds + SECONDS_A_CALL * calls.total()) / workers / 60,
        dollars=sum(dollars_of(operation) * count for operation, count in calls.items()),
    )


def beyond(plan: Plan, budget: Budget) -> dict[str, float]:
    """By name: what the plan needs of that of which the budget has less."""
    needed = plan.total
    return {
        one.name: getattr(needed, one.name)
        for one in fields(Budget)
        if getattr(needed, one.name) > getattr(budget, one.name)
    }
