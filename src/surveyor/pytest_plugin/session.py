"""The running target of this process: started at the first test that needs it, stopped at the end.

Each xdist worker is a process and so has an instance of its own: advancing one clock disturbs nobody.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from surveyor import timeouts
from surveyor.account.ledger import Ledger, Owner
from surveyor.errors import SurveyorError, TargetUnavailable
from surveyor.pytest_plugin.options import SETTINGS, Settings
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor.targets.sweep import forget

__all__ = ["SESSION", "TargetSession", "ledger_folder", "running_target"]


class TargetSession:
    """Starts the target once; when that failed, or the target died, says so to every test that asks, at once."""

    def __init__(self, settings: Settings, worker: str) -> None:
        self.target = load_target(settings.target, settings.layout.targets, settings.given)
        # What we start is new each time, so names may repeat from run to run; what is there already remembers.
        self.run = f"s{settings.seed}" if self.target.start else settings.run
        self.ledger = self._new_ledger(settings, worker)
        self.started_at: float | None = None
        self.failure: str | None = None
        self.running: RunningTarget | None = None
        self._settings = settings
        self._stack = ExitStack()

    def get(self) -> RunningTarget:
        """The running target. Raises TargetUnavailable without waiting once it is known to be gone."""
        if self.failure:
            raise TargetUnavailable(self.failure)
        if self.running is None:
            try:
                self.running = self._stack.enter_context(run_target(self.target, self._settings.seed, self.ledger))
                self.started_at = self.running.clock.now()
                if self.ledger is not None:
                    self.ledger.pause = partial(self.running.clock.wait, timeouts.WALL_STEP)
            except Exception as failure:
                self.failure = str(failure) or type(failure).__name__
                raise
        return self.running

    def dead(self) -> str | None:
        """Why the target cannot answer any more, asked anew; known to all tests that follow."""
        if self.failure is None and self.running is not None:
            self.failure = self.running.dead()
        return self.failure

    def service_seconds(self) -> float:
        """How much service time the target has lived through with us."""
        if self.running is None or self.started_at is None or self.failure:
            return 0.0
        try:
            return self.running.clock.now() - self.started_at
        except TargetUnavailable as gone:
            self.failure = str(gone)
            return 0.0

    def close(self) -> None:
        """Stop what was started."""
        if self.ledger is not None:
            self.ledger.close()
        self._stack.close()

    def _new_ledger(self, settings: Settings, worker: str) -> Ledger | None:
        """A ledger where the account outlives the run; what is made in a test's own account is nobody's burden."""
        if not self.target.is_one_account:
            return None
        owner = Owner(
            run=self.run,
            target=settings.target,
            account=self.target.account or "",
            region=self.target.region,
            endpoint=self.target.endpoint,
            dns=settings.given.dns,
        )
        most = None if "quotas" in (self.target.features or ()) else timeouts.NAMESPACES
        # Workers share what is in one account; where each has a target of its own, there is nothing to share.
        folder = ledger_folder(settings) / worker if self.target.start else ledger_folder(settings)
        return Ledger(folder / f"ledger-{worker}.jsonl", owner, most)


def ledger_folder(settings: Settings) -> Path:
    """Where the ledgers of this run are."""
    return settings.out or settings.layout.out / f"pytest-{settings.run}"


SESSION = pytest.StashKey[TargetSession]()


def worker_name(config: pytest.Config) -> str:
    """gw0, gw1, … in xdist's workers, `main` elsewhere."""
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    try:
        session = TargetSession(config.stash[SETTINGS], worker_name(config))
        if session.ledger is not None and not hasattr(config, "workerinput"):
            forget(ledger_folder(config.stash[SETTINGS]), anyway=session.target.start is not None)
        config.stash[SESSION] = session
    except SurveyorError as wrong:
        raise pytest.UsageError(str(wrong)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()


@pytest.fixture(scope="session")
def running_target(pytestconfig: pytest.Config) -> RunningTarget:
    """The target under test. Suites do not use it: what they may know of a target comes through the other fixtures."""
    return pytestconfig.stash[SESSION].get()
