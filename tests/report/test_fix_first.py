"""What to fix first: failures by operation and symptom, and the one score."""

from __future__ import annotations

import json
from collections import Counter

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from surveyor.evidence import EvidenceEntry
from surveyor.report.differing_member import find_differing_member
from surveyor.report.fix_first import failed_first, group_failures
from surveyor.report.model import ClaimReport, ReportFile, TestReport
from surveyor.report.score import Mark, score
from surveyor.typed_json import dump_json, parse_json
from surveyor.verdicts import Verdict
from tests.report.conftest import MakeReport

CAUSES = st.tuples(st.sampled_from(["", "CreateService", "DNS A"]), st.sampled_from(["is missing", "is refused"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TESTS = st.lists(
    st.builds(
        lambda verdict, cause: TestReport("suites/a/test_a.py::test_a", verdict, "", "", (), *cause),
        st.sampled_from([Verdict.PASS, Verdict.FAIL]),
        CAUSES,
    ),
    max_size=4,
)


@st.composite
def claim_reports(draw: st.DrawFn) -> list[ClaimReport]:
    """Claims with any verdict, any tests and up to two users' reports."""
    return [
        ClaimReport(
            id=f"a.claim-{number}",
            area="a",
            statement="It is so.",
            verdict=draw(st.sampled_from(Verdict)),
            expected=True,
            note="",
            symptom="test_a: AssertionError",
            detail="",
            tests=tuple(draw(TESTS)),
            unproven=draw(st.sampled_from([None, "later"])),
            confirmed_on_account=None,
            reports=tuple(draw(st.lists(st.sampled_from(["a/b#1", "a/b#2"]), unique=True))),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@given(claim_reports())
def test_every_failed_claim_is_in_a_group(claims: list[ClaimReport]) -> None:
    """The groups hold exactly the failed claims, in order of how much depends on them, and no two are alike."""
    groups = group_failures(claims)
    failed = {claim.id for claim in claims if claim.verdict is Verdict.FAIL}
    assert {claim for group in groups for claim in group.claims} == failed
    assert all(len(set(group.claims)) == len(group.claims) > 0 for group in groups)
    assert max(Counter((group.operation, group.symptom) for group in groups).values(), default=1) == 1
    weights = [len(group.claims) + len(group.reports) for group in groups]
    assert weights == sorted(weights, reverse=True)


@given(claim_reports())
def test_score_counts_every_claim_once(claims: list[ClaimReport]) -> None:
    """A claim is in the denominator or among those that are not counted, never in both."""
    whole = score(claims)
    assert whole.judged + sum(whole.not_counted.values()) == whole.claims == len(claims)
    assert whole.judged == sum(claim.verdict in (Verdict.PASS, Verdict.FAIL) for claim in claims)
    assert (whole.percent is None) == (whole.judged == 0)
    assert 0 <= (whole.percent or 0) <= 100
    assert (whole.percent == 100) == (whole.held == whole.judged > 0)


@given(claim_reports())
def test_failures_come_first(claims: list[ClaimReport]) -> None:
    """All claims are shown, the failed ones before the others, and otherwise in their order."""
    shown = failed_first(claims)
    assert Counter(claim.id for claim in shown) == Counter(claim.id for claim in claims)
    failed = [claim for claim in claims if claim.verdict is Verdict.FAIL]
    assert shown[: len(failed)] == failed


def test_failures_with_one_cause_are_one_group() -> None:
    """A cause that two claims share comes before one that concerns a single claim, and names users' reports."""
    missing = TestReport("t1", Verdict.FAIL, "t1: x", "", (), "CreateService", "accepted an invalid request")
    other = TestReport("t2", Verdict.FAIL, "t2: x", "", (), "GetService", "Service is missing")
    claims = [_claim("a.other", other), _claim("a.first", missing), _claim("a.second", missing, other)]
    claims[1] = replace(claims[1], reports=("aws/containers-roadmap#343",))
    first, second = group_failures(claims)
    assert (first.title, first.claims) == ("CreateService: accepted an invalid request", ("a.first", "a.second"))
    assert first.weight_text == "2 claims, 1 user report"
    assert (second.title, second.claims, second.weight_text) == (
        "GetService: Service is missing",
        ("a.other", "a.second"),
        "2 claims",
    )


@pytest.mark.parametrize(
    ("symptom", "expected"),
    [
        ("test_a: no error, expected InvalidInput", "no error, expected InvalidInput"),
        ("test_a[x: y]: KeyError 'a'", "KeyError 'a'"),
        ("", "it fails"),
    ],
)
def test_reports_of_earlier_versions_are_grouped_by_their_label(symptom: str, expected: str) -> None:
    """A test without a cause is grouped by the label in its failure signature."""
    group = group_failures([_claim("a.b", TestReport("t", Verdict.FAIL, symptom, "", ()))])[0]
    assert (group.operation, group.symptom) == ("", expected)


def test_report_holds_score_and_groups(make_report: MakeReport) -> None:
    """report.json holds the score that is shown, and its groups are the same after reading it."""
    report = make_report()
    value = json.loads(dump_json(ReportFile.of(report)))
    jsonschema.validate(value, msgspec.json.schema(ReportFile))
    whole = score(report.claims)
    assert value["score"]["passed"] == whole.held
    assert value["score"]["judged"] == whole.marks[Mark.PASS] + whole.marks[Mark.FAIL]
    assert value["score"]["notCounted"]["no-suite"] == whole.marks[Mark.NO_SUITE]
    assert [group["symptom"] for group in value["fixFirst"]] == [group.symptom for group in report.fix_first]
    assert parse_json(dump_json(value), ReportFile).report.fix_first == report.fix_first != ()


def _claim(claim: str, *tests: TestReport) -> ClaimReport:
    return ClaimReport(claim, "a", "It is so.", Verdict.FAIL, False, "", tests[0].symptom, "", tests, None)


def call(operation: str, response: object, **params: object) -> EvidenceEntry:
    """Return the record of a call of Cloud Map."""
    return {
        "kind": "call",
        "service": "servicediscovery",
        "operation": operation,
        "params": params,
        "response": response,
    }


@pytest.mark.parametrize(
    ("calls", "operation", "cause", "title"),
    [
        (  # what a change did shows in a read only
            [
                call("CreateService", {}),
                call("RegisterInstance", {}),
                call("ListInstances", {}),
                call("GetService", {}),
            ],
            *("ListInstances", "the answer is empty", "ListInstances after RegisterInstance: the answer is empty"),
        ),
        (  # the operation is that of the first change, not of the last
            [
                call("DeleteService", {"OperationId": "a"}),
                call("RegisterInstance", {"OperationId": "b"}),
                call("GetOperation", {}, OperationId="a"),
            ],
            *("GetOperation", "the answer has another value", "DeleteService: its operation has another result"),
        ),
        (  # no change shows an operation of this id
            [call("RegisterInstance", {}), call("GetOperation", {}, OperationId="a")],
            *("GetOperation", "the answer is empty", "GetOperation after RegisterInstance: the answer is empty"),
        ),
        (  # a symptom that names the member needs no more
            [call("RegisterInstance", {}), call("ListInstances", {})],
            *("ListInstances", "Instances is missing", "ListInstances: Instances is missing"),
        ),
        (  # the change itself answers wrongly
            [call("CreateService", {}), call("RegisterInstance", {})],
            *("RegisterInstance", "the answer is empty", "RegisterInstance: the answer is empty"),
        ),
        ([], "ListInstances", "the answer is empty", "ListInstances: the answer is empty"),
        ([call("ListInstances", {})], "ListInstances", "the answer is empty", "ListInstances: the answer is empty"),
    ],
)
def test_a_read_names_the_change_before_it(
    make_report: MakeReport, calls: list[EvidenceEntry], operation: str, cause: str, title: str
) -> None:
    """A group of reads that answer wrongly names the change whose effect they show."""
    test = TestReport("suites/a/test_a.py::test_a", Verdict.FAIL, "", "", tuple(calls), operation, cause)
    claim = replace(make_report().claims[0], verdict=Verdict.FAIL, tests=(test,))
    assert [group.title for group in group_failures([claim])] == [title]


SERVICE = {"Service": {"Id": "srv-2", "NamespaceId": "ns-2", "DnsConfig": {"NamespaceId": "ns-1"}, "InstanceCount": 2}}


@pytest.mark.parametrize(
    ("expected", "actual", "member"),
    [
        ("'srv-1'", "'srv-2'", "Service.Id"),
        ("'ns-1'", "'ns-2' (after 15 s)", "Service.NamespaceId"),
        ({**SERVICE["Service"], "Id": "srv-1"}, SERVICE["Service"], "Service.Id"),  # the only difference
        ({"Id": "srv-1", "NamespaceId": "x"}, SERVICE["Service"], "Service"),
        ("'srv-1'", "'srv-9'", ""),  # not in the answer
        ("3", "2", ""),  # a number, perhaps computed
        ("'x'", "''", ""),
        ("{'a…", "{'b…", ""),  # cut
    ],
)
def test_the_member_that_differs_is_found_in_the_answer(expected: object, actual: object, member: str) -> None:
    """The answer has at one place only what the test got."""
    detail = f"CreateService: the answer has another value: expected {expected}, got {actual}"
    assert find_differing_member(detail, [call("CreateService", SERVICE)]) == member
    assert find_differing_member("CreateService: the answer has another value", [call("CreateService", SERVICE)]) == ""


def test_a_value_at_several_places_names_no_member() -> None:
    """Entries of a list are one place, and two members are two."""
    detail = "ListServices: the answer has another value: expected 'a', got 'DNS'"
    lists = call("ListServices", {"Services": [{"Type": "DNS"}, {"Type": "DNS"}]})
    assert find_differing_member(detail, [lists]) == "Services[].Type"
    twice = call("ListServices", {"Services": [{"Type": "DNS", "Name": "DNS"}]})
    assert find_differing_member(detail, [twice]) == ""
    assert find_differing_member(detail, [call("ListServices", {}), lists]) == "Services[].Type"
    assert find_differing_member(detail, [{**lists, "service": "none"}]) == ""
    assert find_differing_member(detail, [{**lists, "operation": "Nope"}]) == ""


@given(st.text() | st.builds("x: expected {}, got {}".format, JSON, JSON), st.lists(st.builds(call, st.text(), JSON)))
def test_nothing_in_a_report_breaks_the_search(detail: str, answers: list[EvidenceEntry]) -> None:
    """Reports may come from elsewhere."""
    assert isinstance(find_differing_member(detail, answers), str)


def test_two_faults_of_one_operation_are_two_groups(make_report: MakeReport) -> None:
    """A service that is created twice, and a namespace that is not understood; after a read the change is named too."""
    other, cause = "the answer has another value", "expected 'x', got"
    claims = []
    for number, (operation, actual, evidence) in enumerate(
        (
            ("CreateService", "srv-2", [call("CreateService", SERVICE)]),
            ("CreateService", "ns-2", [call("CreateService", SERVICE)]),
            ("CreateService", "srv-3", [call("CreateService", SERVICE)]),
            (
                "GetInstancesHealthStatus",
                "UNHEALTHY",
                [call("RegisterInstance", {}), call("GetInstancesHealthStatus", {"Status": {"i-1": "UNHEALTHY"}})],
            ),
        )
    ):
        detail = f"{operation}: {other}: {cause} '{actual}'"
        test = TestReport("suites/a/test_a.py::test_a", Verdict.FAIL, "", detail, tuple(evidence), operation, other)
        claims.append(replace(make_report().claims[0], id=f"a.claim-{number}", verdict=Verdict.FAIL, tests=(test,)))
    assert [group.title for group in group_failures(claims)] == [
        "CreateService: Service.Id has another value",
        "CreateService: Service.NamespaceId has another value",
        "CreateService: the answer has another value",
        "GetInstancesHealthStatus after RegisterInstance: Status.* has another value",
    ]
