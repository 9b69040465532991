"""The environment does not redirect a run, and tests do not share accounts or names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from surveyor.conformance.run import exit_code
from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from tests.conftest import Checkout

NOWHERE = "http://127.0.0.1:9"  # the discard port, at which nothing listens


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_environment_has_no_effect(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Proxies, endpoints, profiles and pytest settings of the user's shell change nothing."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICEDISCOVERY", NOWHERE)
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "mars-north-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    checkout.suite(
        """
        @proves("alpha.first")
        def test_it(cloudmap):
            '''It is true.'''
            assert cloudmap.list_namespaces()
            assert cloudmap.meta.region_name == "us-east-1"
        """
    )
    report = checkout.run(workers=workers)
    assert report.claims[0].verdict is Verdict.PASS, report.claims[0].detail
    assert exit_code(report) == 0


@pytest.mark.soak
def test_each_test_has_a_separate_account(checkout: Checkout) -> None:
    """Accounts and names differ between tests and calls, and are the same for the same seed."""
    checkout.suite(
        """
        SEEN = {}

        @proves("alpha.first")
        @pytest.mark.parametrize("number", range(4))
        def test_it(account, unique_name, number):
            '''It is true.'''
            assert len(account) == 12 and account.isdecimal()
            names = [unique_name("web"), unique_name("web"), account]
            assert len(set(names)) == 3
            assert not set(names) & set(SEEN)
            SEEN.update(dict.fromkeys(names))
            raise Inconclusive(" ".join(names))
        """
    )
    first, second = checkout.run(), checkout.run()
    assert first.claims[0].verdict is Verdict.INCONCLUSIVE
    assert first.claims[0].detail == second.claims[0].detail
    assert len(first.claims[0].detail.split("; ")) == 4


def test_calls_are_not_validated_retried_or_redirected(checkout: Checkout) -> None:
    """Requests are sent as the test wrote them, once, to the endpoint itself."""
    checkout.suite(
        """
        @proves("alpha.first")
        def test_it(cloudmap):
            '''It is true.'''
            assert cloudmap.discover_instances() is not None
            with raises("ThrottlingException"):
                cloudmap.create_http_namespace(Name="busy", Tags=[{"Key": "a" * 1000, "Value": ""}])
        """
    )
    claim = checkout.run().claims[0]
    assert claim.verdict is Verdict.PASS, claim.detail
    calls = [entry.get("operation") for entry in claim.tests[0].evidence]
    assert calls == ["DiscoverInstances", "CreateHttpNamespace"]


def test_raw_requests_are_sent_unchanged(checkout: Checkout) -> None:
    """`post_to_cloudmap` signs the request for the test's account, returns the response, and keeps both as evidence."""
    checkout.suite(
        """
        @proves("alpha.first")
        def test_it(post_to_cloudmap):
            '''It is true.'''
            answer = post_to_cloudmap("/", {"X-Amz-Target": "Route53AutoNaming_v20170314.ListNamespaces"}, b"{}")
            assert (answer.status, answer.body) == (200, b"{}")
        """
    )
    claim = checkout.run().claims[0]
    assert claim.verdict is Verdict.PASS, claim.detail
    [entry] = claim.tests[0].evidence
    assert entry["operation"] == "POST /"
    assert entry["params"] == {
        "headers": {"X-Amz-Target": "Route53AutoNaming_v20170314.ListNamespaces"},
        "body": "{}",
    }
