"""The tested service, its settings, and the share of failed calls stand beside the verdict of an experiment."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from surveyor.claims import Claims
from surveyor.report import allure, markdown
from surveyor.report.experiments import WHOLE, ExperimentReport
from surveyor.report.impact import (
    FailedCalls,
    experiments_failed_first,
    failed_calls,
    service_under_test,
    settings_of,
    worst_failed_calls,
)
from surveyor.report.page import render
from surveyor.verdicts import Verdict
from tests.report.test_client_tables import row, scenario
from tests.report.test_experiments import measured_experiment, report

SETTINGS = {"service": "shop/web", "tasks": "3", "stopTimeout": "30 s (default)", "container check": "none"}


def of_service(settings: dict[str, str], verdict: Verdict = Verdict.PASS, name: str = "deploy") -> ExperimentReport:
    """Return an experiment on a service with these settings."""
    found = measured_experiment(name)
    assert found.judged is not None
    return replace(found, verdict=verdict, judged=replace(found.judged, service=settings, verdict=verdict))


def heading(page: str) -> str:
    """Return the text of the page's headline."""
    return re.sub("<[^>]+>", "", page.partition("<h1>")[2].partition("</h1>")[0])


def test_the_tested_service_and_its_settings_are_on_the_page(claims: Claims) -> None:
    """The headline names the service of a --service run, and its real settings are listed."""
    page = render([report(of_service(SETTINGS))], claims)
    assert heading(page) == "1 of 1 experiment passed on shop/web; 16.9 % of calls failed"
    for name, value in SETTINGS.items():
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
    assert "service shop/web" in page.partition("<main>")[0]


def test_summary_and_allure_name_the_service(claims: Claims) -> None:
    """The other outputs have the service and the share of failed calls as well."""
    found = report(of_service(SETTINGS))
    assert "**1 of 1** experiments passed on `shop/web`; 16.9 % of calls failed." in markdown.render(found, claims)
    (result,) = [json.loads(file.text) for file in allure.render(found, claims) if file.name.endswith("-result.json")]
    assert {"name": "service", "value": "shop/web"} in result["parameters"]
    assert result["description"].startswith("16.9 % of calls failed")
    assert "stopTimeout: 30 s (default)" in result["description"]


def test_a_created_service_is_named_so(claims: Claims) -> None:
    """Without --service the page says that the service was created for the experiment."""
    page = render([report(of_service({"tasks": "5"}))], claims)
    assert "on embedded 0.1.0;" in heading(page)
    assert "<dt>service</dt><dd>created for the experiment</dd>" in page


def test_several_experiments_have_an_overview(claims: Claims) -> None:
    """Failed experiments come first, and the headline has the highest share of failed calls."""
    several = (of_service(SETTINGS, name="good"), of_service(SETTINGS, Verdict.FAIL, "bad"))
    page = render([report(*several)], claims)
    assert heading(page) == "1 of 2 experiments passed on shop/web; up to 16.9 % of calls failed"
    assert page.index('href="#experiment-bad"') < page.index('href="#experiment-good"')
    assert page.index('id="experiment-bad"') < page.index('id="experiment-good"')


def test_services_that_differ_have_no_common_name() -> None:
    """Only a service that all experiments tested is the one of the report."""
    both = [of_service(SETTINGS), of_service({**SETTINGS, "service": "shop/api"})]
    assert service_under_test(both[:1]) == "shop/web"
    assert service_under_test(both) == ""
    assert service_under_test([]) == ""


def test_an_experiment_without_a_judgement_has_no_settings() -> None:
    """A broken experiment is reported without figures."""
    broken = replace(of_service(SETTINGS), judged=None, chart=None)
    assert settings_of(broken) == {}
    assert failed_calls(broken) is None
    assert worst_failed_calls([broken]) is None


@pytest.mark.parametrize(
    ("percent", "text"),
    [(0.0, "no call failed"), (0.02, "under 0.1 % of calls failed"), (13.24, "13.2 % of calls failed")],
)
def test_a_share_is_a_sentence(percent: float, text: str) -> None:
    """A small share is not rounded to none."""
    assert FailedCalls(percent).text == text


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=5))
def test_the_share_of_a_scenario_is_over_all_clients(shares: list[float]) -> None:
    """It lies between the best and the worst client, and only whole scenarios count."""
    clients = [row(f"client-{number}", WHOLE, share) for number, share in enumerate(shares)]
    noise = [row(client.client, "killed", 100.0) for client in clients]
    found = failed_calls(replace(scenario("lose-one", "dns"), clients=(*clients, *noise)))
    assert found is not None
    assert min(shares) - 1e-9 <= found.percent <= max(shares) + 1e-9
    assert found.detail == "" or f"{max(shares):.1f} %" in found.detail


@settings(deadline=None)
@given(st.lists(st.sampled_from(Verdict), max_size=8))
def test_failed_experiments_come_first(verdicts: list[Verdict]) -> None:
    """The order is by verdict, and stable within each."""
    experiments = [of_service(SETTINGS, verdict, f"e{number}") for number, verdict in enumerate(verdicts)]
    ordered = experiments_failed_first(experiments)
    assert sorted(map(id, ordered)) == sorted(map(id, experiments))
    failed = [found.verdict is Verdict.FAIL for found in ordered]
    assert failed == sorted(failed, reverse=True)
    assert [found.name for found in ordered if found.verdict is Verdict.PASS] == [
        found.name for found in experiments if found.verdict is Verdict.PASS
    ]
