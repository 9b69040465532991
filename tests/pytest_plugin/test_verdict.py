"""What a test of a suite ends with, by what the target did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from surveyor.conformance.run import exit_code
from surveyor.report import ClaimReport, ConformanceReport, TestReport
from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from tests.conftest import House


def one(report: ConformanceReport, claim: str = "alpha.first") -> ClaimReport:
    """The report's entry for a claim."""
    return next(entry for entry in report.claims if entry.id == claim)


CASES = {
    "page": (Verdict.FAIL, "a web page with HTTP 500"),
    "missing": (Verdict.FAIL, "not offered: servicediscovery:CreateHttpNamespace"),
    "hidden": (Verdict.FAIL, "not offered: servicediscovery:CreateHttpNamespace"),
    "busy": (Verdict.INCONCLUSIVE, "throttled: ThrottlingException"),
    "taken": (Verdict.FAIL, "ClientError NamespaceAlreadyExists"),
    "rude": (Verdict.FAIL, "connection closed"),
    "odd": (Verdict.FAIL, "KeyError 'OperationId'"),
}


SOURCES = {
    "pass": ("assert cloudmap.list_namespaces() is not None", Verdict.PASS, ""),
    "false": ("assert unique_name('a') == 'b'", Verdict.FAIL, "assert unique_name('a') == 'b': AssertionError"),
    "gave up": (
        "raise Inconclusive('no traffic')",
        Verdict.INCONCLUSIVE,
        "raise Inconclusive('no traffic'): inconclusive",
    ),
    "skipped": ("pytest.skip('not today')", Verdict.INCONCLUSIVE, "pytest.skip('not today'): inconclusive"),
    "unsendable": (
        "cloudmap.list_namespaces(Nmae='a')",
        Verdict.ERROR,
        "cloudmap.list_namespaces(Nmae='a'): KeyError",
    ),
    "typo": ("assert undefined_name", Verdict.ERROR, "assert undefined_name: NameError"),
    "no error": (
        "with raises('InvalidInput'):\n        cloudmap.list_namespaces()",
        Verdict.FAIL,
        "with raises('InvalidInput'): no error",
    ),
    "other error": (
        "with raises('InvalidInput'):\n        cloudmap.create_http_namespace(Name='taken')",
        Verdict.FAIL,
        "with raises('InvalidInput'): ClientError NamespaceAlreadyExists",
    ),
    "not offered": (
        "with raises('InvalidAction'):\n        cloudmap.create_http_namespace(Name='missing')",
        Verdict.FAIL,
        "cloudmap.create_http_namespace(Name='missing'): not offered: servicediscovery:CreateHttpNamespace",
    ),
    "wrong in a condition": (
        "clock.eventually(lambda: cloudmap.list_namespaces()['Oh'], within=1)",
        Verdict.FAIL,
        "clock.eventually(lambda: cloudmap.list_namespaces()['Oh'], within=1): KeyError 'Oh'",
    ),
    "pages in a circle": (
        "raise PaginationError(message='the token again')",
        Verdict.FAIL,
        "raise PaginationError(message='the token again'): PaginationError",
    ),
    "never": (
        "clock.eventually(lambda: False, within=0.1)",
        Verdict.FAIL,
        "clock.eventually(lambda: False, within=0.1): not within 0.1 s",
    ),
    "not always": (
        "clock.always(lambda: False, during=0.1)",
        Verdict.FAIL,
        "clock.always(lambda: False, during=0.1): not for 0.1 s",
    ),
}


@pytest.fixture(scope="module")
def judged(shared_house: House) -> dict[str, TestReport]:
    """The tests of one run by name: one for each case and each source."""
    imports = "from botocore.exceptions import PaginationError\n\n"
    head = "@proves('alpha.first')\ndef test_{}(cloudmap, unique_name, clock):\n    '''It is so.'''\n    {}\n"
    bodies = {what: f'assert cloudmap.create_http_namespace(Name="{what}")["OperationId"]' for what in CASES}
    bodies |= {what: source for what, (source, _, _) in SOURCES.items()}
    shared_house.suite(
        imports + "\n\n".join(head.format(what.replace(" ", "_"), body) for what, body in bodies.items())
    )
    return {test.id.rpartition("::")[2]: test for test in one(shared_house.run()).tests}


@pytest.mark.parametrize("what", CASES)
def test_answer_decides_the_verdict(judged: dict[str, TestReport], what: str) -> None:
    """What the target does wrong is the target's; the symptom names the statement and what came, and nothing else."""
    verdict, actual = CASES[what]
    statement = f'assert cloudmap.create_http_namespace(Name="{what}")["OperationId"]'
    test = judged[f"test_{what}"]
    assert (test.verdict, test.symptom) == (verdict, f"test_{what}: {statement}: {actual}")
    assert test.detail
    assert [entry.get("operation") for entry in test.evidence] == ["CreateHttpNamespace"]


@pytest.mark.parametrize("what", SOURCES)
def test_ending_decides_the_verdict(judged: dict[str, TestReport], what: str) -> None:
    """What a suite's own line does decides too: its assertion is a fail, its bug an error, giving up inconclusive."""
    _, verdict, symptom = SOURCES[what]
    name = f"test_{what.replace(' ', '_')}"
    assert (judged[name].verdict, judged[name].symptom) == (verdict, f"{name}: {symptom}" if symptom else "")


