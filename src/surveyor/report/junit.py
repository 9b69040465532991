"""A report as JUnit XML, for whatever shows test results: a suite an area, a case a claim.

Red is what moved, as in the exit code: an outcome that was not expected is a failure (an error if the harness broke),
also a pass that was not expected. What is known to be wrong, was not judged or is not proven is skipped, and says why.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from surveyor.claims import Claims
from surveyor.report.exchanges import deciding_tests, transcript
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.report.score import mark, score_by_area
from surveyor.report.text import visible
from surveyor.verdicts import Verdict

__all__ = ["render"]

_TRANSCRIPT = 4000
"""Characters of evidence for one test; the whole is in report.json."""


def render(report: ConformanceReport, claims: Claims) -> str:
    """The XML document. Times are wall seconds: the run's, and for a case that of its calls."""
    target = f"{report.target.name} {report.target.version}".strip()
    root = ET.Element("testsuites", name=f"surveyor {target}", time=_seconds(report.wall_seconds))
    for area in score_by_area(report, claims):
        suite = ET.SubElement(root, "testsuite", name=area.title, timestamp=report.started.partition("+")[0])
        properties = ET.SubElement(suite, "properties")
        for name, value in (("target", target), ("surveyor", report.surveyor), ("seed", str(report.seed))):
            ET.SubElement(properties, "property", name=name, value=value)
        for claim in report.claims:
            if claim.area == area.name:
                _case(suite, claim, f"surveyor.{report.target.name}.{claim.area}", claims)
        _count(suite)
    if report.experiments:
        _experiments(root, report)
    if report.failure or report.left_behind or report.surprises:
        _run(root, report)
    _total(root)
    _clean(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, claim: ClaimReport, classname: str, claims: Claims) -> None:
    wall = sum(_wall(entry.get("wallMs")) for test in claim.tests for entry in test.evidence) / 1000
    case = ET.SubElement(suite, "testcase", classname=classname, name=claim.id, time=_seconds(wall))
    known = claims.by_id.get(claim.id)
    if known is not None:
        properties = ET.SubElement(case, "properties")
        for name, value in (("level", known.level.value), ("source", str(known.source))):
            ET.SubElement(properties, "property", name=name, value=value)
    shown = mark(claim)
    if not claim.expected:
        tag = "error" if claim.verdict is Verdict.ERROR else "failure"
        wrong = ET.SubElement(case, tag, type=shown.value, message=claim.note or claim.detail)
        wrong.text = f"{claim.statement}\n{claim.detail}\n{claim.symptom}".strip()
    elif claim.verdict is not Verdict.PASS:
        ET.SubElement(case, "skipped", type=shown.value, message=f"{shown.label}: {claim.detail}")
    asked = [
        f"{test.id}: {test.verdict}\n{transcript(test, _TRANSCRIPT)}" for test in deciding_tests(claim) if test.evidence
    ]
    if asked and claim.verdict is not Verdict.PASS:
        ET.SubElement(case, "system-out").text = "\n".join(asked)


def _experiments(root: ET.Element, report: ConformanceReport) -> None:
    """A case an experiment; its time is wall time."""
    suite = ET.SubElement(root, "testsuite", name="Experiments", timestamp=report.started.partition("+")[0])
    for one in report.experiments:
        wall = one.judged.seconds / one.judged.scale if one.judged else 0.0
        case = ET.SubElement(
            suite, "testcase", classname=f"surveyor.{report.target.name}.chaos", name=one.name, time=_seconds(wall)
        )
        if one.verdict in (Verdict.UNSUPPORTED, Verdict.NOT_RUN):
            ET.SubElement(case, "skipped", type=one.verdict, message=one.detail)
        elif one.verdict is not Verdict.PASS:
            tag = "error" if one.verdict is Verdict.ERROR else "failure"
            ET.SubElement(case, tag, type=one.verdict, message=one.detail).text = one.title
        if one.judged is not None:
            figures = [f"{figure.figure}: {figure.shown}" for figure in one.judged.figures]
            witnesses = [event.told for check in one.judged.checks for event in check.witness]
            ET.SubElement(case, "system-out").text = "\n".join((*figures, *witnesses))
    _count(suite)


def _run(root: ET.Element, report: ConformanceReport) -> None:
    """What went wrong with the run and belongs to no claim is a suite of its own."""
    suite = ET.SubElement(root, "testsuite", name="the run")
    told = [
        ("error", "run", [report.failure] if report.failure else []),
        ("failure", "expectations", report.surprises),
        ("failure", "left behind", report.left_behind),
    ]
    for tag, name, lines in told:
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
    """XML has no way to write most control characters: everything becomes text that can be seen."""
    for element in root.iter():
        element.text = visible(element.text) if element.text else None
        for name, value in element.items():
            element.set(name, visible(value))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _wall(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
