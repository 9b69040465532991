"""Conducts a scenario in a process without greenlets: builds the service, watches it, does what is to be done to it.

`python -m surveyor.load.conductor` reads a line of JSON, a Conducting, on standard input, and writes lines of JSON: the
place, each phase, that it is over, and last the exit status, with why where it is not 0.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import find_layout
from surveyor.load.scenario import Conducting, Scenario
from surveyor.plugin.collecting import Collector
from surveyor.plugin.options import CONDUCTED, Chaos
from surveyor.run import Order, check_account, exit_code, run_suites
from surveyor.selection import Selection
from surveyor.targets.given import Given

__all__ = ["main"]


def main() -> int:
    """Conduct; the exit status is that of `surveyor chaos`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    wanted = Conducting.loads(sys.stdin.readline())
    Scenario.loads(wanted.scenario)
    os.environ["SURVEYOR_SCENARIO"] = wanted.scenario
    given = Given(**{**wanted.given, "allow": tuple(wanted.given.get("allow") or ())})
    order = Order(
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
        check_account(order)
        report = run_suites(order, Collector())
    except SurveyorError as wrong:
        return _over(2 if isinstance(wrong, UsageError) else 3, str(wrong))
    told = "; ".join([report.failure] if report.failure else [one.detail for one in report.experiments if one.detail])
    return _over(exit_code(report), told)


def _over(status: int, why: str) -> int:
    sys.stdout.write(json.dumps({"status": status, "why": why}) + "\n")
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
