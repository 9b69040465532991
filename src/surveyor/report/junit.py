"""Render a report as JUnit XML, for tools that show test results: a suite per area, a case per claim.

As in the exit code, an unexpected outcome is a failure (an error if the harness broke), even an unexpected pass. An
expected failure, a claim that was not judged and a claim without a suite are skipped, with the reason; so are the
claims that a run left out because it broke, which is an error of the run.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from surveyor.claims import Claims
from surveyor.report.exchanges import deciding_tests, transcript
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.report.score import mark, score_by_area
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line, visible

__all__ = ["render"]

_TRANSCRIPT = 4000
"""Maximum characters of evidence for one test; report.json has all of it."""


def render(report: ConformanceReport, claims: Claims) -> str:
    """Return the XML document. Times are wall seconds: of the run, and for a case of its calls."""
    target = f"{report.target.name} {report.target.version}".strip()
    root = ET.Element("testsuites", name=f"surveyor {target}", time=_seconds(report.wall_seconds))
    for area in score_by_area(report, claims):
        suite = ET.SubElement(root, "testsuite", name=area.title, timestamp=report.started.partition("+")[0])
        properties = ET.SubElement(suite, "properties")
        facts = [("target", target), ("surveyor", report.surveyor), ("seed", str(report.seed))]
        for name, value in (*facts, *([("resumed", report.resumed)] if report.resumed else [])):
            ET.SubElement(properties, "property", name=name, value=value)
        for claim in report.claims:
            if claim.area == area.name:
                _add_case(suite, claim, report, claims)
        _count(suite)
    if report.experiments:
        _add_experiments(root, report)
    if report.failure or report.leaked_resources or report.unexpected:
        _add_run(root, report)
    _total(root)
    _clean(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_case(suite: ET.Element, claim: ClaimReport, report: ConformanceReport, claims: Claims) -> None:
    wall = sum(_wall(entry.get("wallMs")) for test in claim.tests for entry in test.evidence) / 1000
    classname = f"surveyor.{report.target.name}.{claim.area}"
    case = ET.SubElement(suite, "testcase", classname=classname, name=claim.id, time=_seconds(wall))
    known = claims.by_id.get(claim.id)
    if known is not None:
        properties = ET.SubElement(case, "properties")
        for name, value in (
            ("level", known.level.value),
            ("source", str(known.source)),
            ("status", claim.status_text),
        ):
            ET.SubElement(properties, "property", name=name, value=value)
    shown = mark(claim)
    stopped = claim.verdict is Verdict.NOT_RUN and bool(report.failure)
    if not claim.expected and not stopped:
        tag = "error" if claim.verdict is Verdict.ERROR else "failure"
        message = one_line("; ".join(part for part in (claim.note, claim.detail) if part))
        failure = ET.SubElement(case, tag, type=shown.value, message=message)
        failure.text = f"{claim.statement}\n{claim.detail}\n{claim.symptom}".strip()
    elif claim.verdict is not Verdict.PASS:
        ET.SubElement(case, "skipped", type=shown.value, message=f"{shown.label}: {claim.detail}")
    transcripts = [
        f"{test.id}: {test.verdict}\n{transcript(test, _TRANSCRIPT)}" for test in deciding_tests(claim) if test.evidence
    ]
    if transcripts and claim.verdict is not Verdict.PASS:
        ET.SubElement(case, "system-out").text = "\n".join(transcripts)


def _add_experiments(root: ET.Element, report: ConformanceReport) -> None:
    """Add a case per experiment; its time is wall time."""
    suite = ET.SubElement(root, "testsuite", name="Experiments", timestamp=report.started.partition("+")[0])
    classname = f"surveyor.{report.target.name}.chaos"
    for experiment in report.experiments:
        judged, verdict = experiment.judged, experiment.verdict
        wall = judged.seconds / judged.scale if judged else 0.0
        case = ET.SubElement(suite, "testcase", classname=classname, name=experiment.name, time=_seconds(wall))
        if verdict in (Verdict.UNSUPPORTED, Verdict.NOT_RUN):
            ET.SubElement(case, "skipped", type=verdict, message=experiment.detail)
        elif verdict is not Verdict.PASS:
            tag = "error" if verdict is Verdict.ERROR else "failure"
            ET.SubElement(case, tag, type=verdict, message=experiment.detail).text = experiment.title
        if judged is not None:
            figures = [f"{figure.figure}: {figure.text}" for figure in judged.figures]
            witnesses = [event.description for check in judged.checks for event in check.witness]
            ET.SubElement(case, "system-out").text = "\n".join((*figures, *witnesses))
    _count(suite)


def _add_run(root: ET.Element, report: ConformanceReport) -> None:
    """Add a separate suite for problems of the run that belong to no claim."""
    suite = ET.SubElement(root, "testsuite", name="the run")
    problems = [
        ("error", "run", [report.failure] if report.failure else []),
        ("failure", "expectations", report.unexpected),
        ("failure", "leaked resources", report.leaked_resources),
    ]
    for tag, name, lines in problems:
        for line in lines[:1]:
            case = ET.SubElement(suite, "testcase", classname="surveyor", name=name, time="0")
            ET.SubElement(case, tag, type=name, message=line).text = "\n".join(lines)
    _count(suite)


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", _seconds(sum(float(case.get("time", "0")) for case in suite.findall("testcase"))))


def _total(root: ET.Element) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))


def _clean(root: ET.Element) -> None:
    """Replace control characters, most of which XML cannot represent, by visible escapes."""
    for element in root.iter():
        element.text = visible(element.text) if element.text else None
        for name, value in element.items():
            element.set(name, visible(value))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _wall(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
