"""What a test of a suite ends with, by what the target did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from surveyor.conformance.run import exit_code
from surveyor.report.model import ClaimReport, ConformanceReport, TestReport
from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from tests.conftest import Checkout


def one(report: ConformanceReport, claim: str = "alpha.first") -> ClaimReport:
    """The report's entry for a claim."""
    return next(entry for entry in report.claims if entry.id == claim)


CASES = {
    "page": (Verdict.FAIL, "CreateHttpNamespace: a web page with HTTP 500"),
    "missing": (Verdict.FAIL, "not offered: servicediscovery:CreateHttpNamespace"),
    "hidden": (Verdict.FAIL, "not offered: servicediscovery:CreateHttpNamespace"),
    "busy": (Verdict.INCONCLUSIVE, "throttled: ThrottlingException"),
    "taken": (Verdict.FAIL, "CreateHttpNamespace: refused a valid request with NamespaceAlreadyExists"),
    "rude": (Verdict.FAIL, "connection closed"),
    "odd": (Verdict.FAIL, "CreateHttpNamespace: OperationId is missing"),
}


SOURCES = {
    "pass": ("assert cloudmap.list_namespaces() is not None", Verdict.PASS, ""),
    "false": ("assert unique_name('a') == 'b'", Verdict.FAIL, "the answer has another value"),
    "gave up": ("raise Inconclusive('no traffic')", Verdict.INCONCLUSIVE, "inconclusive"),
    "skipped": ("pytest.skip('not today')", Verdict.INCONCLUSIVE, "inconclusive"),
    "unsendable": ("cloudmap.list_namespaces(Nmae='a')", Verdict.ERROR, "KeyError"),
    "typo": ("assert undefined_name", Verdict.ERROR, "NameError"),
    "no error": (
        "with raises('InvalidInput'):\n        cloudmap.list_namespaces()",
        Verdict.FAIL,
        "ListNamespaces: accepted an invalid request, expected InvalidInput",
    ),
    "other error": (
        "with raises('InvalidInput'):\n        cloudmap.create_http_namespace(Name='taken')",
        Verdict.FAIL,
        "CreateHttpNamespace: refused with NamespaceAlreadyExists, expected InvalidInput",
    ),
    "not offered": (
        "with raises('InvalidAction'):\n        cloudmap.create_http_namespace(Name='missing')",
        Verdict.FAIL,
        "not offered: servicediscovery:CreateHttpNamespace",
    ),
    "wrong in a condition": (
        "clock.eventually(lambda: cloudmap.create_http_namespace(Name='odd')['OperationId'], within=1)",
        Verdict.FAIL,
        "CreateHttpNamespace: OperationId is missing",
    ),
    "unknown member": (
        "assert cloudmap.list_namespaces()['Oh']",
        Verdict.ERROR,
        "unknown member",
    ),
    "pages in a circle": (
        "raise PaginationError(message='the token again')",
        Verdict.FAIL,
        "a page leads back to itself",
    ),
    "never": ("clock.eventually(lambda: False, within=0.1)", Verdict.FAIL, "not as documented within 0.1 s"),
    "not always": ("clock.always(lambda: False, during=0.1)", Verdict.FAIL, "not as documented for 0.1 s"),
}


@pytest.fixture(scope="module")
def judged(shared_checkout: Checkout) -> dict[str, TestReport]:
    """The tests of one run by name: one for each case and each source."""
    imports = "from botocore.exceptions import PaginationError\n\n"
    head = "@proves('alpha.first')\ndef test_{}(cloudmap, unique_name, clock):\n    '''It is true.'''\n    {}\n"
    bodies = {what: f'assert cloudmap.create_http_namespace(Name="{what}")["OperationId"]' for what in CASES}
    bodies |= {what: source for what, (source, _, _) in SOURCES.items()}
    shared_checkout.suite(
        imports + "\n\n".join(head.format(what.replace(" ", "_"), body) for what, body in bodies.items())
    )
    return {test.id.rpartition("::")[2]: test for test in one(shared_checkout.run()).tests}


@pytest.mark.parametrize("what", CASES)
def test_answer_decides_the_verdict(judged: dict[str, TestReport], what: str) -> None:
    """A wrong answer is a fail; the symptom is the name of the test and a label of the answer, and nothing else."""
    verdict, label = CASES[what]
    test = judged[f"test_{what}"]
    assert (test.verdict, test.symptom) == (verdict, f"test_{what}: {label}")
    assert test.detail
    assert [entry.get("operation") for entry in test.evidence] == ["CreateHttpNamespace"]


@pytest.mark.parametrize("what", SOURCES)
def test_ending_decides_the_verdict(judged: dict[str, TestReport], what: str) -> None:
    """A failed assertion of a suite is a fail, a defect of the suite an error, giving up inconclusive."""
    _, verdict, label = SOURCES[what]
    name = f"test_{what.replace(' ', '_')}"
    assert (judged[name].verdict, judged[name].symptom) == (verdict, f"{name}: {label}" if label else "")


@pytest.mark.soak
def test_symptom_is_the_same_in_every_run(checkout: Checkout) -> None:
    """Two runs with different ports, ids and times have the same symptoms."""
    checkout.suite(
        """
        @proves("alpha.first")
        def test_it(cloudmap, unique_name):
            '''It is true.'''
            name = unique_name("web")
            assert cloudmap.meta.endpoint_url == name
        """
    )
    first, second = one(checkout.run()), one(checkout.run())
    assert first.symptom == second.symptom != ""
    assert first.symptom == "test_it: the answer has another value"


