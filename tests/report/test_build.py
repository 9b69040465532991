"""Test results become a report with a verdict for each claim."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from surveyor.claims import Claim
from surveyor.claims.model import FileLocation, Level, Reason, Source, SourceKind, Unproven
from surveyor.claims.selection import Selection
from surveyor.conformance.run import exit_code
from surveyor.layout import find_layout
from surveyor.recordings import Confidence, Provenance, Recording, Relation
from surveyor.recordings.model import Answer
from surveyor.recordings.status import ClaimStatus
from surveyor.report.build import Run, build_report, new_expectations, with_expectations
from surveyor.report.model import ClaimReport, ConformanceReport, KnownReport
from surveyor.report.score import status_text
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.targets import load_target
from surveyor.targets.expectations import Expectation, Expectations
from surveyor.verdicts import Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLACE = FileLocation(find_layout().claims / "dns.toml", 1)


def claim(name: str, **more: Any) -> Claim:
    """Return a claim."""
    return Claim(name, "It is so.", Level.MUST, Source(SourceKind.MODEL, "servicediscovery/Namespace"), PLACE, **more)


def result(test: str, verdict: Verdict, symptom: str = "", claims: tuple[str, ...] = ("dns.a",)) -> TestResult:
    """Return the result of a test."""
    return TestResult(test, claims, verdict, symptom, symptom and f"expected nothing, got {symptom}")


def report_of(
    *results: TestResult,
    claims: tuple[Claim, ...] = (claim("dns.a"),),
    planned: tuple[str, ...] = (),
    expected: Expectations | None = None,
    recordings: dict[str, list[Recording]] | None = None,
    **more: Any,
) -> ConformanceReport:
    """Return the report of a run with these results; `planned` are the collected tests of dns.a."""
    collected: dict[str, tuple[str, ...]] = dict.fromkeys(planned, ("dns.a",))
    facts = WorkerFacts("1", ("cloudmap",), (), collected, 12.5, more.pop("failure", ""))
    target = load_target("embedded", find_layout().targets)
    run = Run(target, 7, Selection(), results, [facts], NOW, NOW, 1.5, failure=facts.failure, **more)
    known = {claim.id: claim for claim in claims}
    return build_report(run, known, known, expected or Expectations(), recordings or {})


def only(report: ConformanceReport) -> ClaimReport:
    """Return the only claim of a report."""
    assert len(report.claims) == 1
    return report.claims[0]


def test_symptoms_of_several_tests_are_in_order_of_test_names() -> None:
    """The claim's symptom consists of the decisive tests' symptoms and does not depend on the order of tests."""
    failing = [result("b", Verdict.FAIL, "late"), result("a", Verdict.FAIL, "early"), result("c", Verdict.PASS)]
    both = only(report_of(*failing)), only(report_of(*reversed(failing)))
    assert both[0] == both[1]
    assert both[0].symptom == "early | late"
    worse = only(report_of(*failing, result("d", Verdict.ERROR, "dead")))
    assert (worse.verdict, worse.symptom) == (Verdict.ERROR, "dead")


def test_cases_with_the_same_symptom_are_listed_together() -> None:
    """Several cases of a parametrized test with the same symptom become one symptom that names the cases."""
    found = only(
        report_of(
            result("t[a]", Verdict.FAIL, "test_t[a]: with raises('X'): no error"),
            result("t[b]", Verdict.FAIL, "test_t[b]: with raises('X'): no error"),
            result("t[c]", Verdict.FAIL, "test_t[c]: with raises('X'): ClientError Y"),
            result("u", Verdict.FAIL, "set-up: test_u[a]: vpc: ClientError Y"),
        )
    )
    assert found.symptom.split(" | ") == [
        "test_t[a; b]: with raises('X'): no error",
        "test_t[c]: with raises('X'): ClientError Y",
        "set-up: test_u[a]: vpc: ClientError Y",
    ]


def test_planned_test_without_result_is_not_run_and_unexpected() -> None:
    """A claim whose tests did not all run is not-run."""
    found = only(report_of(result("a", Verdict.PASS), planned=("a", "b")))
    assert (found.verdict, found.expected, found.detail) == (Verdict.NOT_RUN, False, "the run ended before b")


def test_claim_without_suite_is_not_run_and_expected() -> None:
    """A claim without a suite gives the reason, and does not change the exit code."""
    unproven = claim("dns.a", unproven=Unproven(Reason.LATER, "needs tasks"))
    found = only(report_of(claims=(unproven,)))
    assert (found.verdict, found.expected, found.detail) == (Verdict.NOT_RUN, True, "later: needs tasks")
    assert found.unproven == "later: needs tasks"
    assert only(report_of()).detail == "no suite"
    assert not only(report_of(interrupted=True)).expected


def test_a_claim_has_its_source() -> None:
    """The report says where a claim is documented, with the address of that page."""
    found = only(report_of())
    assert found.source == "servicediscovery/Namespace"
    assert found.source_href == "https://docs.aws.amazon.com/cloud-map/latest/api/API_Namespace.html"


def test_last_confirmation_is_copied_from_the_claim() -> None:
    """The report has the date on which a real account confirmed the claim, or None."""
    assert only(report_of(claims=(claim("dns.a", confirmed=date(2026, 10, 1)),))).confirmed_on_account == "2026-10-01"
    assert only(report_of()).confirmed_on_account is None


@pytest.mark.parametrize(
    ("relations", "confirmed", "status", "text"),
    [
        ([], None, ClaimStatus.DOCUMENTED, "documented, not confirmed by an answer of AWS"),
        ([("confirms", "high")], None, ClaimStatus.CONFIRMED, "confirmed 2024-05 by aws/a b.json (high confidence)"),
        ([("confirms", "low")], None, ClaimStatus.DOCUMENTED, "documented, not confirmed by an answer of AWS"),
        ([("bounds", "high")], None, ClaimStatus.DOCUMENTED, "documented, not confirmed by an answer of AWS"),
        ([], date(2026, 10, 1), ClaimStatus.CONFIRMED, "confirmed 2026-10-01 by a run on a real account"),
        (
            [("confirms", "high"), ("contradicts", "medium")],
            date(2026, 10, 1),
            ClaimStatus.CONTRADICTED,
            "contradicted 2024-05 by aws/a b.json (medium confidence)",
        ),
        ([("contradicts", "low")], None, ClaimStatus.DOCUMENTED, "documented, not confirmed by an answer of AWS"),
    ],
)
def test_how_a_claim_is_known_is_reported(
    relations: list[tuple[str, str]], confirmed: date | None, status: ClaimStatus, text: str
) -> None:
    """Recordings of high and medium confidence decide; a contradiction weighs more than a confirmation."""
    recordings = [
        Recording(
            *("r", "It was so.", Provenance.RECORDED, "aws/a", "b.json", Confidence(confidence), Relation(relation)),
            *(Answer(), ("dns.a",), "2024-05"),
        )
        for relation, confidence in relations
    ]
    found = only(report_of(claims=(claim("dns.a", confirmed=confirmed),), recordings={"dns.a": recordings}))
    assert (found.status, found.status_text) == (status, text)
    assert [recording.relation for recording in found.recordings] == [relation for relation, _ in relations]


def test_the_first_line_counts_confirmed_claims() -> None:
    """Claims that a recording confirms and those that a run on an account confirms are counted apart."""
    claims = (claim("dns.a"), claim("dns.b", confirmed=date(2026, 10, 1)), claim("dns.c"))
    recording = Recording(
        *("r", "It was so.", Provenance.RECORDED, "aws/a", "b.json", Confidence.HIGH, Relation.CONFIRMS),
        *(Answer(), ("dns.a",), "2024-05"),
    )
    report = report_of(claims=claims, recordings={"dns.a": [recording]})
    assert status_text(report.claims) == "Recorded answers of AWS confirm 1 of 3 claims, runs on a real account 1."


@pytest.mark.parametrize(
    ("results", "more", "code"),
    [
        ((result("a", Verdict.PASS),), {}, 0),
        ((result("a", Verdict.UNSUPPORTED),), {}, 5),
        ((result("a", Verdict.UNSUPPORTED),), {"leaked_resources": ("ns-1",)}, 4),
        ((result("a", Verdict.FAIL, "s"),), {}, 1),
        ((result("a", Verdict.INCONCLUSIVE, "s"),), {}, 1),
        ((result("a", Verdict.ERROR, "s"),), {}, 3),
        ((result("a", Verdict.PASS),), {"failure": "moto died"}, 3),
        ((result("a", Verdict.FAIL, "s"),), {"leaked_resources": ("ns-1",)}, 4),
        ((result("a", Verdict.ERROR, "s"),), {"leaked_resources": ("ns-1",)}, 3),
        ((result("a", Verdict.ERROR, "s"),), {"leaked_resources": ("ns-1",), "interrupted": True}, 130),
    ],
)
def test_exit_code_is_the_most_severe(results: tuple[TestResult, ...], more: dict[str, Any], code: int) -> None:
    """If several hold: interrupted, then broken, then leaked resources, then an unexpected verdict."""
    assert exit_code(report_of(*results, **more)) == code


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((Verdict.PASS, Verdict.INCONCLUSIVE), 0),
        ((Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED), 0),
        ((Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE), 1),
        ((Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED), 5),
        ((Verdict.PASS, Verdict.ERROR, Verdict.INCONCLUSIVE), 3),
    ],
)
def test_in_an_account_only_what_was_judged_counts(verdicts: tuple[Verdict, ...], code: int) -> None:
    """Quotas, permissions and networks of an account that others use are no change of its behaviour."""
    names = [f"dns.{letter}" for letter in "abc"[: len(verdicts)]]
    results = [result(name, verdict, "s", (name,)) for name, verdict in zip(names, verdicts, strict=True)]
    assert exit_code(report_of(*results, claims=tuple(map(claim, names)), runs=("0123abcd",))) == code


def test_what_an_account_leaves_open_is_not_unexpected() -> None:
    """Its quotas and permissions say nothing of AWS; on any other target an open claim is unexpected."""
    left_open = result("a", Verdict.INCONCLUSIVE, "quota: VpcLimitExceeded")
    assert not only(report_of(left_open)).expected
    found = only(report_of(left_open, runs=("0123abcd",)))
    assert (found.expected, found.note) == (True, "")


def test_known_failure_is_expected_and_its_pass_is_not() -> None:
    """An expected failure has exit code 0, and a pass in its place exit code 1."""
    known = Expectations({"dns.a": Expectation("dns.a", Verdict.FAIL, "s", date(2027, 1, 1), "known")})
    assert exit_code(report_of(result("a", Verdict.FAIL, "s"), expected=known)) == 0
    assert exit_code(report_of(result("a", Verdict.FAIL, "other"), expected=known)) == 1
    assert exit_code(report_of(result("a", Verdict.PASS), expected=known)) == 1
    assert exit_code(report_of(expected=known)) == 1  # its suite was removed


def test_the_expectation_is_part_of_the_report() -> None:
    """The report has the expectation of a claim with its reason, whatever the outcome; other claims have none."""
    entry = Expectation("dns.a", Verdict.FAIL, "s", date(2027, 1, 1), "a ghost stays", "https://example.com/1")
    known = Expectations({"dns.a": entry})
    reported = KnownReport(Verdict.FAIL, "a ghost stays", "https://example.com/1", "2027-01-01")
    assert only(report_of(result("a", Verdict.FAIL, "s"), expected=known)).known == reported
    assert only(report_of(result("a", Verdict.PASS), expected=known)).known == reported
    assert only(report_of(result("a", Verdict.PASS))).known is None


def test_the_target_is_reported_as_it_was_reached() -> None:
    """A started target has no lasting address; its region and credentials are reported."""
    target = report_of(result("a", Verdict.PASS)).target
    assert (target.endpoint, target.region, target.credentials) == ("", "us-east-1", "per-test")


def test_expectation_of_an_unknown_claim_changes_the_exit_code() -> None:
    """An expectation of an unknown claim is an unexpected result."""
    known = Expectations({"dns.old": Expectation("dns.old", Verdict.FAIL, "s", date(2027, 1, 1), "known")})
    report = report_of(result("a", Verdict.PASS), expected=known)
    assert report.unexpected == ("an expectation names the unknown claim 'dns.old'",)
    assert exit_code(report) == 1


def test_new_expectations_hold_symptoms_only() -> None:
    """Only failures are recorded, by symptom; the reason repeats neither the claim nor the answer."""
    later = date(2027, 11, 20)
    new = new_expectations(report_of(result("a", Verdict.FAIL, "a ghost")), later)
    reason = "recorded from a run, not investigated"
    assert new == [Expectation("dns.a", Verdict.FAIL, "a ghost", later, reason)]
    assert new_expectations(report_of(result("a", Verdict.PASS)), later) == []


def test_service_time_is_summed_over_all_workers() -> None:
    """The report has the sum of service time, and the wall time of the run."""
    report = report_of(result("a", Verdict.PASS))
    assert (report.wall_seconds, report.service_seconds) == (1.5, 12.5)


def test_a_report_is_judged_by_renewed_expectations() -> None:
    """What the renewed list expects is expected, with its reason; what it no longer has is unexpected."""
    found = report_of(result("a", Verdict.FAIL, "late"))
    assert not only(found).expected
    entry = Expectation("dns.a", Verdict.FAIL, "late", date(2027, 1, 1), "it is late")
    renewed = with_expectations(found, Expectations({"dns.a": entry}), NOW.date())
    assert only(renewed).expected
    assert only(renewed).known is not None
    assert with_expectations(renewed, Expectations(), NOW.date()) == found
