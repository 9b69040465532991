"""Plain pytest with Allure's plugin writes results that say which claim each test is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.pytest_plugin.test_collection import plain_pytest

pytestmark = pytest.mark.soak  # it starts pytest

if TYPE_CHECKING:
    from tests.conftest import Checkout

pytest.importorskip("allure_pytest")

SUITE = """
    from surveyor.errors import WrongAnswer

    @proves("alpha.first")
    def test_good(cloudmap):
        '''It is so.'''
        assert cloudmap.list_namespaces()

    @proves("alpha.second")
    @pytest.mark.parametrize("number", [1, 2])
    def test_bad(cloudmap, number):
        '''It is so.'''
        cloudmap.list_namespaces()
        raise WrongAnswer(f"expected 3, got {number}", actual="too few")

    @proves("alpha.named")
    def test_named(cloudmap):
        '''It is so.'''
        assert False

    @proves("alpha.first", "alpha.second")
    def test_unclear(cloudmap):
        '''It is so.'''
        raise Inconclusive("no traffic")

    @proves("alpha.first")
    def test_broken(no_such_fixture):
        '''It is so.'''
"""


def results_of(checkout: Checkout, *arguments: str) -> dict[str, dict[str, Any]]:
    """Run the suite, and return Allure's results by the names of the tests."""
    checkout.suite(SUITE)
    folder = checkout.layout.root / "allure-results"
    done = plain_pytest(checkout, "suites", "--alluredir", str(folder), *arguments)
    assert "2 failed, 1 passed, 2 skipped, 1 error" in done.stdout, done.stdout + done.stderr
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return {result["name"]: result for result in results}


def labels_of(result: dict[str, Any], name: str) -> list[str]:
    """Return the values of a label."""
    return [label["value"] for label in result["labels"] if label["name"] == name]


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["0", "2"])
def test_results_have_area_claim_level_document_and_evidence(checkout: Checkout, workers: str) -> None:
    """Feature, story, severity, link, description and attachment come from the claim and from the run."""
    results = results_of(checkout, "-n", workers)
    assert len(results) == 6
    good = results["test_good"]
    assert labels_of(good, "feature") == ["Alpha"]
    assert labels_of(good, "story") == ["alpha.first"]
    assert labels_of(good, "severity") == ["critical"]
    assert [link["url"] for link in good["links"]] == [
        "https://docs.aws.amazon.com/cloud-map/latest/api/API_Namespace.html#cloudmap-Type-Namespace-Type"
    ]
    assert "Documented (must): servicediscovery/Namespace.Type" in good["description"]
    folder = checkout.layout.root / "allure-results"
    (attachment,) = [found for found in good["attachments"] if found["name"] == "evidence"]
    evidence = json.loads((folder / attachment["source"]).read_text())
    assert [entry["operation"] for entry in evidence] == ["ListNamespaces"]
    assert "target=fake" in (folder / "environment.properties").read_text()
    assert labels_of(results["test_unclear"], "story") == ["alpha.first", "alpha.second"]


def test_the_status_is_the_verdict(checkout: Checkout) -> None:
    """A wrong answer failed, a harness error is broken, an unsupported feature is skipped, and the rest unknown."""
    results = results_of(checkout)
    assert {name: result["status"] for name, result in results.items()} == {
        "test_good": "passed",
        "test_bad[1]": "failed",
        "test_bad[2]": "failed",
        "test_named": "skipped",
        "test_unclear": "unknown",
        "test_broken": "broken",
    }
    assert results["test_bad[2]"]["statusDetails"]["message"].endswith("expected 3, got 2")
    assert results["test_named"]["statusDetails"]["message"] == "fake lacks dns"
    assert labels_of(results["test_unclear"], "tag")[-1] == "inconclusive"


@pytest.mark.soak
def test_targets_have_separate_histories(checkout: Checkout) -> None:
    """The same test on two targets is one test case with two histories."""
    first = results_of(checkout)["test_good"]
    checkout.target(name="other")
    folder = checkout.layout.root / "others"
    plain_pytest(checkout, "suites", "--target", "other", "--alluredir", str(folder), "-k", "test_good")
    (second,) = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    assert first["testCaseId"] == second["testCaseId"]
    assert first["historyId"] != second["historyId"]


@pytest.mark.soak
def test_without_alluredir_nothing_is_written(checkout: Checkout) -> None:
    """Allure's plugin alone changes nothing."""
    checkout.suite(SUITE)
    done = plain_pytest(checkout, "suites", "-k", "test_good")
    assert "1 passed" in done.stdout
    assert not list(checkout.layout.root.glob("**/*-result.json"))
