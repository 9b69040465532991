"""Sweep an account by the marks of runs alone, also of what is being created meanwhile.

What makes more is stopped first. After anything was deleted or waited for, the account is searched again, until a
search finds nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.marked import Marked
from surveyor.account.removal import Account
from surveyor.account.removal.creations import STILL_CREATING, creations_in_progress, wait_for_creations
from surveyor.account.removal.ecs import stop_and_wait
from surveyor.account.run_ids import inner_runs
from surveyor.targets.sweep import Leftovers, ReachedTarget, find_leftovers, sweep_marked

__all__ = ["AccountSweep"]

_MAX_ROUNDS = 5
"""Deletions until a search finds nothing new. What is stopped makes nothing more, so that one or two should do."""

_CREATIONS = "servicediscovery: ListOperations"

_Key = tuple[str, str]


@dataclass
class AccountSweep:
    """One sweep of a Region of an account.

    `chooses` says whether what a run has is deleted, and is asked once for each run. `describe` returns what a run has
    in words, `report` prints a line, and `waiting` shows how long something takes. `failed`: what could not be
    searched -> why.
    """

    reached: ReachedTarget
    region: str
    chooses: Callable[[Leftovers], bool]
    describe: Callable[[Leftovers], str]
    report: Callable[[str], None]
    waiting: Callable[[str], AbstractContextManager[None]]
    failed: dict[str, str] = field(default_factory=dict)
    _chosen: dict[str, bool] = field(default_factory=dict)
    _accounts: dict[str, Account] = field(default_factory=dict)

    def preview(self) -> list[str]:
        """Return a line for each thing that `delete` would delete, and change nothing."""
        creations, found = self._creations(), self._search()
        due = self._due(found, ())
        for leftovers in due:
            self.report(f"{self.describe(leftovers)}: would be deleted")
        if creations:
            self.report(f"being created in this account, for a run or another user: {_count(creations)}")
        return [str(marked) for leftovers in due for marked in leftovers.found]

    def delete(self) -> list[str]:
        """Delete what the chosen runs have, and return a line for each thing that is left of them."""
        creations, found = self._creations(), self._search()
        seen: set[_Key] = set()
        left: list[str] = []
        late: Collection[str] = ()
        for number in range(_MAX_ROUNDS + 1):
            due = self._due(found, seen)
            if not due and not creations:
                break
            if number == _MAX_ROUNDS:
                left += [f"{marked}: it was made while others were deleted" for run in due for marked in run.found]
                break
            if due:
                seen |= {_key(marked) for leftovers in due for marked in leftovers.found}
                left = self._delete(due)
                creations = self._creations()  # what was stopped makes no more
            if creations:
                self.report(f"being created in this account: {_count(creations)}; searching again after that")
                with self.waiting(f"waiting for {_count(creations)} that others or runs create"):
                    late = wait_for_creations(self._account(), self.region, creations)
            found, creations = self._search(), ()
        return [*left, *(f"operation {each}: {STILL_CREATING}" for each in sorted(late)), *self._commands(found)]

    def _account(self, run: str = "") -> Account:
        """Return the account for the clean-up of a run, with one client for each service."""
        if run not in self._accounts:
            account = self.reached.account(run)
            self._accounts[run] = replace(account, client=cache(account.client))
        return self._accounts[run]

    def _search(self) -> Sequence[Leftovers]:
        with self.waiting("searching the account"):
            found, failed = find_leftovers(self._account(), self.region)
        self.failed |= failed
        return found

    def _creations(self) -> Collection[str]:
        try:
            return creations_in_progress(self._account(), self.region)
        except ClientError as error:
            self.failed[_CREATIONS] = describe_failed_call(_CREATIONS, error.response)
        except BotoCoreError as error:
            self.failed[_CREATIONS] = f"{_CREATIONS}: {' '.join(str(error).split())}"
        return ()

    def _due(self, found: Sequence[Leftovers], seen: Collection[_Key]) -> Sequence[Leftovers]:
        """Return all that the chosen runs have, if any of it is new, in the order of deletion.

        With the run of a task those of the command in it are chosen. What they made is in the security groups of the
        run of the task, so it is deleted first.
        """
        runs = {leftovers.run for leftovers in found}
        enclosing_first = sorted(found, key=lambda leftovers: runs.isdisjoint(inner_runs(leftovers.run)))
        for leftovers in enclosing_first:
            if leftovers.run not in self._chosen:
                self._chosen[leftovers.run] = self.chooses(leftovers)
                if self._chosen[leftovers.run]:
                    self._chosen |= dict.fromkeys(inner_runs(leftovers.run), True)
        due = [leftovers for leftovers in reversed(enclosing_first) if self._chosen[leftovers.run]]
        is_new = any(_key(marked) not in seen for leftovers in due for marked in leftovers.found)
        return due if is_new else ()

    def _delete(self, due: Sequence[Leftovers]) -> list[str]:
        """Stop what makes more, delete everything, and return a line for each thing that is left."""
        left: list[str] = []
        for leftovers in due:
            if commands := [marked.id for marked in leftovers.found if marked.is_command]:
                account = self._account(leftovers.run)
                if account.ownership is not None:
                    account.ownership.own(commands)
                with self.waiting(f"stopping the command of run {leftovers.run}, which cleans up for two minutes"):
                    problems = stop_and_wait(account, self.region, commands)
                left += [f"task {arn}: {why}" for arn, why in problems.items()]
        for leftovers in due:
            self.report(f"{self.describe(leftovers)}: deleting")
            with self.waiting(f"deleting what run {leftovers.run} left"):
                left += sweep_marked(leftovers, self._account(leftovers.run), self.report)
        return left

    def _commands(self, found: Sequence[Leftovers]) -> list[str]:
        """Return a line for each task that is kept although the command in it is of a run that was swept."""
        return [
            f"{marked}: the command of a run that was swept is in it, and makes more; --run {leftovers.run} stops it"
            for leftovers in found
            if not self._chosen.get(leftovers.run) and any(map(self._chosen.get, inner_runs(leftovers.run)))
            for marked in leftovers.found
            if marked.is_command
        ]


def _key(marked: Marked) -> _Key:
    return marked.operation, marked.id


def _count(creations: Collection[str]) -> str:
    return f"{len(creations)} namespace{'' if len(creations) == 1 else 's'}"
