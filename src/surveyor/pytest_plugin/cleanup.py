"""In an account that outlives the run: what a test made goes when it ends, what all tests share when all have ended."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from surveyor.account.ledger import read_pages
from surveyor.account.removal import delete_resources
from surveyor.errors import SurveyorError
from surveyor.pytest_plugin.options import SETTINGS, is_judged
from surveyor.pytest_plugin.session import SESSION, ledger_folder
from surveyor.targets.parent_death import end_with
from surveyor.targets.running import run_target
from surveyor.targets.sweep import sweep_folder

__all__: list[str] = []

_MADE_BEFORE = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # A worker whose run was killed must not go on creating things behind the back of whoever sweeps.
    if hasattr(config, "workerinput") and config.stash[SESSION].ledger is not None:
        end_with(os.getppid())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    ledger = item.config.stash[SESSION].ledger
    if ledger is not None and is_judged(item):
        item.stash[_MADE_BEFORE] = ledger.count


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    yield
    session = item.config.stash[SESSION]
    ledger, running = session.ledger, session.running
    if ledger is None or running is None or _MADE_BEFORE not in item.stash or session.dead():
        return
    pages = read_pages(ledger.path)
    kept = {one.number for one in pages.shared}
    made = [one for one in pages.standing if one.number > item.stash[_MADE_BEFORE] and one.number not in kept]
    for thing in delete_resources(
        made, running.account(session.run)
    ).gone:  # what is left now is tried once more at the end
        ledger.removed(thing.number)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    yield
    config = session.config
    target, ledger = config.stash[SESSION].target, config.stash[SESSION].ledger
    if ledger is None:
        return
    ledger.close()
    if hasattr(config, "workerinput") or target.start is not None:
        return  # the process that started the workers sees to it, or the whole target is about to be stopped
    try:
        sweep_folder(ledger_folder(config.stash[SETTINGS]), target, run_target)
    except SurveyorError:
        return  # what the ledgers say still stands is in the report, and is told at its end
