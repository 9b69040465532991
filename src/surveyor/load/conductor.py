"""Conduct a scenario in a process without greenlets: create the service, observe it, and inject its faults.

`python -m surveyor.load.conductor` reads a line of JSON, a ConductorInput, from standard input, and writes lines of
JSON: the service's endpoints, each phase, the end of the phases, that it waits for the tally (which must be in the
folder when another line arrives), and last the exit status, the reason if it is not 0, and result lines for people.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from surveyor.chaos.faults import find_fault
from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.run import RunConfig, check_account, exit_code, run_suites
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import find_layout
from surveyor.load.client_results import with_client_results
from surveyor.load.console import report_lines
from surveyor.load.scenario import ConductorInput, Scenario
from surveyor.load.tally import TALLY_FILE
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import SCENARIO_TEST, Chaos
from surveyor.report.file import REPORT_FILE, save_report
from surveyor.report.outputs import save_outputs
from surveyor.report.run_folder import reserve_folder
from surveyor.targets.options import TargetOptions
from surveyor.terminal import guard_errors
from surveyor.typed_json import dump_json, parse_json

__all__ = ["main"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> int:
    """Conduct the scenario; the exit status is that of `surveyor chaos`."""
    for number in _SIGNALS:  # Ctrl-C in a terminal sends SIGINT, and Locust then SIGTERM
        signal.signal(number, _interrupt)
    guard_errors()
    conductor_input = parse_json(sys.stdin.readline(), ConductorInput)
    scenario = conductor_input.scenario
    os.environ["SURVEYOR_SCENARIO"] = dump_json(scenario)
    options = conductor_input.target_options
    config = RunConfig(
        find_layout(),
        conductor_input.target,
        Path(conductor_input.out),
        Selection(),
        seed=conductor_input.seed,
        target_options=TargetOptions(
            **{**options, "enable": tuple(options.get("enable") or ()), "tag": tuple(options.get("tag") or ())}
        ),
        experiments=(SCENARIO_TEST,),
        chaos=Chaos(scale=conductor_input.scale),
        command="load",
    )
    try:
        _check(scenario)
        reserve_folder(config.out)
        check_account(config)
        report = run_suites(config, Collector())
        _send({"waiting": "tally"})
        sys.stdin.readline()
        if (config.out / TALLY_FILE).is_file():
            report = with_client_results(report, config.out, conductor_input.note)
            save_report(report, config.out / REPORT_FILE)
        page = save_outputs(report, load_claims(config.layout.claims), config.out)
    except SurveyorError as error:
        return _end(2 if isinstance(error, UsageError) else 3, str(error))
    details = [result.detail for result in report.experiments if result.detail]
    reason = "; ".join([report.failure] if report.failure else details)
    return _end(exit_code(report), reason, [*report_lines(report), f"page: {page}"])


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


def _end(status: int, reason: str, lines: Sequence[str] = ()) -> int:
    _send({"status": status, "reason": reason, "lines": list(lines)})
    return status


def _send(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
