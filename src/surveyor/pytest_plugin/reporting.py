"""Write the report of `surveyor conform` when suites are run by plain pytest with --out."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from surveyor.claims.selection import Selection
from surveyor.errors import SurveyorError
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import SETTINGS, Settings
from surveyor.pytest_plugin.session import SESSION
from surveyor.report.run_folder import reserve_folder

__all__ = ["Reporter"]


class Reporter(Collector):
    """Collect results, and write the report when pytest ends."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        super().__init__()
        self._config = config
        self._settings = settings
        self._started = datetime.now(UTC)
        self._began = time.perf_counter()

    def write(self, status: int) -> None:
        """Write the report, if any suites were run."""
        settings, results, target = self._settings, self.finished(), self._config.stash[SESSION].target
        if settings.out is None or not results:
            return
        from surveyor.report.build import Run, find_leaked_resources, load_and_build_report  # here, since few runs do
        from surveyor.report.file import REPORT_FILE, load_report, save_report

        run = Run(
            target=target,
            seed=settings.seed,
            selection=Selection(settings.areas, settings.claims),
            results=results,
            facts=self.facts,
            started=self._started,
            finished=datetime.now(UTC),
            wall_seconds=time.perf_counter() - self._began,
            failure=next((facts.failure for facts in self.facts if facts.failure), ""),
            leaked_resources=find_leaked_resources(settings.out),
            interrupted=status == pytest.ExitCode.INTERRUPTED,
            folder=settings.out,
            only_experiments=all(result.history for result in results),
            earlier=load_report(settings.out / REPORT_FILE) if settings.resume else None,
        )
        save_report(load_and_build_report(run, settings.layout), settings.out / REPORT_FILE)


_REPORTER = pytest.StashKey[Reporter]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    settings = config.stash[SETTINGS]
    plugins = config.pluginmanager.get_plugins()
    if (
        settings.out is None
        or hasattr(config, "workerinput")
        or any(isinstance(plugin, Collector) for plugin in plugins)
    ):
        return
    try:
        reserve_folder(settings.out)
    except SurveyorError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_REPORTER] = Reporter(config, settings)
    config.pluginmanager.register(config.stash[_REPORTER], "surveyor-reporter")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    yield
    reporter = session.config.stash.get(_REPORTER, None)
    if reporter is not None:
        reporter.write(exitstatus)
