"""Render a report as Allure results: files that `allure generate` and similar tools read, one result per claim.

Field names are those of allure-python-commons. Allure's own pytest plugin is not used, because it reports tests, and
these results report claims. Times are wall time; a result lasts as long as its calls.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from surveyor.checkers.judgement import CheckVerdict
from surveyor.claims import Claim, Claims, Level
from surveyor.output_files import write_text
from surveyor.report.experiments import ExperimentReport
from surveyor.report.impact import failed_calls, service_under_test, settings_of
from surveyor.report.jsontext import dumps
from surveyor.report.links import href
from surveyor.report.model import ClaimReport, ConformanceReport, TestReport
from surveyor.report.score import area_title, mark
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line, visible

__all__ = ["CATEGORIES", "SEVERITY", "STATUS", "AllureFile", "describe_claim", "environment_text", "render", "save"]

STATUS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.ERROR: "broken",
    Verdict.INCONCLUSIVE: "unknown",
    Verdict.NOT_RUN: "skipped",
    Verdict.UNSUPPORTED: "skipped",
}
"""The status that each verdict has in Allure."""

SEVERITY = {Level.MUST: "critical", Level.SHOULD: "normal", Level.OBSERVED: "minor"}
"""The severity of a claim, by its level."""

_NAMESPACE = uuid.UUID("9a4b6f0e-5d0f-5c36-8f39-6a3a1c2b7d11")
CATEGORIES = [
    {"name": "Not as documented", "matchedStatuses": ["failed"]},
    {"name": "The harness broke", "matchedStatuses": ["broken"]},
    {"name": "Could not be judged", "matchedStatuses": ["unknown"]},
    {"name": "Not supported, not run or no suite", "matchedStatuses": ["skipped"]},
]


@dataclass(frozen=True)
class AllureFile:
    """A file of the results folder with its content."""

    name: str
    text: str


class _Item(TypedDict, total=False):
    """A result or a step, with the member names of the format. `start`, `stop`: milliseconds since the epoch."""

    uuid: str
    historyId: str
    testCaseId: str
    fullName: str
    name: str
    description: str
    status: str
    statusDetails: dict[str, object]
    stage: str
    start: int
    stop: int
    labels: list[dict[str, str]]
    links: list[dict[str, str]]
    parameters: list[dict[str, str]]
    attachments: list[dict[str, str]]
    steps: list[_Item]


def save(report: ConformanceReport, claims: Claims, folder: Path) -> None:
    """Write the results into `folder`, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in render(report, claims):
        write_text(folder / file.name, file.text)


def render(report: ConformanceReport, claims: Claims) -> list[AllureFile]:
    """Return all files: a result per claim, an attachment per test with evidence, environment and categories."""
    files: dict[str, AllureFile] = {}
    for claim in report.claims:
        attachments = {test.id: _attachment(test, report) for test in claim.tests if test.evidence}
        files |= {file.name: file for file in attachments.values()}
        result = _claim_result(claim, claims, report, attachments)
        name = f"{result['uuid']}-result.json"
        files[name] = AllureFile(name, _json(result))
    for experiment in report.experiments:
        result = _experiment_result(experiment, report)
        name = f"{result['uuid']}-result.json"
        files[name] = AllureFile(name, _json(result))
    files["environment.properties"] = AllureFile("environment.properties", _environment(report))
    files["categories.json"] = AllureFile("categories.json", _json(CATEGORIES))
    return list(files.values())


def _claim_result(
    claim: ClaimReport, claims: Claims, report: ConformanceReport, attachments: Mapping[str, AllureFile]
) -> _Item:
    target = visible(f"{report.target.name} {report.target.version}".strip())
    known = claims.by_id.get(claim.id)
    start = _milliseconds(report.started)
    case = _digest(f"surveyor:{claim.id}")
    return {
        "uuid": _uuid(report, claim.id),
        "testCaseId": case,
        "historyId": f"{case}.{_digest(report.target.name)}",
        "fullName": visible(claim.id),
        "name": visible(claim.statement),
        "description": _description(claim, known),
        "status": STATUS[claim.verdict],
        "statusDetails": _details(claim),
        "stage": "finished",
        "start": start,
        "stop": start + _wall(claim.tests),
        "labels": _labels(claim, claims, known, report, target),
        "links": _links(known),
        "parameters": [{"name": "target", "value": target}],
        "attachments": [],
        "steps": [_test_step(test, attachments, start) for test in claim.tests],
    }


def _experiment_result(experiment: ExperimentReport, report: ConformanceReport) -> _Item:
    """Return the result of an experiment, with a step per check."""
    judged = experiment.judged
    target = visible(f"{report.target.name} {report.target.version}".strip())
    start = _milliseconds(judged.started if judged else report.started)
    wall = round(1_000 * judged.seconds / judged.scale) if judged else 0
    case = _digest(f"surveyor:chaos:{experiment.name}")
    share = failed_calls(experiment)
    figures = [f"{figure.figure}: {figure.text}" for figure in judged.figures] if judged else []
    settings = [f"{name}: {value}" for name, value in settings_of(experiment).items()]
    service = service_under_test([experiment])
    labels = [("feature", "Experiments"), ("story", experiment.name), ("parentSuite", target), ("suite", "Experiments"),
              ("framework", "surveyor"), ("language", "python"), ("tag", experiment.verdict.value)]  # fmt: skip
    return {
        "uuid": _uuid(report, experiment.name),
        "testCaseId": case,
        "historyId": f"{case}.{_digest(report.target.name)}",
        "fullName": visible(f"chaos.{experiment.name}"),
        "name": visible(experiment.title),
        "description": visible("\n\n".join([*([share.text] if share else []), *figures, *settings])),
        "status": STATUS[experiment.verdict],
        "statusDetails": {
            "message": visible(experiment.detail),
            "trace": visible(experiment.symptom),
            "known": False,
            "flaky": False,
        },
        "stage": "finished",
        "start": start,
        "stop": start + wall,
        "labels": [{"name": name, "value": visible(value)} for name, value in labels],
        "links": [],
        "parameters": [
            {"name": "target", "value": target},
            *([{"name": "service", "value": visible(service)}] if service else []),
        ],
        "attachments": [],
        "steps": [_check_step(check, start, wall) for check in (judged.checks if judged else ())],
    }


