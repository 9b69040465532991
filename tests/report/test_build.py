"""How results become a report."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from surveyor.claims import Claim
from surveyor.claims.model import Level, Place, Reason, Source, SourceKind, Unproven
from surveyor.claims.selection import Selection
from surveyor.conformance.run import exit_code
from surveyor.layout import find_layout
from surveyor.report import ClaimReport, ConformanceReport
from surveyor.report.build import Run, build_report, fresh_expectations
from surveyor.report.model import KnownReport
from surveyor.report.test_results import Facts, TestResult
from surveyor.targets import load_target
from surveyor.targets.expectations import Expectation, Expectations
from surveyor.verdicts import Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLACE = Place(find_layout().claims / "dns.toml", 1)


def claim(name: str, **more: Any) -> Claim:
    """A claim that says that it is so."""
    return Claim(name, "It is so.", Level.MUST, Source(SourceKind.MODEL, "servicediscovery/Namespace"), PLACE, **more)


def result(test: str, verdict: Verdict, symptom: str = "", claims: tuple[str, ...] = ("dns.a",)) -> TestResult:
    """What a test found."""
    return TestResult(test, claims, verdict, symptom, symptom and f"expected so; came {symptom}")


def report_of(
    *results: TestResult,
    claims: tuple[Claim, ...] = (claim("dns.a"),),
    planned: tuple[str, ...] = (),
    expected: Expectations | None = None,
    **more: Any,
) -> ConformanceReport:
    """The report of a run with these results; `planned` are tests of dns.a that were collected."""
    collected = dict.fromkeys(planned, ("dns.a",))
    facts = Facts("1", ("cloudmap",), (), collected, 12.5, more.pop("failure", ""))
    target = load_target("embedded", find_layout().targets)
    run = Run(target, 7, Selection(), results, [facts], NOW, NOW, 1.5, failure=facts.failure, **more)
    known = {one.id: one for one in claims}
    return build_report(run, known, known, expected or Expectations())


def only(report: ConformanceReport) -> ClaimReport:
    """The one claim of a report."""
    assert len(report.claims) == 1
    return report.claims[0]


def test_symptoms_of_several_tests_stand_in_order_of_their_names() -> None:
    """Whatever order tests ran in, the claim's symptom is the same, and it is that of the decisive tests only."""
    failing = [result("b", Verdict.FAIL, "late"), result("a", Verdict.FAIL, "early"), result("c", Verdict.PASS)]
    both = only(report_of(*failing)), only(report_of(*reversed(failing)))
    assert both[0] == both[1]
    assert both[0].symptom == "early | late"
    worse = only(report_of(*failing, result("d", Verdict.ERROR, "dead")))
    assert (worse.verdict, worse.symptom) == (Verdict.ERROR, "dead")


def test_cases_of_one_test_are_named_together() -> None:
    """A parametrized test that goes wrong in one way in several cases has one symptom that names the cases."""
    found = only(
        report_of(
            result("t[a]", Verdict.FAIL, "test_t[a]: with raises('X'): no error came"),
            result("t[b]", Verdict.FAIL, "test_t[b]: with raises('X'): no error came"),
            result("t[c]", Verdict.FAIL, "test_t[c]: with raises('X'): ClientError Y"),
            result("u", Verdict.FAIL, "set-up: test_u[a]: vpc: ClientError Y"),
        )
    )
    assert found.symptom.split(" | ") == [
        "test_t[a; b]: with raises('X'): no error came",
        "test_t[c]: with raises('X'): ClientError Y",
        "set-up: test_u[a]: vpc: ClientError Y",
    ]


def test_planned_test_without_result_is_not_run_and_unexpected() -> None:
    """A run that ended early does not pass what it did not try."""
    found = only(report_of(result("a", Verdict.PASS), planned=("a", "b")))
    assert (found.verdict, found.expected, found.detail) == (Verdict.NOT_RUN, False, "the run ended before b")


def test_claim_without_suite_is_not_run_and_expected() -> None:
    """What no suite proves says why, and moves no exit code."""
    unproven = claim("dns.a", unproven=Unproven(Reason.LATER, "needs tasks"))
    found = only(report_of(claims=(unproven,)))
    assert (found.verdict, found.expected, found.detail) == (Verdict.NOT_RUN, True, "unproven, later: needs tasks")
    assert found.unproven == "later: needs tasks"
    assert only(report_of()).detail == "no suite proves it"
    assert not only(report_of(interrupted=True)).expected


