"""Deletion in accounts that outlive the run: a test's resources when it ends, shared ones at the end of the run.

Task definitions wait until they fill a call: they cost nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from surveyor.account.ledger import LedgerContents, Resource, read_ledger
from surveyor.account.removal import MAX_DEFINITIONS, delete_resources
from surveyor.errors import SurveyorError
from surveyor.pytest_plugin.options import SETTINGS, is_judged
from surveyor.pytest_plugin.session import SESSION, TargetSession, ledger_folder, worker_name
from surveyor.targets import Target
from surveyor.targets.consumer import close_accounts
from surveyor.targets.parent_death import end_with
from surveyor.targets.running import RunningTarget, reach_target
from surveyor.targets.sweep import Reach, find_leftovers

__all__: list[str] = []

_DEFINITION = "task definition"
_CREATED_BEFORE = pytest.StashKey[int]()
_DEFINITIONS_TRIED = pytest.StashKey[int]()
"""The number of the last task definition in the ledger that a test has tried to delete."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # A worker whose run was killed must not go on creating resources while `surveyor sweep` deletes them.
    if hasattr(config, "workerinput") and config.stash[SESSION].ledger is not None:
        end_with(os.getppid())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    ledger = item.config.stash[SESSION].ledger
    if ledger is not None and is_judged(item):
        item.stash[_CREATED_BEFORE] = ledger.count


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    yield
    session = item.config.stash[SESSION]
    ledger, running = session.ledger, session.running
    if ledger is None or running is None or _CREATED_BEFORE not in item.stash or session.dead():
        return
    if (consumer := session.consumer) is not None:  # first, since it uses what the owner shares
        existing = read_ledger(consumer.ledger.path).existing
        for resource in delete_resources(existing, consumer.clean_up(running, session.run)).deleted:
            consumer.ledger.record_removed(resource.number)
    # What cannot be deleted now is tried once more at the end of the run.
    for resource in delete_resources(_due(item, read_ledger(ledger.path)), running.account(session.run)).deleted:
        ledger.record_removed(resource.number)


def _due(item: pytest.Item, contents: LedgerContents) -> list[Resource]:
    """Return what a test has created, and the task definitions of the last tests if these fill a call."""
    shared = {entry.number for entry in contents.shared}
    own = [entry for entry in contents.existing if entry.number not in shared]
    tried = item.config.stash.get(_DEFINITIONS_TRIED, 0)
    definitions = [entry for entry in own if entry.kind == _DEFINITION and entry.number > tried]
    if len(definitions) < MAX_DEFINITIONS:
        definitions = []
    else:
        item.config.stash[_DEFINITIONS_TRIED] = definitions[-1].number
    created = [entry for entry in own if entry.kind != _DEFINITION and entry.number > item.stash[_CREATED_BEFORE]]
    return created + definitions


def _rehearse_the_end(session: TargetSession, *, searches: bool) -> None:
    """Delete what the tests of this worker shared, as at the end of a run in an account; note how long it takes.

    One worker searches the account then, as the process does that started the workers.
    """
    ledger, running = session.ledger, session.running
    if not session.target.rehearsal or ledger is None or running is None or session.dead():
        return
    began, account = running.clock.now(), running.account(session.run)
    delete_resources(read_ledger(ledger.path).existing, account)
    if searches:
        find_leftovers(account, session.target.region, without=session.without)
    session.closing_seconds = running.clock.now() - began


def _counting(calls: Counter[str]) -> Reach:
    """Return `reach_target`, which adds the calls that are made meanwhile to `calls`."""

    @contextmanager
    def reach(target: Target, seed: int) -> Iterator[RunningTarget]:
        with reach_target(target, seed) as running:
            try:
                yield running
            finally:
                calls.update(running.spending.all())

    return reach


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    _rehearse_the_end(session.config.stash[SESSION], searches=worker_name(session.config) in ("main", "gw0"))
    yield
    config = session.config
    target, ledger = config.stash[SESSION].target, config.stash[SESSION].ledger
    if ledger is None:
        return
    ledger.close()
    if (consumer := config.stash[SESSION].consumer) is not None:
        consumer.ledger.close()
    if hasattr(config, "workerinput") or target.start is not None:
        return  # the process that started the workers does it, or the whole target is about to be stopped
    folder, own = ledger_folder(config.stash[SETTINGS]), config.stash[SESSION]
    try:
        reach = _counting(own.closing_calls)
        own.not_searched = close_accounts(folder, ledger.owner, target, reach, own.without)
    except SurveyorError:
        return  # the report lists what the ledgers still hold
