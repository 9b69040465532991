"""Repeat recordings on a target, and report which of its answers agree with them."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.conformance.replay import situations
from surveyor.conformance.run import run_failure
from surveyor.errors import UsageError
from surveyor.evidence import EvidenceEntry
from surveyor.messages import nearest
from surveyor.output_files import write_text
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import REPLAY_TEST
from surveyor.pytest_plugin.verdict_rules import REFUSED
from surveyor.recordings import Recording, Recordings
from surveyor.recordings.model_check import check_recordings, earlier_answers
from surveyor.report.build import find_leaked_resources
from surveyor.report.test_results import TestResult
from surveyor.targets import load_target
from surveyor.typed_json import dump_json
from surveyor.verdicts import Verdict

__all__ = [
    "REPLAY_FILE",
    "RecordingResult",
    "ReplayReport",
    "Status",
    "check_situations",
    "exit_code",
    "replay",
    "why_not_replayed",
]

REPLAY_FILE = "recordings.json"
PLUGIN = "surveyor.conformance.replay.plugin"


class Status(StrEnum):
    """What became of a recording on a target."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    WAIVED = "waived"
    """The target contradicts it, and the recording says why that is no failure."""
    INCONCLUSIVE = "inconclusive"
    UNSUPPORTED = "unsupported"
    """The target does not have a feature that it needs."""
    ERROR = "error"
    NOT_RUN = "not-run"
    NOT_REPLAYED = "not-replayed"
    """It cannot be repeated on any target."""


_STATUS_OF_VERDICT = {
    Verdict.PASS: Status.AGREES,
    Verdict.FAIL: Status.CONTRADICTS,
    Verdict.INCONCLUSIVE: Status.INCONCLUSIVE,
    Verdict.UNSUPPORTED: Status.UNSUPPORTED,
    Verdict.ERROR: Status.ERROR,
    Verdict.NOT_RUN: Status.NOT_RUN,
}


class RecordingResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one recording. `evidence`: the calls behind it, unless the target agrees."""

    id: str
    area: str
    status: Status
    detail: str = ""
    symptom: str = ""
    confidence: str
    claims: tuple[str, ...] = ()
    evidence: tuple[EvidenceEntry, ...] = ()


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """The results of all selected recordings on one target. `started` in UTC."""

    target: str
    version: str
    surveyor: str
    started: str
    counts: dict[str, int]
    results: tuple[RecordingResult, ...]
    failure: str = ""
    interrupted: bool = False
    leaked_resources: tuple[str, ...] = ()


def why_not_replayed(recordings: Recordings) -> dict[str, str]:
    """Return why a recording is not repeated, for each that is not."""
    reasons = {name: recording.not_replayed for name, recording in recordings.by_id.items() if recording.not_replayed}
    return reasons | {
        earlier: f"AWS has answered otherwise since: {later}" for earlier, later in earlier_answers(recordings).items()
    }


def replay(
    config: RunConfig,
    recordings: Recordings,
    chosen: Collection[str],
    collector: Collector | None = None,
    folder: Path | None = None,
) -> ReplayReport:
    """Repeat the recordings with the ids in `chosen`, and write the report to `config.out`.

    `folder`: where `recordings` were read from, if it is not that of the layout.

    Raises UsageError for a recording that fits no model or names an unknown situation.
    """
    check_recordings(recordings)
    check_situations(recordings)
    target = load_target(config.target, config.layout.targets, config.target_options)
    reasons = why_not_replayed(recordings)
    to_run = [name for name in recordings.by_id if name in chosen and name not in reasons]
    started = datetime.now(UTC)
    collector = collector or Collector()
    status = 0
    if to_run:
        options = [word for name in to_run for word in ("--recording", name)]
        options += ["--recordings-from", str(folder)] if folder else []
        status = run_pytest(replace(config, experiments=(REPLAY_TEST,)), collector, PLUGIN, options=options)
    results = {_id_of(result): result for result in collector.finished()}
    report = ReplayReport(
        target=target.label,
        version=target.version(),
        surveyor=importlib.metadata.version("surveyor"),
        started=started.isoformat(timespec="seconds"),
        counts={},
        results=tuple(
            _result(area.name, recording, results.get(recording.id), reasons)
            for area in recordings.areas
            for recording in area.recordings
            if recording.id in chosen
        ),
        failure=run_failure(status, collector, config) if to_run else "",
        interrupted=status == pytest.ExitCode.INTERRUPTED,
        leaked_resources=find_leaked_resources(config.out) if target.is_one_account and not target.start else (),
    )
    counts = Counter(result.status for result in report.results)
    report = msgspec.structs.replace(report, counts={status: counts[status] for status in Status if counts[status]})
    save(report, config.out / REPLAY_FILE)
    return report


def save(report: ReplayReport, path: Path) -> None:
    """Write a report as JSON."""
    write_text(path, dump_json(report, indent=1))


def exit_code(report: ReplayReport) -> int:
    """Return 0 if nothing contradicts a recording, 1 if anything does, 2 for a refused request, 3 for a failure, 4 if
    resources were left behind, 5 if nothing was judged, 130 if the run was interrupted.
    """
    if report.interrupted:
        return 130
    errors = [result.symptom for result in report.results if result.status is Status.ERROR]
    if report.failure or any(REFUSED not in symptom for symptom in errors):
        return 3
    if report.leaked_resources:
        return 4
    if errors:
        return 2
    if report.counts.get(Status.CONTRADICTS):
        return 1
    return 0 if report.counts.get(Status.AGREES) or report.counts.get(Status.WAIVED) else 5


def _result(area: str, recording: Recording, result: TestResult | None, reasons: Mapping[str, str]) -> RecordingResult:
    evidence: tuple[EvidenceEntry, ...] = ()
    if reason := reasons.get(recording.id):
        status, detail = Status.NOT_REPLAYED, reason
    elif result is None:
        status, detail = Status.NOT_RUN, "the run ended before"
    else:
        status, detail = _STATUS_OF_VERDICT[result.verdict], result.detail
        if status is Status.CONTRADICTS and recording.waived:
            status, detail = Status.WAIVED, f"{recording.waived} ({detail})"
        if status is not Status.AGREES:
            evidence = result.evidence
    return RecordingResult(
        id=recording.id,
        area=area,
        status=status,
        detail=detail,
        symptom=result.symptom if result is not None else "",
        confidence=recording.confidence,
        claims=recording.claims,
        evidence=evidence,
    )


def _id_of(result: TestResult) -> str:
    return result.nodeid.rpartition("[")[2].removesuffix("]")


def check_situations(recordings: Recordings) -> None:
    """Raise UsageError for the first recording that names an unknown situation or observation."""
    for module in situations.MODULES:
        importlib.import_module(module)
    for recording in recordings.by_id.values():
        if recording.replay is None:
            continue
        kind, table, name = "situation", situations.SITUATIONS, recording.replay.situation
        if name in table and recording.observation:
            kind, table, name = "observation", situations.OBSERVATIONS, recording.observation
        if name not in table:
            raise UsageError(
                f"{recordings.locations[recording.id]}: recording {recording.id!r} names the unknown {kind} "
                f"{name!r}{nearest(name, table)}"
            )
