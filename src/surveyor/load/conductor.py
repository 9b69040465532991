"""Conduct a scenario in a process without greenlets: create the service, observe it, and inject its faults.

`surveyor load` conducts itself, and starts Locust for the callers. Where Locust is the command, it starts a conductor:
`python -m surveyor.load.conductor` reads a ConductorInput as a line of JSON from standard input, and writes the
messages of a CallersLink, and last the exit status, the reason if it is not 0, and result lines for people.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest
from msgspec import structs

from surveyor.chaos import Experiment, ExperimentRun, experiment
from surveyor.chaos.faults import find_fault
from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.run import check_account, exit_code, run_suites
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import find_layout
from surveyor.load.callers_link import CallersLink
from surveyor.load.client_results import with_client_results
from surveyor.load.console import report_lines
from surveyor.load.scenario import ConductorInput, Scenario
from surveyor.load.scenario_run import scenario_experiment
from surveyor.load.tally import TALLY_FILE
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import SCENARIO_TEST, Chaos
from surveyor.report.file import REPORT_FILE, save_report
from surveyor.report.model import ConformanceReport
from surveyor.report.outputs import PAGE_FILE, save_outputs
from surveyor.report.run_folder import reserve_folder
from surveyor.targets.options import TargetOptions
from surveyor.terminal import guard_errors
from surveyor.typed_json import parse_json

__all__ = ["conduct", "main", "reason_of"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _ScenarioPlugin:
    """Give the test of scenarios the experiment that it runs."""

    def __init__(self, scenario: Experiment) -> None:
        self._scenario = scenario

    @pytest.hookimpl(wrapper=True, trylast=True)  # before the marks of what was collected are checked
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report, of = (yield), self._scenario
        for node in report.result or ():
            if isinstance(node, pytest.Item) and node.path == SCENARIO_TEST:
                node.add_marker(experiment(of.title, faults=of.faults, checks=of.checks, setup=of.setup, name=of.name))
        return report

    @pytest.fixture
    def scenario_steps(self) -> Callable[[ExperimentRun], object]:
        """Return the steps of the scenario."""
        return self._scenario.steps


def conduct(conductor_input: ConductorInput, callers: CallersLink) -> ConformanceReport:
    """Run a scenario, and return its report, which is saved with its page in the folder of the scenario.

    Raises UsageError for a scenario that cannot be run, SurveyorError if the target or the callers fail.
    """
    scenario, layout = conductor_input.scenario, find_layout()
    _check(scenario)
    options = conductor_input.target_options
    lists = {name: tuple(options.get(name) or ()) for name in ("enable", "tag")}
    config = RunConfig(
        layout,
        conductor_input.target,
        Path(conductor_input.out),
        Selection(),
        seed=conductor_input.seed,
        target_options=TargetOptions(**{**options, **lists}),
        experiments=(SCENARIO_TEST,),
        chaos=Chaos(scale=conductor_input.scale),
        command="load",
    )
    reserve_folder(config.out)
    check_account(config)
    plugin = _ScenarioPlugin(scenario_experiment(scenario, callers))
    collector = Collector()
    report = run_suites(config, collector, plugin)
    if line := collector.describe_search():
        sys.stderr.write(f"{line}\n")
    # Without a history the report knows only the name of the test.
    named = tuple(structs.replace(result, name=scenario.name) for result in report.experiments)
    report = structs.replace(report, experiments=named)
    if not callers.collect() and not report.interrupted:
        raise SurveyorError("the callers ended before they had saved their counts; nothing was measured")
    if (config.out / TALLY_FILE).is_file():
        report = with_client_results(report, config.out, conductor_input.note)
        save_report(report, config.out / REPORT_FILE)
    save_outputs(report, load_claims(layout.claims), config.out)
    return report


def reason_of(report: ConformanceReport) -> str:
    """Return why a scenario did not pass, "" if it did."""
    details = [result.detail for result in report.experiments if result.detail]
    return "; ".join([report.failure] if report.failure else details)


def main() -> int:
    """Conduct the scenario; the exit status is that of `surveyor chaos`."""
    for number in _SIGNALS:  # Ctrl-C in a terminal sends SIGINT, and Locust then SIGTERM
        signal.signal(number, _interrupt)
    guard_errors()
    conductor_input = parse_json(sys.stdin.readline(), ConductorInput)
    link = CallersLink(sys.stdout, sys.stdin)
    try:
        report = conduct(conductor_input, link)
    except SurveyorError as error:
        return _end(link, 2 if isinstance(error, UsageError) else 3, str(error))
    page = Path(conductor_input.out) / PAGE_FILE
    return _end(link, exit_code(report), reason_of(report), [*report_lines(report), f"page: {page}"])


def _check(scenario: Scenario) -> None:
    """Raise UsageError for a scenario that cannot be run."""
    for name in scenario.faults:
        find_fault(name)
    if scenario.setup.count < 1:
        raise UsageError(f"the scenario {scenario.name} has a service without tasks: there is nothing to call")
    if not scenario.phases:
        raise UsageError(f"the scenario {scenario.name} has no phases: nothing would be counted")


def _interrupt(number: int, frame: object) -> None:
    """Handle the first signal only: cleanup is already running on the second."""
    for handled in _SIGNALS:
        signal.signal(handled, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end(link: CallersLink, status: int, reason: str, lines: Sequence[str] = ()) -> int:
    link.send({"status": status, "reason": reason, "lines": list(lines)})
    return status


if __name__ == "__main__":
    sys.exit(main())
