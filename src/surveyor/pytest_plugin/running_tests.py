"""Tell the progress of a run which test each process runs, and what it waits for."""

from __future__ import annotations

import pytest

from surveyor.pytest_plugin.options import SETTINGS, is_judged
from surveyor.pytest_plugin.session import SESSION
from surveyor.report.running_tests import RunningTestFile

__all__: list[str] = []

_FILE = pytest.StashKey[RunningTestFile]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    out, target = config.stash[SETTINGS].out, config.stash[SESSION].target
    # Where a clock is advanced, no test takes long enough to be named.
    if out is not None and (target.is_one_account or target.clock == "wall"):
        worker = getattr(config, "workerinput", {}).get("workerid", "main")
        config.stash[_FILE] = RunningTestFile(out, worker)


@pytest.hookimpl
def pytest_runtest_setup(item: pytest.Item) -> None:
    # After the hook that starts the target, and before the fixtures.
    file = item.config.stash.get(_FILE, None)
    if file is not None and is_judged(item):
        file.begin(item.nodeid)
        running = item.config.stash[SESSION].running
        if running is not None:
            running.evidence.watch = file.saw


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _FILE in session.config.stash:
        session.config.stash[_FILE].remove()
