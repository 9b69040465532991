"""Looks with hypothesis for histories on which a target and the model part, and for the shortest of each kind.

One round ends at the first divergence, shrunk; a further round passes over what is known by then.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.reporting import with_reporter
from hypothesis.stateful import run_state_machine_as_test

from surveyor.errors import SurveyorError
from surveyor.evidence import Entry
from surveyor.model_testing.driver import Driver
from surveyor.model_testing.execution import Ran, run_history
from surveyor.model_testing.promises import Divergence
from surveyor.model_testing.shrinking import shortened
from surveyor.model_testing.state_machine import machine_for
from surveyor.model_testing.steps import History
from surveyor.targets.running import RunningTarget

__all__ = ["Budget", "Found", "Search", "Searched"]


@dataclass(frozen=True)
class Budget:
    """How far to look: histories, and steps in each. `keep_going`: past the first divergence.

    `claims`: those whose divergences are looked for; none named means any.
    """

    histories: int = 100
    steps: int = 12
    seed: int = 7
    keep_going: bool = False
    claims: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """A divergence with its shortest history, which ends in it.

    `waited`: service seconds that the last step waited for the answer that diverged. `evidence`: what was asked and
    answered when the history was run once more; `again`: whether the same came then.
    """

    history: History
    divergence: Divergence
    waited: float
    evidence: tuple[Entry, ...]
    again: bool


@dataclass
class Searched:
    """What came of a search so far; `meeting`: the symptom that is being shortened."""

    histories: int = 0
    calls: int = 0
    shortening: int = 0
    meeting: str | None = None
    found: list[Found] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


class _Diverged(Exception):
    """Tells hypothesis that a history is one of those that are looked for."""


class Search:
    """One search on a running target; `tell` is called after each history."""

    def __init__(
        self,
        running: RunningTarget,
        budget: Budget,
        prefix: str = "model-",
        tell: Callable[[Searched], None] = lambda _: None,
        clean: Callable[[], None] = lambda: None,
    ) -> None:
        self.result = Searched()
        self._running = running
        self._budget = budget
        self._prefix = prefix
        self._tell = tell
        self._clean = clean
        self._run = secrets.token_hex(4)  # the target may remember the accounts of an earlier search
        self._ran: dict[History, Ran] = {}
        self._looked_for: tuple[str, str] | None = None
        self._count = 0
        self._failure: BaseException | None = None

    def go(self) -> Searched:
        """Search until the budget is used up, or to the first divergence. Raises TargetUnavailable."""
        number, tried = 0, -1
        # Histories may come twice: a round that brings none that is new is the last one.
        while tried < self.result.histories < self._budget.histories:
            tried = self.result.histories
            found = self._round(self._budget.histories - tried, self._budget.seed + number)
            number += 1
            if found is not None:
                self.result.found.append(found)
                self.result.meeting = None
                if not self._budget.keep_going:
                    break
        return self.result

    def _round(self, histories: int, number: int) -> Found | None:
        """The first new divergence, shrunk."""
        self._looked_for = None
        self._ran.clear()  # what is passed over is no longer the same
        shortest: dict[str, History] = {}

        def run(history: History) -> None:
            used_up = self._looked_for is None and self.result.histories >= self._budget.histories
            if used_up and history not in self._ran:
                return
            if self._failure:  # hypothesis tries again what raised; a target that is gone is not asked again
                raise self._failure
            try:
                ran = self._outcome(history)
            except (SurveyorError, KeyboardInterrupt) as failure:
                self._failure = failure
                raise
            broken = ran.divergence
            if broken is None:
                return
            # From the first one on only this one is looked for: else shrinking would slip to another.
            if self._looked_for is None:
                self._looked_for = broken.key
                self.result.meeting = broken.symptom
            if broken.key == self._looked_for:
                shortest["history"] = history[: ran.done]
                raise _Diverged

        make = seed(number)(machine_for(self._running.features, run))
        how = settings(
            max_examples=histories,
            stateful_step_count=self._budget.steps,
            database=None,
            deadline=None,
            phases=(Phase.generate,),  # what is found is shortened here: see shorten.py
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
            # A target may be slow, and a rule may find nothing to draw from: neither says that the rules are bad.
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        try:
            with with_reporter(lambda _: None):
                run_state_machine_as_test(make, settings=how)
        except _Diverged:
            return self._confirmed(shortened(shortest["history"], self._shows))
        return None

    def _outcome(self, history: History) -> Ran:
        """What came of a history, which is run once only."""
        if history not in self._ran:
            ran = self._ran[history] = self._run_on_target(history)
            self.result.left_out |= ran.left_out
            if self._looked_for is None:
                self.result.histories += 1
            else:
                self.result.shortening += 1
            self._tell(self.result)
        return self._ran[history]

    def _run_on_target(self, history: History) -> Ran:
        self._count += 1
        driver = Driver(self._running, self._account(), f"{self._prefix}{self._count}-")
        self._running.evidence.begin()
        try:
            return run_history(driver, self._running.clock, history, self._is_known)
        finally:
            self.result.calls += driver.calls
            self._clean()

    def _shows(self, history: History) -> bool:
        """Whether a history ends in what is looked for."""
        ran = self._outcome(history)
        return ran.done == len(history) and ran.divergence is not None and ran.divergence.key == self._looked_for

    def _confirmed(self, history: History) -> Found:
        """The divergence as it comes when the shortest history is run once more."""
        first = self._ran[history] if history in self._ran else self._run_on_target(history)
        ran = self._run_on_target(history)
        evidence = tuple(self._running.evidence.entries())
        wanted, actual = first.divergence, ran.divergence
        again = actual is not None and actual.key == self._looked_for
        divergence = actual if actual is not None and again else wanted
        assert divergence is not None, "a history that diverged is confirmed"
        return Found(history, divergence, (ran if again else first).waited, evidence, again)

    def _is_known(self, divergence: Divergence) -> bool:
        """Whether it was found by an earlier round, or is not looked for."""
        if self._budget.claims and divergence.promise.claim not in self._budget.claims:
            return True
        return any(one.divergence.key == divergence.key for one in self.result.found)

    def _account(self) -> str:
        text = f"{self._run}/{self._count}"
        number = int(hashlib.sha256(text.encode()).hexdigest(), 16)
        return self._running.target.account or str(100_000_000_000 + number % 900_000_000_000)
