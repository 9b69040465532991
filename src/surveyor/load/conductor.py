"""Conducts a scenario in a process without greenlets: builds the service, watches it, does what is to be done to it.

`python -m surveyor.load.conductor` reads a line of JSON, a Conducting, on standard input, and writes lines of JSON: the
place, each phase, that it is over, that it waits for what was counted, which is to be in the folder when another line
comes, and last the exit status, with why where it is not 0, and what came of it all in lines for people.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from surveyor.chaos.faults import fault_of
from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.run import RunConfig, check_account, exit_code, run_suites
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import find_layout
from surveyor.load.client_results import with_client_results
from surveyor.load.console import lines_of
from surveyor.load.scenario import Conducting, Scenario
from surveyor.load.tally import TALLY_FILE
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import CONDUCTED, Chaos
from surveyor.report.file import REPORT_FILE, save_report
from surveyor.report.outputs import save_forms
from surveyor.targets.options import TargetOptions

__all__ = ["main"]


def main() -> int:
    """Conduct; the exit status is that of `surveyor chaos`."""
    for one in (signal.SIGTERM, signal.SIGINT):  # from a terminal the one, and then from Locust the other
        signal.signal(one, _interrupted)
    wanted = Conducting.loads(sys.stdin.readline())
    scenario = Scenario.loads(wanted.scenario)
    os.environ["SURVEYOR_SCENARIO"] = wanted.scenario
    given = TargetOptions(**{**wanted.given, "allow": tuple(wanted.given.get("allow") or ())})
    order = RunConfig(
        find_layout(),
        wanted.target,
        Path(wanted.out),
        Selection(),
        seed=wanted.seed,
        given=given,
        experiments=(CONDUCTED,),
        chaos=Chaos(scale=wanted.scale),
    )
    try:
        _check(scenario)
        check_account(order)
        report = run_suites(order, Collector())
        _tell({"counted": "?"})
        sys.stdin.readline()
        if (order.out / TALLY_FILE).is_file():
            report = with_client_results(report, order.out)
            save_report(report, order.out / REPORT_FILE)
        page = save_forms(report, load_claims(order.layout.claims), order.out)
    except SurveyorError as wrong:
        return _over(2 if isinstance(wrong, UsageError) else 3, str(wrong))
    why = "; ".join([report.failure] if report.failure else [one.detail for one in report.experiments if one.detail])
    return _over(exit_code(report), why, [*lines_of(report), f"page: {page}"])


def _check(scenario: Scenario) -> None:
    """Raises UsageError for what no run could make sense of."""
    for name in scenario.faults:
        fault_of(name)
    if scenario.setting.count < 1:
        raise UsageError(f"the scenario {scenario.name} has a service without tasks: there would be nobody to call")
    if not scenario.phases:
        raise UsageError(f"the scenario {scenario.name} has no phases: nothing would be counted")


def _interrupted(number: int, frame: object) -> None:
    """Once: whoever is told again is undoing what it did already."""
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


def _over(status: int, why: str, lines: Sequence[str] = ()) -> int:
    _tell({"status": status, "why": why, "lines": list(lines)})
    return status


def _tell(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
