"""Runs suites with pytest, in this process or in workers, and makes a report of what they found.

pytest is used as a library here: its terminal output is off, the user's own pytest settings and plugins play no part,
and every way out, Ctrl-C too, ends in a report.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from surveyor.advice.figures import DEFAULT, TaskSettings
from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import Layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import Chaos
from surveyor.pytest_plugin.verdict_rules import REFUSED
from surveyor.report.build import Run, conclude, leftovers
from surveyor.report.file import REPORT_FILE, make_folder, save_report
from surveyor.report.model import ConformanceReport
from surveyor.targets import load_target
from surveyor.targets.expectations import expectations_file, load_expectations
from surveyor.targets.options import NOTHING_GIVEN, TargetOptions
from surveyor.targets.running import run_target
from surveyor.targets.sweep import forget
from surveyor.verdicts import Verdict

__all__ = ["RunConfig", "check_account", "exit_code", "run_pytest", "run_suites"]


@dataclass(frozen=True)
class RunConfig:
    """What is to be run. `out` is a directory that the report is written to; `workers` 1 means in this process.

    `experiments`: files of chaos/ that are run instead of suites, with what `chaos` says of them.
    """

    layout: Layout
    target: str
    out: Path
    selection: Selection = field(default_factory=Selection)
    workers: int = 1
    seed: int = 7
    given: TargetOptions = NOTHING_GIVEN
    tuning: TaskSettings = DEFAULT
    experiments: tuple[Path, ...] = ()
    chaos: Chaos = field(default_factory=Chaos)
    run: str = field(default_factory=lambda: secrets.token_hex(4))


def check_account(order: RunConfig) -> None:
    """Reach an account that outlives the run, and make sure that it is the right one, before anything begins.

    Raises TargetUnavailable in one line, and UsageError if `out` holds what an earlier run left. Other targets are
    not asked.
    """
    target = load_target(order.target, order.layout.targets, order.given)
    if target.is_one_account and not target.start:
        forget(order.out, anyway=False)
        with run_target(target, order.seed):
            pass


def run_suites(order: RunConfig, collector: Collector | None = None) -> ConformanceReport:
    """Run the chosen suites against the target and write the report to `order.out`.

    Raises UsageError for anything unknown, for an unwritable `out` and when nothing is selected; SurveyorError when
    the suites cannot be collected. An unreachable target is in the report, as `failure`.
    """
    target = load_target(order.target, order.layout.targets, order.given)
    if not order.experiments:
        order.selection.select(load_claims(order.layout.claims))
    load_expectations(expectations_file(target, order.layout.targets))  # is it readable? before an hour, not after
    make_folder(order.out)
    collector = collector or Collector()
    started, began = datetime.now(UTC), time.perf_counter()
    status = run_pytest(order, collector)
    failure = _failure(status, collector, order)
    run = Run(
        target=target,
        seed=order.seed,
        selection=order.selection,
        results=collector.finished(),
        facts=collector.facts,
        started=started,
        finished=datetime.now(UTC),
        wall_seconds=time.perf_counter() - began,
        failure=failure,
        left_behind=leftovers(order.out) if target.is_one_account and not target.start else (),
        interrupted=status == pytest.ExitCode.INTERRUPTED,
        folder=order.out,
        only_experiments=bool(order.experiments),
    )
    report = conclude(run, order.layout)
    save_report(report, order.out / REPORT_FILE)
    return report


def exit_code(report: ConformanceReport) -> int:
    """0 as expected, 1 a verdict moved, 2 all that is wrong is what was asked for, 3 the target or the harness broke, 4
    something was left, 130 interrupted.
    """
    if report.interrupted:
        return 130
    done = {one.verdict for one in report.experiments}
    broken = [one.symptom for one in report.experiments if one.verdict is Verdict.ERROR]
    broken += [one.symptom for one in report.claims if one.verdict is Verdict.ERROR]
    nothing = not report.experiments and not report.claims
    if report.failure or nothing or any(REFUSED not in symptom for symptom in broken):
        return 3
    if report.left_behind:
        return 4
    if broken:
        return 2
    as_expected = all(claim.expected for claim in report.claims) and not report.surprises
    return 0 if as_expected and done <= {Verdict.PASS, Verdict.UNSUPPORTED} else 1


def run_pytest(order: RunConfig, collector: Collector, *plugins: str) -> int:
    """Run the chosen suites, with modules as further plugins; returns pytest's status, the collector has the rest."""
    root = order.layout.root
    arguments = [
        *(map(str, order.experiments) if order.experiments else (str(order.layout.suites),)),
        *("--rootdir", str(root), "-c", os.devnull, "--import-mode=importlib"),
        *("-p", "surveyor.pytest_plugin", "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:logging"),
        "--capture=sys",  # progress is printed between the tests, to the standard output that was there before
        *("--strict-markers", "--target", order.target, "--seed", str(order.seed), "--out", str(order.out)),
        *("--run-id", order.run, *order.given.arguments()),
    ]
    if order.experiments:
        arguments += order.chaos.arguments()
        arguments += ["--tuning", order.chaos.tuning.argument()] if order.chaos.tuning else []
    else:
        arguments += ["--tuning", order.tuning.argument()]
    for area in order.selection.areas:
        arguments += ["--area", area]
    for claim in order.selection.claims:
        arguments += ["--claim", claim]
    if order.workers > 1:
        arguments += ["-p", "xdist.plugin", "-n", str(order.workers)]
    for plugin in plugins:
        arguments += ["-p", plugin]
    with _nobody_elses_pytest():
        try:
            return int(pytest.main(arguments, plugins=[collector]))
        except KeyboardInterrupt:  # pytest was starting or ending when it came
            return int(pytest.ExitCode.INTERRUPTED)


@contextmanager
def _nobody_elses_pytest() -> Iterator[None]:
    """Neither PYTEST_ADDOPTS nor plugins that happen to be installed take part."""
    ours = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _failure(status: int, collector: Collector, order: RunConfig) -> str:
    """What broke the run, "" if nothing did. Raises where there is nothing to report on."""
    if collector.broken:
        raise SurveyorError(f"the suites cannot be collected: {collector.broken[0]}")
    if collector.internal:
        raise SurveyorError(f"the run broke: {collector.internal}")
    if status == pytest.ExitCode.USAGE_ERROR:
        raise SurveyorError("pytest refused to start")
    if status == pytest.ExitCode.NO_TESTS_COLLECTED and not collector.results:
        what = ", ".join((*order.selection.areas, *order.selection.claims)) or f"anything in {order.layout.suites}"
        raise UsageError(f"nothing selected: no suite proves {what}")
    return next((facts.failure for facts in collector.facts if facts.failure), "")
