"""JUnit XML is valid whatever a target sent, and has failures exactly if the exit code does."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from surveyor.claims import Claims
from surveyor.report import junit
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.verdicts import Verdict

ANYTHING = st.text(st.characters(codec=None, categories=None))


def case(root: ET.Element, claim: str) -> ET.Element:
    """Return the test case of a claim."""
    (found,) = (found for found in root.iter("testcase") if found.get("name") == claim)
    return found


def test_unexpected_outcomes_are_failures(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """An unexpected outcome is a failure, even a pass; an expected failure is skipped with its reason."""
    verdicts = {"dns.srv.value": Verdict.FAIL, "dns.multivalue.caps-at-eight": Verdict.FAIL}
    report = make_report(verdicts=verdicts, unexpected=("dns.srv.value", "dns.weighted.returns-one-at-random"))
    root = ET.fromstring(junit.render(report, claims))
    failed = case(root, "dns.srv.value").find("failure")
    assert failed is not None
    assert failed.get("message") == "expected pass, got fail; expected the error InvalidInput, got no error"
    assert case(root, "dns.weighted.returns-one-at-random").find("failure") is not None
    known = case(root, "dns.multivalue.caps-at-eight")
    assert known.find("failure") is None
    assert known.find("skipped") is not None
    assert list(case(root, "dns.multivalue.returns-all-up-to-eight")) == [
        case(root, "dns.multivalue.returns-all-up-to-eight").find("properties")
    ]


def test_what_a_broken_run_left_out_is_skipped(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """The run is the error, and no claim: with credentials that ended nothing was found out about them."""
    report = make_report(verdicts={"dns.srv.value": Verdict.NOT_RUN}, unexpected=("dns.srv.value",))
    assert case(ET.fromstring(junit.render(report, claims)), "dns.srv.value").find("failure") is not None
    broken = ET.fromstring(junit.render(structs.replace(report, failure="the credentials ended"), claims))
    assert case(broken, "dns.srv.value").find("skipped") is not None
    assert (broken.get("failures"), broken.get("errors")) == ("0", "1")


def test_an_error_is_an_error(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """If the harness broke, the case is an error and not a failure."""
    report = make_report(verdicts={"dns.srv.value": Verdict.ERROR}, unexpected=("dns.srv.value",))
    assert case(ET.fromstring(junit.render(report, claims)), "dns.srv.value").find("error") is not None


def test_counts_agree_with_the_cases(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Every claim is a case; the counts of suites and of the document are those of the cases in them."""
    report = make_report(unexpected=("dns.srv.value",))
    root = ET.fromstring(junit.render(report, claims))
    assert sorted(str(found.get("name")) for found in root.iter("testcase")) == sorted(
        claim.id for claim in report.claims
    )
    for part in (root, *root):
        for number, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(part.get(number, "-1")) == len(list(part.iter(tag)))


def test_evidence_is_included(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """A claim that does not pass has its calls, one per line."""
    report = make_report(verdicts={"dns.srv.value": Verdict.FAIL})
    output = case(ET.fromstring(junit.render(report, claims)), "dns.srv.value").findtext("system-out") or ""
    assert "servicediscovery CreateService: 400 ServiceAlreadyExists" in output
    assert "dns web.shop.example.com A at 127.0.0.2:5353: NOERROR, 1 records" in output


def test_problems_of_the_run_are_failures(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """A broken run, leaked resources and unexpected results without a claim are separate cases."""
    report = structs.replace(
        make_report(), failure="the target died", unexpected=("odd",), leaked_resources=("ns-1", "ns-2")
    )
    suite = ET.fromstring(junit.render(report, claims)).find("testsuite[@name='the run']")
    assert suite is not None
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("3", "1", "2")
    leaked = suite.find("testcase[@name='leaked resources']/failure")
    assert leaked is not None
    assert leaked.text == "ns-1\nns-2"


def test_a_hostile_target_cannot_break_it(hostile_report: ConformanceReport, claims: Claims) -> None:
    """Markup, controls and half surrogate pairs become text."""
    text = junit.render(hostile_report, claims)
    root = ET.fromstring(text)
    text.encode()
    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase"),
        *("failure", "error", "skipped", "system-out"),
    }


@given(ANYTHING)
def test_any_text_is_valid_xml(text: str) -> None:
    """The XML parses and is UTF-8 for any statement, note and detail of a claim."""
    claim = ClaimReport("a.b", "a", text, Verdict.FAIL, False, text, text, text, (), None, None)
    report = ConformanceReport(TargetReport(text, text, "started", (), {}), text, 1, (), (), text, text, 1, 1, (claim,))
    root = ET.fromstring(junit.render(report, Claims(())).encode())
    assert case(root, "a.b").find("failure") is not None
