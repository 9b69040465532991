"""Write what a run in an account was answered as recordings, so that it confirms claims for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from surveyor.claims import Claims
from surveyor.conformance.replay.run import ReplayReport, Status
from surveyor.errors import UsageError
from surveyor.recordings import Confidence, Recording, Recordings, Relation
from surveyor.recordings.from_evidence import RunOrigin, confirmations, recordings_of_test
from surveyor.recordings.writing import write_recordings
from surveyor.report.model import ConformanceReport
from surveyor.targets import Target
from surveyor.verdicts import Verdict

__all__ = ["check_recordable", "record_conformance", "record_replay"]


def check_recordable(target: Target) -> None:
    """Raise UsageError unless a target is an account: what another target answers is no recording of AWS."""
    if not target.is_one_account or target.start:
        raise UsageError(f"--record needs an account: {target.name} is not one; use --target aws --account ID")


def record_conformance(report: ConformanceReport, claims: Claims, target: Target, folder: Path) -> int:
    """Write recordings of the tests that passed, one file for each area; return their number."""
    origin = _origin(report.started, target, report.surveyor)
    return write_recordings(_of_suites(report, claims, origin), folder, origin.text)


def record_replay(report: ReplayReport, recordings: Recordings, target: Target, folder: Path) -> int:
    """Write a recording of today for each one that the account agrees with or contradicts; return their number."""
    origin = _origin(report.started, target, report.surveyor)
    return write_recordings(_of_replays(report, recordings, origin), folder, origin.text)


def _of_suites(report: ConformanceReport, claims: Claims, origin: RunOrigin) -> Iterator[Recording]:
    proven: dict[str, list[str]] = {}
    tests = {}
    for claim in report.claims:
        for test in claim.tests:
            if test.verdict is Verdict.PASS:
                proven.setdefault(test.id, []).append(claim.id)
                tests[test.id] = test
    for nodeid, ids in proven.items():
        operations = {operation for name in ids for operation in claims.by_id[name].operations}
        name = nodeid.rpartition("suites/")[2].replace(".py::", " ").replace("test_", "")
        yield from recordings_of_test(name, ids, operations, tests[nodeid].evidence, origin)


def _of_replays(report: ReplayReport, recordings: Recordings, origin: RunOrigin) -> Iterator[Recording]:
    for result in report.results:
        recording = recordings.by_id[result.id]
        if result.status is Status.AGREES:
            yield from confirmations([recording], origin)
        elif result.status in (Status.CONTRADICTS, Status.WAIVED) and recording.request is not None:
            operations = [recording.request.operation]
            calls = [entry for entry in result.evidence if entry.get("operation") in operations]
            yield from recordings_of_test(
                result.id, recording.claims, operations, calls[-1:], origin, Relation.CONTRADICTS
            )


def _origin(started: str, target: Target, surveyor: str) -> RunOrigin:
    day = datetime.fromisoformat(started).date()
    if target.endpoint:
        name = f"{target.name}, at an endpoint that is not AWS's,"
        return RunOrigin(day, name, target.region, surveyor, Confidence.LOW)
    return RunOrigin(day, target.name, target.region, surveyor)
