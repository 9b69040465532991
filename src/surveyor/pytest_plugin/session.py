"""The running target of this process: started at the first test that needs it, stopped at the end.

Each xdist worker is a process with its own instance, so that advancing one clock does not disturb other tests.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from surveyor import timeouts
from surveyor.account.ledger import Ledger, Owner
from surveyor.account.room import Room, find_vpc_room
from surveyor.errors import CredentialsEnded, SurveyorError, TargetUnavailable
from surveyor.pytest_plugin.consumer import Consumer, open_consumer
from surveyor.pytest_plugin.options import SETTINGS, Settings
from surveyor.targets import load_target
from surveyor.targets.process import StartedProcess
from surveyor.targets.running import RunningTarget, run_target
from surveyor.targets.sweep import forget, not_searched, set_ledgers_aside
from surveyor.vantage import Vantages, at_main_vantage

__all__ = ["SESSION", "LaunchedTarget", "TargetSession", "ledger_folder", "running_target", "worker_name"]


_LAUNCHED = pytest.StashKey[StartedProcess]()


class LaunchedTarget:
    """A plugin for a run in this process whose target starts while pytest does; its launcher stops it as well."""

    def __init__(self, process: StartedProcess) -> None:
        self._process = process

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep the process for the session."""
        config.stash[_LAUNCHED] = self._process


class TargetSession:
    """Start the target once. If that fails, or the target dies, every later test gets the same error at once.

    `needed`: the features that the tests of the run need; None for all. `launched`: the process of the target, if it
    was started before.
    """

    def __init__(self, settings: Settings, worker: str, launched: StartedProcess | None = None) -> None:
        target = load_target(settings.target, settings.layout.targets, settings.target_options)
        self.target = at_main_vantage(target, ledger_folder(settings))
        # A target that is started here is new each time, so names may repeat; one that was running before keeps them.
        self.run = f"s{settings.seed}" if self.target.start else settings.run
        self.ledger = self._new_ledger(settings, worker)
        self.started_at: float | None = None
        self.closing_seconds = 0.0
        self.closing_calls = Counter[str]()
        self.not_searched: Mapping[str, str] = {}
        # The services that are not searched at the end.
        self.without = not_searched(self.target, settings.command, service=bool(settings.chaos.service))
        self.failure: str | None = None
        self._refused = False
        self.running: RunningTarget | None = None
        self.consumer: Consumer | None = None
        self.needed: frozenset[str] | None = None
        self._settings = settings
        self.launched = launched
        self._stack = ExitStack()

    def get(self) -> RunningTarget:
        """Return the running target. Raises TargetUnavailable at once if it is known to be gone.

        Raises CredentialsEnded if the credentials of the run end too soon for another test.
        """
        if self.failure:
            raise CredentialsEnded(self.failure) if self.credentials_ended else TargetUnavailable(self.failure)
        if self.running is None:
            try:
                running = run_target(
                    *(self.target, self._settings.seed, self.ledger), needed=self.needed, launched=self.launched
                )
                self.running = self._stack.enter_context(running)
                self.started_at = self.running.clock.now()
                if self.ledger is not None:
                    self.ledger.pause = self.running.clock.wait
                    if self.target.from_vpc is not None:
                        self.running.inside = Vantages(self.running, self.ledger)
                    if self.target.start is None:
                        self.ledger.rooms["VPC"] = partial(_vpc_room, self.running)
            except Exception as error:
                self.failure = str(error) or type(error).__name__
                self._refused = isinstance(error, CredentialsEnded)
                raise
        if self.running.clients.own and self.running.clients.own.end is not None:
            try:
                self.running.clients.own.check_time(self.running.clock.now())
            except CredentialsEnded as error:
                self.failure = str(error)
                raise
        return self.running

    def get_consumer(self) -> Consumer:
        """Return the second account. Raises TargetUnavailable as `get` does."""
        running = self.get()
        if self.consumer is None:
            assert self.ledger is not None, "a target with credentials of the user is one account"
            folder = self.ledger.path.parent
            self.consumer = open_consumer(running, self.ledger.owner, folder, self.ledger.path.stem[len("ledger-") :])
        return self.consumer

    @property
    def credentials_ended(self) -> bool:
        """Return whether the credentials of the run are known to be of no use any more."""
        return self._refused or (self.running is not None and self.running.clients.ended() is not None)

    def dead(self) -> str | None:
        """Return why the target cannot answer any more, or None; checked anew, and remembered for later tests."""
        if self.failure is None and self.running is not None:
            self.failure = self.running.dead()
        return self.failure

    def service_seconds(self) -> float:
        """Return how many service seconds have passed since the target was started."""
        if self.running is None or self.started_at is None or self.failure:
            return 0.0
        try:
            return self.running.clock.now() - self.started_at
        except TargetUnavailable as error:
            self.failure = str(error)
            return 0.0

    def close(self) -> None:
        """Stop the target if it was started here."""
        if self.consumer is not None:
            self.consumer.ledger.close()
        if self.ledger is not None:
            self.ledger.close()
        self._stack.close()

    def _new_ledger(self, settings: Settings, worker: str) -> Ledger | None:
        """Return a ledger if the account outlives the run; resources in an account of one test need no deletion."""
        if not self.target.is_one_account:
            return None
        owner = Owner(
            run=self.run,
            target=settings.target,
            account=self.target.account or "",
            region=self.target.region,
            endpoint=self.target.endpoint,
            dns=settings.target_options.dns,
            profile=self.target.credentials.profile,
        )
        budget = self.target.budget
        namespaces = budget.namespaces if math.isfinite(budget.namespaces) else timeouts.NAMESPACES
        limits = {"namespace": namespaces, "hosted zone": budget.zones}
        if "quotas" in (self.target.features or ()):
            limits = {}
        # Workers share one account; where each has its own target, nothing is shared.
        folder = ledger_folder(settings) / worker if self.target.start else ledger_folder(settings)
        return Ledger(folder / f"ledger-{worker}.jsonl", owner, limits)


def _vpc_room(running: RunningTarget, region: str, own: Sequence[str]) -> Room:
    return find_vpc_room(running.clients.patient, region, own).room()


def ledger_folder(settings: Settings) -> Path:
    """Return the folder of the ledgers of this run."""
    return settings.out or settings.layout.out / f"pytest-{settings.run}"


SESSION = pytest.StashKey[TargetSession]()


def worker_name(config: pytest.Config) -> str:
    """Return gw0, gw1, … in the workers of xdist, `main` elsewhere."""
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    try:
        session = TargetSession(config.stash[SETTINGS], worker_name(config), config.stash.get(_LAUNCHED, None))
        if session.ledger is not None and not hasattr(config, "workerinput"):
            folder, is_new = ledger_folder(config.stash[SETTINGS]), session.target.start is not None
            if config.stash[SETTINGS].resume and not is_new:
                set_ledgers_aside(folder, session.run)
            else:
                forget(folder, anyway=is_new, run=session.run)
        config.stash[SESSION] = session
    except SurveyorError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()


@pytest.fixture(scope="session")
def running_target(pytestconfig: pytest.Config) -> RunningTarget:
    """Return the target under test. Suites use the other fixtures instead, which hide how a target is reached."""
    return pytestconfig.stash[SESSION].get()
