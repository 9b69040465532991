"""Broken and hostile targets: a verdict or an error that names the call, within the limits of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from surveyor import timeouts
from surveyor.conformance.run import exit_code
from surveyor.errors import TargetUnavailable
from surveyor.layout import find_layout
from surveyor.report.model import TestReport
from surveyor.targets import load_target
from surveyor.targets.reachable import check_reachable
from surveyor.verdicts import Verdict
from tests.conftest import Checkout
from tests.targets.hostile_target import ANSWERS, KINDS, PROPER, SANE, WITHOUT_END, serve

SUITE = f"""
@pytest.mark.parametrize("kind", {list(KINDS)!r})
@proves("alpha.first")
def test_list(cloudmap, kind):
    '''It is so.'''
    assert cloudmap.list_namespaces()["Namespaces"] == []
    pages = cloudmap.get_paginator("list_services").paginate(Filters=[{{"Name": kind, "Values": ["x"]}}])
    services = [service for page in pages for service in page["Services"]]
    assert [service["Id"] for service in services] == ["srv-1"]
    assert [service["InstanceCount"] for service in services] == [2]
    assert [service["CreateDate"].year for service in services] == [2026]
"""

UNREADABLE = """
@pytest.mark.parametrize("number", range(6))
@proves("alpha.first")
def test_list(cloudmap, number):
    '''It is so.'''
    for _ in range(10):
        with pytest.raises(Exception):
            cloudmap.list_services()
        # between
    assert not number
"""

INTERPRETER = ("NoneType", "object has no attribute", "codec can't", "recursion depth", "Traceback", "unhashable")
"""Words of the interpreter, which say nothing about a target."""

LIMIT = 0.3


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Let answers be late after a short time, also on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeouts, "LOCAL_ANSWER", LIMIT)
        patch.setattr(timeouts, "PROBE_ANSWER", LIMIT)
        patch.setattr("surveyor.pytest_plugin.busy_machine.describe_busy", lambda slowdown: "")
        yield


@pytest.fixture(scope="module")
def results(shared_checkout: Checkout) -> dict[str, TestReport]:
    """Return the result of one test for each kind of answer, from one run."""
    shared_checkout.suite(SUITE)
    with serve(only="ListServices") as target:
        report = shared_checkout.run(target.url)
    assert exit_code(report) == 1
    assert report.failure == ""
    tests = {test.id.partition("[")[2][:-1]: test for claim in report.claims for test in claim.tests}
    assert tests.keys() == KINDS.keys()
    return tests


@pytest.mark.soak
def test_a_proper_answer_passes(results: dict[str, TestReport]) -> None:
    """The suite passes on an answer as documented, so that each failure below has its reason."""
    assert results[PROPER].verdict is Verdict.PASS


@pytest.mark.soak
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != PROPER])
def test_an_odd_answer_is_a_verdict_of_its_test(results: dict[str, TestReport], kind: str) -> None:
    """The test that got it fails, in words of the API that name the call; the others are judged as well."""
    test = results[kind]
    assert test.verdict is Verdict.FAIL
    assert "ListServices" in test.detail
    assert "\n" not in test.detail
    assert not [word for word in INTERPRETER if word in test.detail]
    if kind in WITHOUT_END:
        assert re.search("got none in time|an answer of more than|exceeded maximum allowed", test.detail)


@pytest.mark.soak
@pytest.mark.parametrize("kind", WITHOUT_END)
def test_answers_without_end_in_a_row_end_the_run(checkout: Checkout, kind: str) -> None:
    """After three of them the run ends with 3, and the line names the target and the last call."""
    checkout.suite("""
@pytest.mark.parametrize("number", range(6))
@proves("alpha.first")
def test_list(cloudmap, number):
    '''It is so.'''
    cloudmap.list_services()
""")
    with serve(kind, "ListServices") as target:
        report = checkout.run(target.url)
    assert exit_code(report) == 3
    assert "answered none of the last 3 calls; the last of them, servicediscovery:ListServices: " in report.failure
    assert target.asked.count("ListServices") == 3


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.soak) for kind in ("wrong types", "XML", "nested 100,000")] + ["null"]
)
def test_answers_of_no_api_in_a_row_end_the_run(checkout: Checkout, kind: str) -> None:
    """After fifty of them the run ends with 3, and the line says what stood there instead."""
    checkout.suite(UNREADABLE)
    with serve(kind, "ListServices") as target:
        report = checkout.run(target.url)
    assert exit_code(report) == 3
    assert (
        "answered none of the last 50 calls as an API of AWS does; the last of them: servicediscovery:ListServices"
        in (report.failure)
    )
    assert target.asked.count("ListServices") == 50


@pytest.mark.soak
def test_an_answer_of_the_api_between_keeps_the_run(checkout: Checkout) -> None:
    """One operation that answers so, beside one that does not, is a verdict of each test that calls it."""
    checkout.suite(UNREADABLE.replace("# between", "cloudmap.list_namespaces()"))
    with serve("null", "ListServices") as target:
        report = checkout.run(target.url)
    assert exit_code(report) == 1
    assert report.failure == ""
    assert target.asked.count("ListServices") == 60


@pytest.mark.soak
@pytest.mark.parametrize(
    "kind",
    ["null", "a list", "no UTF-8", "nested 100,000", "a web page", "status 500", "status 302", "millions of values",
     *(kind for kind in KINDS if kind not in ANSWERS and kind != PROPER)],
)  # fmt: skip
def test_a_target_that_never_answers_as_an_api_is_refused(kind: str) -> None:
    """Nothing is judged where the first call has no answer of an API; the line says what there was instead."""
    with serve(kind, sane=0) as target, pytest.raises(TargetUnavailable) as refusal:
        check_reachable(load_target(target.url, find_layout().targets))
    text = str(refusal.value)
    assert f"is not an AWS API that has Cloud Map: servicediscovery:{SANE}" in text
    assert "\n" not in text
    assert not [word for word in INTERPRETER if word in text]
