"""JUnit XML parses whatever a target sent, and is red where the exit code is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims import Claims
from surveyor.report import junit
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.verdicts import Verdict

ANYTHING = st.text(st.characters(codec=None, categories=None))


def case(root: ET.Element, claim: str) -> ET.Element:
    """The test case of a claim."""
    (found,) = (one for one in root.iter("testcase") if one.get("name") == claim)
    return found


def test_red_is_what_moved(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """An unexpected outcome is a failure, also a pass; a failure that is known is skipped and says why."""
    verdicts = {"dns.srv.value": Verdict.FAIL, "dns.multivalue.caps-at-eight": Verdict.FAIL}
    report = make_report(verdicts=verdicts, moved=("dns.srv.value", "dns.weighted.returns-one-at-random"))
    root = ET.fromstring(junit.render(report, claims))
    failed = case(root, "dns.srv.value").find("failure")
    assert failed is not None
    assert failed.get("message") == "expected pass, came fail"
    assert case(root, "dns.weighted.returns-one-at-random").find("failure") is not None
    known = case(root, "dns.multivalue.caps-at-eight")
    assert known.find("failure") is None
    assert known.find("skipped") is not None
    assert list(case(root, "dns.multivalue.returns-all-up-to-eight")) == [
        case(root, "dns.multivalue.returns-all-up-to-eight").find("properties")
    ]


def test_an_error_is_an_error(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Where the harness broke the case is an error, not a failure."""
    report = make_report(verdicts={"dns.srv.value": Verdict.ERROR}, moved=("dns.srv.value",))
    assert case(ET.fromstring(junit.render(report, claims)), "dns.srv.value").find("error") is not None


def test_counts_agree_with_what_is_counted(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Every claim is a case; the numbers of suites and of the whole are those of the cases in them."""
    report = make_report(moved=("dns.srv.value",))
    root = ET.fromstring(junit.render(report, claims))
    assert sorted(str(one.get("name")) for one in root.iter("testcase")) == sorted(one.id for one in report.claims)
    for part in (root, *root):
        for number, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(part.get(number, "-1")) == len(list(part.iter(tag)))


def test_evidence_is_told(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """What does not pass brings the calls behind it, a line each."""
    report = make_report(verdicts={"dns.srv.value": Verdict.FAIL})
    told = case(ET.fromstring(junit.render(report, claims)), "dns.srv.value").findtext("system-out") or ""
    assert "servicediscovery CreateService: 400 ServiceAlreadyExists" in told
    assert "dns web.shop.example.com A at 127.0.0.2:5353: NOERROR, 1 records" in told


def test_a_broken_run_is_red(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """What broke the run, what was left behind and surprises belong to no claim and are cases of their own."""
    report = dataclasses.replace(
        make_report(), failure="the target died", surprises=("odd",), left_behind=("ns-1", "ns-2")
    )
    suite = ET.fromstring(junit.render(report, claims)).find("testsuite[@name='the run']")
    assert suite is not None
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("3", "1", "2")
    left = suite.find("testcase[@name='left behind']/failure")
    assert left is not None
    assert left.text == "ns-1\nns-2"


def test_a_hostile_target_cannot_break_it(hostile_report: ConformanceReport, claims: Claims) -> None:
    """Markup, controls and half characters are text in it."""
    text = junit.render(hostile_report, claims)
    root = ET.fromstring(text)
    text.encode()
    assert {one.tag for one in root.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase"),
        *("failure", "error", "skipped", "system-out"),
    }


@given(ANYTHING)
def test_any_text_comes_through_a_parser(text: str) -> None:
    """Whatever the statement, note and detail of a claim, the XML parses and is UTF-8."""
    claim = ClaimReport("a.b", "a", text, Verdict.FAIL, False, text, text, text, (), None, None)
    report = ConformanceReport(TargetReport(text, text, "started", (), {}), text, 1, (), (), text, text, 1, 1, (claim,))
    root = ET.fromstring(junit.render(report, Claims(())).encode())
    assert case(root, "a.b").find("failure") is not None
