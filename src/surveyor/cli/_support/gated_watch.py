"""`surveyor gate --watch`: watch a deployment, decide while it is in progress, and write the report of the watch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from surveyor.claims import load_claims
from surveyor.cli._support.options import PLAIN_ACCOUNT
from surveyor.errors import SurveyorError, UsageError
from surveyor.gate import GateEvidence, Rules, gather
from surveyor.gate.decision import Decision
from surveyor.gate.gated_watch import GatedWatch, check_rules, judge_watch
from surveyor.gate.judging import GatedService
from surveyor.gate.live_evidence import LiveEvidence
from surveyor.gate.time_to_certainty import describe_time
from surveyor.layout import find_layout
from surveyor.observers.existing_service import find_service
from surveyor.report.outputs import save_outputs
from surveyor.report.run_folder import reserve_folder
from surveyor.watch.clients import WATCH_MODELS
from surveyor.watch.outcome import conclude
from surveyor.watch.running import running_watch
from surveyor.watch.settings import WatchSettings

if TYPE_CHECKING:
    from surveyor.targets.running import RunningTarget

__all__ = ["WatchRun", "watch_and_decide"]


@dataclass(frozen=True)
class WatchRun:
    """The decision of a watch, its folder, its page, and the exit code; `failure`: what ended it early."""

    decision: Decision
    folder: Path
    page: Path
    code: int
    failure: SurveyorError | None = None


def watch_and_decide(
    rules: Rules,
    given: GateEvidence,
    service: GatedService,
    target: RunningTarget,
    settings: WatchSettings,
    out: Path | None,
) -> WatchRun:
    """Watch the deployment in progress, or the next one, decide about it, and keep the report of the watch.

    Raises UsageError for rules that a watch cannot judge, and for a service that cannot be watched.
    """
    account, region = target.target.account or PLAIN_ACCOUNT, target.target.region

    def client(kind: str) -> Any:
        return target.clients.client(kind, account, region)

    found = find_service(client, account, region, service.full_name, entry_points=True)
    if found.controller != "ECS":
        raise UsageError(
            f"{service.full_name} is deployed by the controller {found.controller}, whose deployments ECS does not list"
        )
    check_rules(rules, given, service, WATCH_MODELS)
    folder = out or find_layout().out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-gate-{os.getpid()}"
    reserve_folder(folder)
    started, stopped = datetime.now(UTC), ""
    failure: SurveyorError | None = None
    with running_watch(target, found, settings, folder, report=_report) as watch:
        for note in watch.notes:
            _report(f"not called: {note}")
        _report(f"{service.full_name}: {settings.rate:g} calls per second by each of {', '.join(watch.clients)}")
        if time := describe_time(rules, settings.rate, watch.clock.scale, len(watch.clients)):
            _report(time)
        gated = GatedWatch(watch, rules, service, LiveEvidence(watch, given), settings.within, _report)
        try:
            gated.follow()
        except KeyboardInterrupt:
            stopped = "interrupted"
        except SurveyorError as error:
            failure, stopped = error, str(error)
        outcome = conclude(watch, target.target, folder, started, stopped)
    page = save_outputs(outcome.report, load_claims(find_layout().claims), folder)
    evidence = gather([folder])
    for name in ("judged", "clients", "sides", "broken"):
        getattr(given, name).update(getattr(evidence, name))
    decision = judge_watch(gated, given, stopped)
    if failure is None and stopped:
        return WatchRun(decision, folder, page, 130)
    code = 5 if gated.deployment is None else 0 if decision.is_open else 1
    return WatchRun(decision, folder, page, code, failure)


def _report(line: str) -> None:
    typer.echo(line, err=True)