def test_last_confirmation_comes_from_the_claim() -> None:
    """A claim that a real account has confirmed says when; until then, never."""
    assert only(report_of(claims=(claim("dns.a", confirmed=date(2026, 10, 1)),))).last_confirmed_on_aws == "2026-10-01"
    assert only(report_of()).last_confirmed_on_aws is None


@pytest.mark.parametrize(
    ("results", "more", "code"),
    [
        ((result("a", Verdict.PASS),), {}, 0),
        ((result("a", Verdict.UNSUPPORTED),), {}, 0),
        ((result("a", Verdict.FAIL, "s"),), {}, 1),
        ((result("a", Verdict.INCONCLUSIVE, "s"),), {}, 1),
        ((result("a", Verdict.ERROR, "s"),), {}, 3),
        ((result("a", Verdict.PASS),), {"failure": "moto died"}, 3),
        ((result("a", Verdict.FAIL, "s"),), {"left_behind": ("ns-1",)}, 4),
        ((result("a", Verdict.ERROR, "s"),), {"left_behind": ("ns-1",)}, 3),
        ((result("a", Verdict.ERROR, "s"),), {"left_behind": ("ns-1",), "interrupted": True}, 130),
    ],
)
def test_exit_code_tells_the_worst(results: tuple[TestResult, ...], more: dict[str, Any], code: int) -> None:
    """Where several hold: interrupted, then broken, then something left, then a verdict that moved."""
    assert exit_code(report_of(*results, **more)) == code


def test_known_failure_is_expected_and_its_pass_is_not() -> None:
    """An expectation turns its failure into exit 0, and a sudden pass into exit 1."""
    known = Expectations({"dns.a": Expectation("dns.a", Verdict.FAIL, "s", date(2027, 1, 1), "known")})
    assert exit_code(report_of(result("a", Verdict.FAIL, "s"), expected=known)) == 0
    assert exit_code(report_of(result("a", Verdict.FAIL, "other"), expected=known)) == 1
    assert exit_code(report_of(result("a", Verdict.PASS), expected=known)) == 1
    assert exit_code(report_of(expected=known)) == 1  # its suite has gone


def test_why_something_is_known_goes_along() -> None:
    """The report says what was expected of a claim and why, whatever came; of other claims nothing."""
    entry = Expectation("dns.a", Verdict.FAIL, "s", date(2027, 1, 1), "a ghost stays", "https://example.com/1")
    known = Expectations({"dns.a": entry})
    told = KnownReport(Verdict.FAIL, "a ghost stays", "https://example.com/1", "2027-01-01")
    assert only(report_of(result("a", Verdict.FAIL, "s"), expected=known)).known == told
    assert only(report_of(result("a", Verdict.PASS), expected=known)).known == told
    assert only(report_of(result("a", Verdict.PASS))).known is None


def test_the_target_is_told_as_it_was_reached() -> None:
    """A started target has no address that anybody could use later; its region and who called it are told."""
    target = report_of(result("a", Verdict.PASS)).target
    assert (target.endpoint, target.region, target.credentials) == ("", "us-east-1", "per-test")


def test_entry_for_an_unknown_claim_moves_the_exit_code() -> None:
    """An expectation of a claim that is no more is a surprise."""
    known = Expectations({"dns.old": Expectation("dns.old", Verdict.FAIL, "s", date(2027, 1, 1), "known")})
    report = report_of(result("a", Verdict.PASS), expected=known)
    assert report.surprises == ("an expectation names the unknown claim 'dns.old'",)
    assert exit_code(report) == 1


def test_fresh_expectations_say_what_the_document_demands_and_what_came() -> None:
    """Only what did not hold is written down, ready to be explained by a person."""
    later = date(2027, 11, 20)
    fresh = fresh_expectations(report_of(result("a", Verdict.FAIL, "a ghost")), later)
    reason = "documented: It is so; came: expected so; came a ghost"
    assert fresh == [Expectation("dns.a", Verdict.FAIL, "a ghost", later, reason)]
    assert fresh_expectations(report_of(result("a", Verdict.PASS)), later) == []


def test_service_time_is_that_of_all_workers() -> None:
    """What the target lived through adds up, and wall time is told beside it."""
    report = report_of(result("a", Verdict.PASS))
    assert (report.wall_seconds, report.service_seconds) == (1.5, 12.5)