def _check_step(check: CheckVerdict, start: int, wall: int) -> _Item:
    witness = "\n".join(f"event {event.event}: {event.description}" for event in check.witness)
    return {
        "name": visible(check.label),
        "status": STATUS[check.verdict],
        "statusDetails": {"message": visible(check.detail), "trace": visible(witness)},
        "stage": "finished",
        "start": start,
        "stop": start + wall,
        "attachments": [],
        "steps": [],
    }


def _test_step(test: TestReport, attachments: Mapping[str, AllureFile], start: int) -> _Item:
    file = attachments.get(test.id)
    evidence = [{"name": "evidence", "source": file.name, "type": "application/json"}] if file else []
    return {
        "name": visible(test.id),
        "status": STATUS[test.verdict],
        "statusDetails": {"message": visible(test.detail), "trace": visible(test.symptom)},
        "stage": "finished",
        "start": start,
        "stop": start + _wall([test]),
        "attachments": evidence,
        "steps": [],
    }


def _details(claim: ClaimReport) -> dict[str, object]:
    shown = mark(claim)
    detail = claim.detail if claim.verdict is not Verdict.PASS else ""
    message = "; ".join(part for part in (claim.note, detail) if part)
    if shown.value != claim.verdict.value:
        message = f"{shown.label}: {message}"
    return {
        "message": visible(message),
        "trace": visible(claim.symptom),
        "known": claim.expected and (claim.verdict is Verdict.FAIL or _is_known_to_be_open(claim)),
        "flaky": False,
    }


def _is_known_to_be_open(claim: ClaimReport) -> bool:
    return claim.verdict is Verdict.INCONCLUSIVE and claim.known is not None


def _labels(
    claim: ClaimReport, claims: Claims, known: Claim | None, report: ConformanceReport, target: str
) -> list[dict[str, str]]:
    title = visible(area_title(claim.area, claims))
    labels = [
        ("feature", title),
        ("story", visible(claim.id)),
        ("severity", SEVERITY[known.level] if known else "normal"),
        ("parentSuite", target),
        ("suite", title),
        ("target", visible(report.target.name)),
        ("framework", "surveyor"),
        ("language", "python"),
        ("tag", mark(claim).value),
        ("tag", claim.status.value),
        *([] if claim.expected else [("tag", "unexpected")]),
    ]
    return [{"name": name, "value": value} for name, value in labels]


def _links(known: Claim | None) -> list[dict[str, str]]:
    address = href(known.source) if known else ""
    return [{"type": "link", "name": str(known.source), "url": address}] if known and address else []


def _description(claim: ClaimReport, known: Claim | None) -> str:
    text = describe_claim(known) if known else claim.statement
    recordings = [f"Recording {recording.id}: {recording.text}: {recording.fact}" for recording in claim.recordings]
    return visible("\n\n".join([text, f"Known: {claim.status_text}", *recordings]))


def describe_claim(claim: Claim) -> str:
    """Return the statement of a claim, its source, and how it is checked, as paragraphs."""
    lines = [claim.statement, f"Documented ({claim.level}): {claim.source}"]
    return "\n\n".join([*lines, f"Checked: {claim.check}"] if claim.check else lines)


def _attachment(test: TestReport, report: ConformanceReport) -> AllureFile:
    return AllureFile(f"{_uuid(report, test.id)}-attachment.json", _json(list(test.evidence)))


def _environment(report: ConformanceReport) -> str:
    target = report.target
    values = {
        "target": target.name,
        "target.version": target.version,
        "features": ", ".join(target.features),
        "surveyor": report.surveyor,
        "seed": str(report.seed),
        "wall.seconds": str(report.wall_seconds),
        "service.seconds": str(report.service_seconds),
    }
    if report.resumed:
        values["resumed"] = report.resumed
    return environment_text(values)


def environment_text(values: Mapping[str, str]) -> str:
    """Return the text of environment.properties, one line per value."""
    lines = (f"{name}={one_line(value)}" for name, value in values.items())
    return "".join(line.replace("\\", "\\\\") + "\n" for line in lines)


def _uuid(report: ConformanceReport, name: str) -> str:
    """Return the same id for the same item of the same run, so that results written twice are not counted twice."""
    run = f"{report.target.name}|{report.target.version}|{report.started}|{report.seed}|{name}"
    return str(uuid.uuid5(_NAMESPACE, visible(run)))


def _digest(text: str) -> str:
    return hashlib.md5(visible(text).encode(), usedforsecurity=False).hexdigest()


def _milliseconds(moment: str) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return 0


def _wall(tests: tuple[TestReport, ...] | list[TestReport]) -> int:
    walls = (entry.get("wallMs") for test in tests for entry in test.evidence)
    return round(sum(wall for wall in walls if isinstance(wall, (int, float))))


def _json(value: object) -> str:
    return dumps(value, indent=1) + "\n"