def test_symptom_is_the_same_in_every_run(house: House) -> None:
    """Two runs with other ports, ids and times have the same symptoms."""
    house.suite(
        """
        @proves("alpha.first")
        def test_it(cloudmap, unique_name):
            '''It is so.'''
            name = unique_name("web")
            assert cloudmap.meta.endpoint_url == name
        """
    )
    first, second = one(house.run()), one(house.run())
    assert first.symptom == second.symptom != ""
    assert "assert cloudmap.meta.endpoint_url == name" in first.symptom


def test_missing_fixture_is_our_error(house: House) -> None:
    """A suite that asks for a fixture which is not there has said nothing about the target."""
    house.suite("@proves('alpha.first')\ndef test_it(cloudmpa):\n    '''It is so.'''\n    assert cloudmpa\n")
    claim = one(house.run())
    assert (claim.verdict, claim.detail) == (Verdict.ERROR, "set-up: there is no fixture 'cloudmpa'")


def test_failure_in_set_up_is_the_targets_too(house: House) -> None:
    """A fixture that meets a wrong answer fails the test, and the symptom says that it was the set-up."""
    house.suite(
        "@proves('alpha.first')\ndef test_it(http_namespace):\n    '''It is so.'''\n    assert http_namespace\n"
    )
    claim = one(house.run())
    assert claim.verdict is Verdict.FAIL
    assert claim.symptom == "set-up: test_it: http_namespace: GetNamespace without Namespace"


def test_declared_lack_of_an_operation_is_unsupported(house: House) -> None:
    """An operation that the target says it lacks makes its claims unsupported, as expected."""
    house.target('lacks = ["servicediscovery:CreateHttpNamespace"]')
    house.suite(
        """
        @proves("alpha.first")
        def test_it(cloudmap):
            '''It is so.'''
            assert cloudmap.create_http_namespace(Name="missing")
        """
    )
    report = house.run()
    assert one(report).verdict is Verdict.UNSUPPORTED
    assert one(report).detail == "not offered: servicediscovery:CreateHttpNamespace (InvalidAction)"
    assert exit_code(report) == 0


def test_lacking_feature_is_unsupported(house: House) -> None:
    """A claim that needs a feature which the target does not declare is not tried."""
    house.suite("@proves('alpha.named')\ndef test_it(cloudmap):\n    '''It is so.'''\n    assert False\n")
    report = house.run()
    assert one(report, "alpha.named").verdict is Verdict.UNSUPPORTED
    assert one(report, "alpha.named").detail == "fake lacks dns"
    assert exit_code(report) == 0


def test_declared_feature_that_is_absent_is_a_failure(house: House) -> None:
    """A feature that is declared is looked for, and what needs it fails when it is not there."""
    house.target('dns = "none"')
    path = house.layout.targets / "fake.toml"
    path.write_text(path.read_text().replace("features = []", 'features = ["dns"]'))
    house.suite("@proves('alpha.named')\ndef test_it(cloudmap):\n    '''It is so.'''\n    assert cloudmap\n")
    report = house.run()
    assert one(report, "alpha.named").verdict is Verdict.FAIL
    assert report.target.absent == {"dns": "its target file names no DNS server"}
    assert exit_code(report) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_target_that_dies_is_an_error_for_all_that_follows(house: House, workers: int) -> None:
    """The test in which it dies and those after it are errors that say so at once; those before keep their verdict."""
    house.suite(
        """
        @proves("alpha.second")
        def test_before(cloudmap):
            '''It is so.'''
            assert cloudmap.list_namespaces()

        @proves("alpha.first")
        def test_dies(cloudmap):
            '''It is so.'''
            cloudmap.create_http_namespace(Name="dead")

        @proves("alpha.first")
        @pytest.mark.parametrize("number", range(6))
        def test_after(cloudmap, number):
            '''It is so.'''
            assert cloudmap.list_namespaces()
        """
    )
    report = house.run(workers=workers)
    claim = one(report)
    assert claim.verdict is Verdict.ERROR
    assert "fake was killed by SIGKILL; it said: out of memory" in claim.detail
    assert one(report, "alpha.second").verdict is Verdict.PASS
    assert exit_code(report) == 3
    assert "SIGKILL" in report.failure


def test_target_that_does_not_start_is_one_line(house: House) -> None:
    """Nothing is judged, nothing hangs, and the failure holds the target's last words."""
    path = house.layout.targets / "fake.toml"
    path.write_text(path.read_text() + '\n[start.env]\nFAKE_REFUSES = "1"\n')
    house.suite("@proves('alpha.first')\ndef test_it(cloudmap):\n    '''It is so.'''\n    assert cloudmap\n")
    report = house.run()
    assert exit_code(report) == 3
    expected = "fake ended with status 1; it said: the fake target will not start before it was ready"
    assert report.failure == expected


def test_worst_of_several_tests_counts(house: House) -> None:
    """A claim that one test proves and another refutes has failed, with the symptom of the one that failed."""
    house.suite(
        """
        @proves("alpha.first", "alpha.second")
        def test_good(cloudmap):
            '''It is so.'''
            assert True

        @proves("alpha.first")
        def test_bad(cloudmap):
            '''It is so.'''
            assert cloudmap is None
        """
    )
    report = house.run()
    assert one(report).verdict is Verdict.FAIL
    assert one(report).symptom == "test_bad: assert cloudmap is None: AssertionError"
    assert one(report, "alpha.second").verdict is Verdict.PASS
