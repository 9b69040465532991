"""Limits on what a run may spend in a paid account, and a count of what it has spent."""

from __future__ import annotations

import io
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from surveyor.account.fargate_tasks import FargateTasks
from surveyor.account.resources import budgeted_cost, created_resources
from surveyor.account.shared_file import open_shared
from surveyor.errors import Inconclusive
from surveyor.input_files import is_file, read_text
from surveyor.output_files import write_text
from surveyor.polling import RecentCalls

__all__ = ["SPENT_FILE", "TOTALS", "UNBOUNDED", "Budget", "BudgetError", "Spending", "continue_spending"]


NO_PARAMS: Mapping[str, Any] = MappingProxyType({})
Undo = Callable[[], None]


class BudgetError(ValueError):
    """A budget is invalid; the text is one line."""


Limit = Annotated[float, Meta(gt=0)]

TOTALS = ("calls", "resources", "minutes", "dollars")
"""Limits on the sum of a run; the others are on what there may be at a time."""


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """The maximum of a run: API `calls`, `resources` created, wall `minutes`, US `dollars`, and some at a time.

    Tasks on Fargate are resources too. `dollars` are those of an hour of each. At a time there may be `tasks` on
    Fargate, `namespaces`, and hosted `zones`, those of DNS namespaces too.
    """

    calls: Limit = math.inf
    resources: Limit = math.inf
    minutes: Limit = math.inf
    dollars: Limit = math.inf
    tasks: Limit = math.inf
    namespaces: Limit = math.inf
    zones: Limit = math.inf

    def with_limits(self, text: str) -> Budget:
        """Return this budget with the limits in `text`, such as `calls=5000,dollars=2`. Raises BudgetError."""
        return replace(self, **_parse_limits(text))


UNBOUNDED = Budget()
"""A budget that refuses nothing."""


SPENT_FILE = "spent.json"
"""What the workers of a run have spent together, in the folder of its ledgers."""


def continue_spending(folder: Path, clock: Callable[[], float] = time.time) -> None:
    """Let the minutes of a run that is resumed go on from its last call; calls, resources and dollars stay as spent."""
    path = folder / SPENT_FILE
    if is_file(path) and (text := read_text(path)):
        started, *spent = json.loads(text)
        write_text(path, json.dumps([started + clock() - path.stat().st_mtime, *spent]))


def _parse_limits(text: str) -> dict[str, float]:
    limits = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise BudgetError(f"expected a budget like calls=N,minutes=N,dollars=N,tasks=N, got {text!r}")
        if name not in Budget.__struct_fields__:
            raise BudgetError(f"a budget has {', '.join(Budget.__struct_fields__)}, but no {name!r}")
        try:
            limits[name] = float(value)
        except ValueError:
            raise BudgetError(f"{value!r} is not a number") from None
        if not 0 < limits[name] < math.inf:
            raise BudgetError(f"{name} of a budget must be a number above 0, got {value}")
    return limits


@dataclass
class Spending:
    """What is spent of a budget: by this process, and by all workers of a run together through a shared `file`.

    `calls` counts the calls of this process by operation, polls too. Calls of the clean-up are never refused, and are
    counted separately in `cleanup`. `recent` has the services that were called last, `tasks` counts what they start.
    `requests` counts what is sent to an account: more than calls, since some are repeated.
    """

    budget: Budget = UNBOUNDED
    file: Path | None = None
    clock: Callable[[], float] = time.time
    requests: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    cleanup: Counter[str] = field(default_factory=Counter)
    recent: RecentCalls = field(default_factory=RecentCalls)
    tasks: FargateTasks = field(default_factory=FargateTasks)
    _unshared: str = ""

    def count_call(self, service: str, operation: str, params: Mapping[str, Any] = NO_PARAMS) -> Undo | None:
        """Count a call before it is sent. Raises Inconclusive if the call would exceed the budget.

        Returns how to undo what a refused call would have started, if anything.
        """
        name = f"{service}:{operation}"
        started = self.tasks.started
        undo = self.tasks.before(service, operation, params)
        self.calls[name] += 1
        self.recent.services.add(service)
        if self.budget is not UNBOUNDED:
            self._count_shared(name, self.tasks.started - started)
        return undo

    def _count_shared(self, name: str, tasks: int) -> None:
        with self._open_shared() as sheet:
            text = sheet.read()
            started, calls, resources, dollars = json.loads(text) if text else (self.clock(), 0, 0, 0.0)
            spent = Budget(
                calls=calls + 1,
                resources=resources + created_resources(name, tasks),
                minutes=(self.clock() - started) / 60,
                dollars=dollars + budgeted_cost(name, tasks),
            )
            self._check(spent)
            sheet.seek(0)
            sheet.write(json.dumps([started, spent.calls, spent.resources, spent.dollars]))
            sheet.truncate()

    def count_cleanup(self, service: str, operation: str, params: Mapping[str, Any] = NO_PARAMS) -> None:
        """Count a call of the clean-up."""
        self.tasks.before(service, operation, params)
        self.cleanup[f"{service}:{operation}"] += 1
        self.recent.services.add(service)

    def all(self) -> Counter[str]:
        """Return the number of calls of this process so far by operation, with those of cleanup."""
        return self.calls + self.cleanup

    def _check(self, spent: Budget) -> None:
        for name in TOTALS:
            allowed = getattr(self.budget, name)
            if getattr(spent, name) > allowed:
                raise Inconclusive(f"the budget of {allowed:g} {name} is spent; --budget {name}=N allows more")

    @contextmanager
    def _open_shared(self) -> Iterator[IO[str]]:
        if self.file is None:
            sheet = io.StringIO(self._unshared)
            yield sheet
            self._unshared = sheet.getvalue()
            return
        with open_shared(self.file) as file:
            yield file