@pytest.mark.soak
def test_symptom_does_not_depend_on_the_source_of_the_suite(checkout: Checkout) -> None:
    """Renaming a variable or a parameter in a suite changes no symptom, so no data file."""
    source = """
        @proves("alpha.first")
        @pytest.mark.parametrize("expected", [{"a": 1}, ["b"], 3], ids=None)
        def test_it(cloudmap, unique_name, expected):
            '''It is true.'''
            name = unique_name("web")
            assert name == expected
        """
    symptoms = []
    for text in (
        source,
        source.replace("expected", "wanted").replace("name =", "other =").replace("name ==", "other =="),
    ):
        checkout.suite(text)
        symptoms.append([test.symptom for test in one(checkout.run()).tests])
    expected = [f"test_it[{case}]: the answer has another value" for case in ("3", "a-1", "b")]
    assert symptoms == [expected, expected]


def test_missing_fixture_is_our_error(checkout: Checkout) -> None:
    """A suite that asks for a missing fixture is an error of the suite, not a failure of the target."""
    checkout.suite("@proves('alpha.first')\ndef test_it(cloudmpa):\n    '''It is true.'''\n    assert cloudmpa\n")
    claim = one(checkout.run())
    assert (claim.verdict, claim.detail) == (Verdict.ERROR, "set-up: there is no fixture 'cloudmpa'")


def test_failure_in_set_up_is_the_targets_too(checkout: Checkout) -> None:
    """A wrong answer in a fixture fails the test, and the symptom names the set-up."""
    checkout.suite(
        "@proves('alpha.first')\ndef test_it(http_namespace):\n    '''It is true.'''\n    assert http_namespace\n"
    )
    claim = one(checkout.run())
    assert claim.verdict is Verdict.FAIL
    assert claim.symptom == "set-up: test_it: GetNamespace: Namespace is missing"


def test_declared_lack_of_an_operation_is_unsupported(checkout: Checkout) -> None:
    """An operation that the target says it lacks makes its claims unsupported, as expected."""
    checkout.target('lacks = ["servicediscovery:CreateHttpNamespace"]')
    checkout.suite(
        """
        @proves("alpha.first")
        def test_it(cloudmap):
            '''It is true.'''
            assert cloudmap.create_http_namespace(Name="missing")
        """
    )
    report = checkout.run()
    assert one(report).verdict is Verdict.UNSUPPORTED
    assert one(report).detail == "not offered: servicediscovery:CreateHttpNamespace (InvalidAction)"
    assert exit_code(report) == 5


def test_lacking_feature_is_unsupported(checkout: Checkout) -> None:
    """A claim that needs a feature which the target does not declare is not tried."""
    checkout.suite("@proves('alpha.named')\ndef test_it(cloudmap):\n    '''It is true.'''\n    assert False\n")
    report = checkout.run()
    assert one(report, "alpha.named").verdict is Verdict.UNSUPPORTED
    assert one(report, "alpha.named").detail == "fake lacks dns"
    assert exit_code(report) == 5


def test_declared_feature_that_is_absent_is_a_failure(checkout: Checkout) -> None:
    """A feature that is declared is looked for, and what needs it fails when it is not there."""
    checkout.target('dns = "none"')
    path = checkout.layout.targets / "fake.toml"
    path.write_text(path.read_text().replace("features = []", 'features = ["dns"]'))
    checkout.suite("@proves('alpha.named')\ndef test_it(cloudmap):\n    '''It is true.'''\n    assert cloudmap\n")
    report = checkout.run()
    assert one(report, "alpha.named").verdict is Verdict.FAIL
    assert report.target.absent == {"dns": "its target file names no DNS server"}
    assert exit_code(report) == 1


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_target_that_dies_is_an_error_for_all_that_follows(checkout: Checkout, workers: int) -> None:
    """The test in which it dies and those after it are errors that say so at once; those before keep their verdict."""
    checkout.suite(
        """
        @proves("alpha.second")
        def test_before(cloudmap):
            '''It is true.'''
            assert cloudmap.list_namespaces()

        @proves("alpha.first")
        def test_dies(cloudmap):
            '''It is true.'''
            cloudmap.create_http_namespace(Name="dead")

        @proves("alpha.first")
        @pytest.mark.parametrize("number", range(6))
        def test_after(cloudmap, number):
            '''It is true.'''
            assert cloudmap.list_namespaces()
        """
    )
    report = checkout.run(workers=workers)
    claim = one(report)
    assert claim.verdict is Verdict.ERROR
    assert "fake was killed by SIGKILL; its last line: out of memory" in claim.detail
    assert one(report, "alpha.second").verdict is Verdict.PASS
    assert exit_code(report) == 3
    assert "SIGKILL" in report.failure


def test_target_that_does_not_start_is_one_line(checkout: Checkout) -> None:
    """Nothing is judged, nothing hangs, and the failure holds the target's last words."""
    path = checkout.layout.targets / "fake.toml"
    path.write_text(path.read_text() + '\n[start.env]\nFAKE_REFUSES = "1"\n')
    checkout.suite("@proves('alpha.first')\ndef test_it(cloudmap):\n    '''It is true.'''\n    assert cloudmap\n")
    report = checkout.run()
    assert exit_code(report) == 3
    expected = "fake ended with status 1; its last line: the fake target will not start before it was ready"
    assert report.failure == expected


def test_worst_of_several_tests_counts(checkout: Checkout) -> None:
    """A claim that one test proves and another refutes has failed, with the symptom of the one that failed."""
    checkout.suite(
        """
        @proves("alpha.first", "alpha.second")
        def test_good(cloudmap):
            '''It is true.'''
            assert True

        @proves("alpha.first")
        def test_bad(cloudmap):
            '''It is true.'''
            assert cloudmap is None
        """
    )
    report = checkout.run()
    assert one(report).verdict is Verdict.FAIL
    assert one(report).symptom == "test_bad: the answer must be absent"
    assert one(report, "alpha.second").verdict is Verdict.PASS
