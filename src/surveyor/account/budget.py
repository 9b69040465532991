"""How much a run may spend in an account that somebody pays for, and how much it has spent."""

from __future__ import annotations

import fcntl
import io
import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO

from surveyor.account.resources import CREATES, dollars_of
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
    """What is spent of a budget: by this process, and by all workers of a run together through a file that they share.

    `calls` of this process by operation; taking things away again is never refused, and counted apart as `cleaning`.
    """

    budget: Budget = UNBOUNDED
    file: Path | None = None
    clock: Callable[[], float] = time.time
    calls: Counter[str] = field(default_factory=Counter)
    cleaning: Counter[str] = field(default_factory=Counter)
    _alone: str = ""

    def before(self, service: str, operation: str) -> None:
        """Count a call that is about to be sent. Raises Inconclusive where it is one too many."""
        name = f"{service}:{operation}"
        self.calls[name] += 1
        if self.budget is UNBOUNDED:
            return
        with self._shared() as sheet:
            text = sheet.read()
            started, calls, resources, dollars = json.loads(text) if text else (self.clock(), 0, 0, 0.0)
            after = Budget(
                calls=calls + 1,
                resources=resources + (name in CREATES),
                minutes=(self.clock() - started) / 60,
                dollars=dollars + dollars_of(name),
            )
            self._allow(after)
            sheet.seek(0)
            sheet.write(json.dumps([started, after.calls, after.resources, after.dollars]))
            sheet.truncate()

    def all(self) -> Counter[str]:
        """Every call of this process so far by operation, cleaning too."""
        return self.calls + self.cleaning

    def _allow(self, after: Budget) -> None:
        for limit in fields(Budget):
            allowed = getattr(self.budget, limit.name)
            if getattr(after, limit.name) > allowed:
                raise Inconclusive(
                    f"the budget of {allowed:g} {limit.name} is spent; --budget {limit.name}=N allows more"
                )

    @contextmanager
    def _shared(self) -> Iterator[IO[str]]:
        if self.file is None:
            sheet = io.StringIO(self._alone)
            yield sheet
            self._alone = sheet.getvalue()
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
