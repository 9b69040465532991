"""Run suites or experiments and write a report of the results: every run, also one interrupted by Ctrl-C, has one."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from surveyor.account.ledger import Owner
from surveyor.account.refusals import blames_account
from surveyor.account.room import find_vpc_room
from surveyor.claims import load_claims
from surveyor.claims.proofs import find_proofs
from surveyor.claims.references import check_references
from surveyor.conformance.permission_check import actions_of, reach_with_permissions
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.errors import SurveyorError, UsageError
from surveyor.messages import nearest
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.verdict_rules import REFUSED
from surveyor.report.build import Run, find_leaked_resources, load_and_build_report
from surveyor.report.file import REPORT_FILE, save_report
from surveyor.report.model import ConformanceReport
from surveyor.report.run_folder import make_folder
from surveyor.targets import load_target
from surveyor.targets.expectations import expectations_file, load_expectations
from surveyor.targets.reachable import check_reachable
from surveyor.targets.sweep import forget
from surveyor.verdicts import Verdict

__all__ = ["check_account", "exit_code", "run_failure", "run_suites"]

_SECONDS_PER_CLAIM = 15.0
_SECONDS_PER_SLOW_CLAIM = 80.0
"""Service seconds of one worker for a claim in an account, by a rehearsal of a whole run. Most of it is waiting; those
with zones, networks or tasks are slow.
"""

_QUICK = frozenset({"custom-health", "signatures"})
"""Features of claims that need neither."""


def check_account(config: RunConfig) -> None:
    """Check before the run starts that the target answers and, if it is an account, that it is the expected one.

    Says on standard error when its credentials end, and if hardly any VPC can be created. Raises TargetUnavailable, and
    UsageError if `out` holds resources of an earlier run, or if the credentials end too soon.
    """
    target = load_target(config.target, config.layout.targets, config.target_options)
    check_reachable(target)
    if target.is_one_account and not target.start:
        if config.earlier is None:
            forget(config.out, anyway=False)
        on_a_users = bool(config.chaos.service)
        actions = frozenset() if on_a_users else actions_of(config.command, target, config.selection, config.layout)
        # The features of a claim do not say that its namespace needs a VPC.
        is_conform = config.command == "conform" and not on_a_users and not config.quick
        makes_vpcs = target.vpc is None and (is_conform or "ec2:CreateVpc" in actions)
        dns = config.target_options.dns
        owner = Owner(config.run, config.target, target.account or "", target.region, target.endpoint, dns)
        with reach_with_permissions(target, config.seed, actions, config.command, owner, config.out) as running:
            own, now = running.clients.own, running.clock.now()
            room = find_vpc_room(running.clients.patient, target.region, ()) if makes_vpcs else None
            crowded = room.describe() if room else ""
        if own and (line := own.describe(now, _expected_seconds(config))):
            sys.stderr.write(f"{line}\n")
        if crowded:
            sys.stderr.write(f"{crowded}\n")


def _expected_seconds(config: RunConfig) -> float | None:
    """Return about how many service seconds suites take; None for experiments, which do not say it."""
    if config.experiments:
        return None
    chosen = config.selection.select(load_claims(config.layout.claims))
    proven = [set(claim.features) <= _QUICK for claim in chosen.values() if claim.unproven is None]
    return sum(_SECONDS_PER_CLAIM if quick else _SECONDS_PER_SLOW_CLAIM for quick in proven) / config.workers


def run_suites(config: RunConfig, collector: Collector | None = None, *plugins: object) -> ConformanceReport:
    """Run the chosen suites against the target and write the report to `config.out`; `plugins`: further ones of pytest.

    Raises UsageError for unknown names, for an unwritable `out` and if nothing is selected; SurveyorError if the suites
    cannot be collected. An unreachable target is reported in the report's `failure`.
    """
    target = load_target(config.target, config.layout.targets, config.target_options)
    if not config.experiments:
        chosen = config.selection.select(load_claims(config.layout.claims)).values()
        if config.selection.claims and not config.quick:  # chosen by id, they may have just been written
            check_references(chosen)
    load_expectations(expectations_file(target, config.layout.targets))  # fail early if the file is malformed
    make_folder(config.out)
    collector = collector or Collector()
    started, began = datetime.now(UTC), time.perf_counter()
    status = run_pytest(config, collector, *plugins)
    failure = run_failure(status, collector, config)
    outlives = target.is_one_account and not target.start
    runs = (config.run,) if outlives else ()
    run = Run(
        target=target,
        seed=config.seed,
        selection=config.selection,
        results=collector.finished(),
        facts=collector.facts,
        started=started,
        finished=datetime.now(UTC),
        wall_seconds=time.perf_counter() - began,
        failure=failure,
        leaked_resources=find_leaked_resources(config.out) if outlives else (),
        interrupted=status == pytest.ExitCode.INTERRUPTED,
        folder=config.out,
        only_experiments=bool(config.experiments),
        earlier=config.earlier.report if config.earlier else None,
        runs=(*config.earlier.runs, config.run) if config.earlier else runs,
    )
    report = load_and_build_report(run, config.layout)
    try:
        save_report(report, config.out / REPORT_FILE)
    except OSError as error:  # a full disk: what is known can still be printed
        failure = f"{config.out / REPORT_FILE} cannot be written: {error.strerror or error}"
        return replace(report, failure=report.failure or failure)
    return report


def exit_code(report: ConformanceReport, *, must_judge: bool = True) -> int:
    """Return 0 as expected, 1 a verdict moved, 2 the only errors are of usage, 3 the target or the harness failed, 4
    resources were left behind, 5 nothing passed or failed, 130 interrupted.

    `must_judge`: what could not be judged counts as 1. If it need not be, only what was judged counts, if anything was;
    so it is in an account that others use too, whose quotas, permissions and networks decide what can be judged.
    """
    if report.interrupted:
        return 130
    experiments = {experiment.verdict for experiment in report.experiments}
    errors = [experiment.symptom for experiment in report.experiments if experiment.verdict is Verdict.ERROR]
    errors += [claim.symptom for claim in report.claims if claim.verdict is Verdict.ERROR]
    empty = not report.experiments and not report.claims
    if report.failure or empty or any(REFUSED not in symptom for symptom in errors):
        return 3
    if any(blames_account(experiment.symptom, experiment.detail) for experiment in report.experiments):
        return 4 if report.leaked_resources else 3
    if report.leaked_resources:
        return 4
    if errors:
        return 2
    verdicts = experiments | {claim.verdict for claim in report.claims}
    judged = Verdict.PASS in verdicts or Verdict.FAIL in verdicts
    if report.runs and not judged:
        return 5
    counts = (must_judge and not report.runs) or verdicts <= {Verdict.INCONCLUSIVE, Verdict.NOT_RUN}
    ignored = set() if counts else {Verdict.INCONCLUSIVE}
    as_expected = all(claim.expected or claim.verdict in ignored for claim in report.claims) and not report.unexpected
    if not as_expected or not experiments <= {Verdict.PASS, Verdict.UNSUPPORTED} | ignored:
        return 1
    return 0 if judged else 5


def _misspelled(config: RunConfig) -> str:
    """Return a hint at the first claim that a suite names and that does not exist: that suite was not collected."""
    known = load_claims(config.layout.claims).by_id
    wrong = next((claim for claim in find_proofs(config.layout.suites) if claim not in known), "")
    return f"; a suite proves the unknown claim {wrong!r}{nearest(wrong, known)}" if wrong else ""


def run_failure(status: int, collector: Collector, config: RunConfig) -> str:
    """Return why the run failed, "" if it did not. Raises if there is nothing to report on."""
    if collector.broken:
        raise SurveyorError(f"the suites cannot be collected: {collector.broken[0]}")
    if collector.internal:
        raise SurveyorError(f"the run failed: {collector.internal}")
    if status == pytest.ExitCode.USAGE_ERROR:
        raise SurveyorError("pytest refused to start")
    if status == pytest.ExitCode.NO_TESTS_COLLECTED and not collector.results and config.earlier is None:
        selected = (
            ", ".join((*config.selection.areas, *config.selection.claims)) or f"anything in {config.layout.suites}"
        )
        raise UsageError(f"nothing selected: no suite proves {selected}{_misspelled(config)}")
    return next((facts.failure for facts in collector.facts if facts.failure), "")
