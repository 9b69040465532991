"""How much a run may spend in an account that somebody pays for, and how much it has spent."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from surveyor.account.things import CREATES, dollars_of
from surveyor.errors import Inconclusive

__all__ = ["UNBOUNDED", "Budget", "BudgetError", "Spending", "budget_of"]


class BudgetError(ValueError):
    """A budget that makes no sense; the text is one line."""


@dataclass(frozen=True)
class Budget:
    """The most that a run may spend: `calls` of APIs, `resources` made, wall `minutes`, US `dollars`."""

    calls: float = math.inf
    resources: float = math.inf
    minutes: float = math.inf
    dollars: float = math.inf

    def tightened(self, text: str) -> Budget:
        """This budget with what `text` says, such as `calls=5000,dollars=2`. Raises BudgetError."""
        return Budget(**{**vars(self), **_amounts(text)})

    def share(self, parts: int) -> Budget:
        """What each of so many workers may spend; time passes for all of them alike."""
        return Budget(self.calls / parts, self.resources / parts, self.minutes, self.dollars / parts)


UNBOUNDED = Budget()
"""Nothing is refused."""


def budget_of(table: dict[str, object]) -> Budget:
    """The budget that a table of a target file describes. Raises BudgetError."""
    return Budget(**{name: _amount(name, value) for name, value in table.items()})


def _amounts(text: str) -> dict[str, float]:
    amounts = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise BudgetError(f"a budget is written calls=N,resources=N,minutes=N,dollars=N, not {text!r}")
        try:
            amounts[name] = _amount(name, float(value))
        except ValueError as wrong:
            raise BudgetError(str(wrong) if isinstance(wrong, BudgetError) else f"{value!r} is no number") from None
    return amounts


def _amount(name: str, value: object) -> float:
    known = [one.name for one in fields(Budget)]
    if name not in known:
        raise BudgetError(f"a budget has {', '.join(known)}, and no {name!r}")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise BudgetError(f"{name} of a budget must be a number of 0 or more, not {value!r}")
    return float(value)


@dataclass
class Spending:
    """What one process has spent of its budget: `calls` by operation, and since when.

    Taking things away again is never refused, and counted apart as `cleaning`.
    """

    budget: Budget = UNBOUNDED
    clock: Callable[[], float] = time.monotonic
    calls: Counter[str] = field(default_factory=Counter)
    cleaning: Counter[str] = field(default_factory=Counter)
    resources: int = 0
    dollars: float = 0.0
    _started: float | None = None

    def before(self, service: str, operation: str) -> None:
        """Count a call that is about to be sent. Raises Inconclusive, and counts nothing, where it is one too many."""
        self._started = self.clock() if self._started is None else self._started
        name = f"{service}:{operation}"
        made = name in CREATES
        after = Budget(
            calls=self.calls.total() + 1,
            resources=self.resources + made,
            minutes=(self.clock() - self._started) / 60,
            dollars=self.dollars + dollars_of(name),
        )
        for limit in fields(Budget):
            allowed = getattr(self.budget, limit.name)
            if getattr(after, limit.name) > allowed:
                raise Inconclusive(
                    f"the budget of {allowed:g} {limit.name} is spent; --budget {limit.name}=N allows more"
                )
        self.calls[name] += 1
        self.resources, self.dollars = int(after.resources), after.dollars

    def all(self) -> Counter[str]:
        """Every call so far by operation, cleaning too."""
        return self.calls + self.cleaning
