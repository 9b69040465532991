"""Limits on what a run may spend in a paid account, and a count of what it has spent."""

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

from surveyor.account.resources import CREATES, maximum_cost
from surveyor.errors import Inconclusive

__all__ = ["UNBOUNDED", "Budget", "BudgetError", "Spending", "parse_budget"]


class BudgetError(ValueError):
    """A budget is invalid; the text is one line."""


@dataclass(frozen=True)
class Budget:
    """The maximum that a run may spend: API `calls`, `resources` created, wall `minutes`, US `dollars`."""

    calls: float = math.inf
    resources: float = math.inf
    minutes: float = math.inf
    dollars: float = math.inf

    def with_limits(self, text: str) -> Budget:
        """Return this budget with the limits in `text`, such as `calls=5000,dollars=2`. Raises BudgetError."""
        return Budget(**{**vars(self), **_parse_limits(text)})


UNBOUNDED = Budget()
"""A budget that refuses nothing."""


def parse_budget(table: dict[str, object]) -> Budget:
    """Return the budget that a table of a target file describes. Raises BudgetError."""
    return Budget(**{name: _check_limit(name, value) for name, value in table.items()})


def _parse_limits(text: str) -> dict[str, float]:
    limits = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise BudgetError(f"expected a budget like calls=N,resources=N,minutes=N,dollars=N, got {text!r}")
        try:
            limits[name] = _check_limit(name, float(value))
        except ValueError as error:
            raise BudgetError(str(error) if isinstance(error, BudgetError) else f"{value!r} is not a number") from None
    return limits


def _check_limit(name: str, value: object) -> float:
    known = [limit.name for limit in fields(Budget)]
    if name not in known:
        raise BudgetError(f"a budget has {', '.join(known)}, but no {name!r}")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise BudgetError(f"{name} of a budget must be a number of 0 or more, got {value!r}")
    return float(value)


@dataclass
class Spending:
    """What is spent of a budget: by this process, and by all workers of a run together through a shared `file`.

    `calls` counts the calls of this process by operation. Calls that delete resources are never refused, and are
    counted separately in `cleanup`.
    """

    budget: Budget = UNBOUNDED
    file: Path | None = None
    clock: Callable[[], float] = time.time
    calls: Counter[str] = field(default_factory=Counter)
    cleanup: Counter[str] = field(default_factory=Counter)
    _unshared: str = ""

    def count_call(self, service: str, operation: str) -> None:
        """Count a call before it is sent. Raises Inconclusive if the call would exceed the budget."""
        name = f"{service}:{operation}"
        self.calls[name] += 1
        if self.budget is UNBOUNDED:
            return
        with self._open_shared() as sheet:
            text = sheet.read()
            started, calls, resources, dollars = json.loads(text) if text else (self.clock(), 0, 0, 0.0)
            spent = Budget(
                calls=calls + 1,
                resources=resources + (name in CREATES),
                minutes=(self.clock() - started) / 60,
                dollars=dollars + maximum_cost(name),
            )
            self._check(spent)
            sheet.seek(0)
            sheet.write(json.dumps([started, spent.calls, spent.resources, spent.dollars]))
            sheet.truncate()

    def all(self) -> Counter[str]:
        """Return the number of calls of this process so far by operation, with those of cleanup."""
        return self.calls + self.cleanup

    def _check(self, spent: Budget) -> None:
        for limit in fields(Budget):
            allowed = getattr(self.budget, limit.name)
            if getattr(spent, limit.name) > allowed:
                raise Inconclusive(
                    f"the budget of {allowed:g} {limit.name} is spent; --budget {limit.name}=N allows more"
                )

    @contextmanager
    def _open_shared(self) -> Iterator[IO[str]]:
        if self.file is None:
            sheet = io.StringIO(self._unshared)
            yield sheet
            self._unshared = sheet.getvalue()
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
