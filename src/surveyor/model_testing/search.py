"""Search with hypothesis for histories on which a target and the model diverge, and shorten them.

A round ends with the first divergence, shortened; a further round ignores the divergences known by then.
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
from surveyor.evidence import EvidenceEntry
from surveyor.model_testing.driver import Driver
from surveyor.model_testing.execution import HistoryResult, run_history
from surveyor.model_testing.promises import Divergence
from surveyor.model_testing.shrinking import shorten
from surveyor.model_testing.state_machine import machine_for
from surveyor.model_testing.steps import History
from surveyor.targets.running import RunningTarget

__all__ = ["FoundDivergence", "Search", "SearchBudget", "SearchProgress"]


@dataclass(frozen=True)
class SearchBudget:
    """The limits of a search: `histories`, and `steps` in each. `keep_going`: continue after the first divergence.

    `claims`: search for divergences of these claims only; empty means all.
    """

    histories: int = 100
    steps: int = 12
    seed: int = 7
    keep_going: bool = False
    claims: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FoundDivergence:
    """A divergence with its shortest history, whose last step shows it.

    `waited`: service seconds that the last step waited for the answer that diverged. `evidence`: calls and answers
    when the history was repeated; `again`: whether the same divergence occurred then.
    """

    history: History
    divergence: Divergence
    waited: float
    evidence: tuple[EvidenceEntry, ...]
    again: bool


@dataclass
class SearchProgress:
    """The progress of a search; `current`: the symptom whose history is being shortened."""

    histories: int = 0
    calls: int = 0
    shortening: int = 0
    current: str | None = None
    found: list[FoundDivergence] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


class _Diverged(Exception):
    """Reports to hypothesis that a history diverges."""


class Search:
    """One search on a running target; `report_progress` and `clean` are called after each history."""

    def __init__(
        self,
        running: RunningTarget,
        budget: SearchBudget,
        prefix: str = "model-",
        report_progress: Callable[[SearchProgress], None] = lambda _: None,
        clean: Callable[[], None] = lambda: None,
    ) -> None:
        self.result = SearchProgress()
        self._running = running
        self._budget = budget
        self._prefix = prefix
        self._report_progress = report_progress
        self._clean = clean
        self._run = secrets.token_hex(4)  # the target may remember the accounts of an earlier search
        self._results: dict[History, HistoryResult] = {}
        self._expected: tuple[str, str] | None = None
        self._count = 0
        self._failure: BaseException | None = None

    def run(self) -> SearchProgress:
        """Search until the budget is used up, or to the first divergence. Raises TargetUnavailable."""
        number, tried = 0, -1
        # Hypothesis may generate a history twice: a round without any new history is the last one.
        while tried < self.result.histories < self._budget.histories:
            tried = self.result.histories
            found = self._round(self._budget.histories - tried, self._budget.seed + number)
            number += 1
            if found is not None:
                self.result.found.append(found)
                self.result.current = None
                if not self._budget.keep_going:
                    break
        return self.result

    def _round(self, histories: int, number: int) -> FoundDivergence | None:
        """Return the first new divergence, shortened."""
        self._expected = None
        self._results.clear()  # the set of ignored divergences has changed
        shortest: dict[str, History] = {}

        def run(history: History) -> None:
            used_up = self._expected is None and self.result.histories >= self._budget.histories
            if used_up and history not in self._results:
                return
            if self._failure:  # hypothesis repeats what raised; a dead target is not called again
                raise self._failure
            try:
                result = self._result_of(history)
            except (SurveyorError, KeyboardInterrupt) as error:
                self._failure = error
                raise
            divergence = result.divergence
            if divergence is None:
                return
            # After the first divergence search for this one only: shrinking might otherwise switch to another.
            if self._expected is None:
                self._expected = divergence.key
                self.result.current = divergence.symptom
            if divergence.key == self._expected:
                shortest["history"] = history[: result.done]
                raise _Diverged

        machine = seed(number)(machine_for(self._running.features, run))
        search_settings = settings(
            max_examples=histories,
            stateful_step_count=self._budget.steps,
            database=None,
            deadline=None,
            phases=(Phase.generate,),  # histories are shortened by shrinking.py instead
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
            # A target may be slow, and a rule may have nothing to draw from: neither is a defect of the rules.
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        try:
            with with_reporter(lambda _: None):
                run_state_machine_as_test(machine, settings=search_settings)
        except _Diverged:
            return self._confirm(shorten(shortest["history"], self._shows_divergence))
        return None

    def _result_of(self, history: History) -> HistoryResult:
        """Return the result of a history, which is run only once."""
        if history not in self._results:
            result = self._results[history] = self._run_on_target(history)
            self.result.left_out |= result.left_out
            if self._expected is None:
                self.result.histories += 1
            else:
                self.result.shortening += 1
            self._report_progress(self.result)
        return self._results[history]

    def _run_on_target(self, history: History) -> HistoryResult:
        self._count += 1
        driver = Driver(self._running, self._account(), f"{self._prefix}{self._count}-")
        self._running.evidence.begin()
        try:
            return run_history(driver, self._running.clock, history, self._is_known)
        finally:
            self.result.calls += driver.calls
            self._clean()

    def _shows_divergence(self, history: History) -> bool:
        """Return whether the last step of a history shows the expected divergence."""
        result = self._result_of(history)
        divergence = result.divergence
        return result.done == len(history) and divergence is not None and divergence.key == self._expected

    def _confirm(self, history: History) -> FoundDivergence:
        """Repeat the shortest history and return the divergence as it occurs then."""
        first = self._results[history] if history in self._results else self._run_on_target(history)
        second = self._run_on_target(history)
        evidence = tuple(self._running.evidence.entries())
        expected, actual = first.divergence, second.divergence
        again = actual is not None and actual.key == self._expected
        divergence = actual if actual is not None and again else expected
        assert divergence is not None, "only histories that diverged are confirmed"
        return FoundDivergence(history, divergence, (second if again else first).waited, evidence, again)

    def _is_known(self, divergence: Divergence) -> bool:
        """Return whether an earlier round found the divergence, or the search is not for its claim."""
        if self._budget.claims and divergence.promise.claim not in self._budget.claims:
            return True
        return any(found.divergence.key == divergence.key for found in self.result.found)

    def _account(self) -> str:
        text = f"{self._run}/{self._count}"
        number = int(hashlib.sha256(text.encode()).hexdigest(), 16)
        return self._running.target.account or str(100_000_000_000 + number % 900_000_000_000)
