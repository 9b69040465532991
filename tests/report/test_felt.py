"""What clients felt, side by side: the tables of a report, joined reports, and what of it the page shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.claims import Claims
from surveyor.report import markdown
from surveyor.report.client_tables import architectures_of, felt_by_phases, felt_by_scenarios
from surveyor.report.experiments import WHOLE, ClientRow, ExperimentReport
from surveyor.report.file import load_report, save_report
from surveyor.report.merge import joined
from surveyor.report.page import render
from tests.report.test_experiments import experiment, report, world_with_a_resurrection

CLIENTS = ("dns", "api-healthy", "balancer", "service-connect", "dns-pinned")


def row(client: str, phase: str, failed: float, p50: float = 2.0) -> ClientRow:
    """What a client got, with this share of failures."""
    return ClientRow(client, phase, 400, (failed, failed / 2, failed * 2), (failed / 4,) * 3, p50, 9.5, 3.0, 42.0)


def scenario(name: str, *clients: str, calm: str = "before") -> ExperimentReport:
    """One of two phases; each client fails one percent more than the one before it."""
    rows = [
        row(client, phase, share * number, 1.0 + number)
        for number, client in enumerate(clients)
        for phase, share in ((calm, 0.0), ("killed", 2.0), (WHOLE, 1.0))
    ]
    return replace(experiment(world_with_a_resurrection(), name), clients=tuple(rows), sentences=("dns: no errors",))


def test_phases_are_columns_in_their_order() -> None:
    """And each client has a row."""
    felt = felt_by_phases(scenario("lose-one", "dns", "dns-pinned"))
    assert felt.columns == ("before", "killed", WHOLE)
    assert [(client, [cell.failed[0] for cell in cells if cell]) for client, cells in felt.rows] == [
        ("dns", [0.0, 0.0, 0.0]),
        ("dns-pinned", [0.0, 2.0, 1.0]),
    ]


def test_who_did_not_call_in_a_scenario_has_no_cell() -> None:
    """Experiments without clients have no column."""
    felt = felt_by_scenarios(
        [scenario("a", "dns", "dns-pinned"), experiment(world_with_a_resurrection()), scenario("b", "dns-pinned")]
    )
    assert felt.columns == ("a", "b")
    assert [(client, [cell is not None for cell in cells]) for client, cells in felt.rows] == [
        ("dns", [True, False]),
        ("dns-pinned", [True, True]),
    ]
    assert felt_by_scenarios([]).columns == ()


def test_architectures_are_measured_where_all_were_called() -> None:
    """Latency is of a scenario that has a calm phase; what was felt of all that have them all."""
    found = architectures_of(
        [scenario("few", "dns"), scenario("ttl", *CLIENTS, calm="TTL 0"), scenario("all", *CLIENTS)]
    )
    assert found is not None
    assert (found.scenario, found.scenarios, found.attempts) == ("all", ("ttl", "all"), 400)
    assert [(one.name, one.hops[0], one.p50) for one in found.rows] == [
        ("load balancer", "1", 3.0), ("DNS", "0", 1.0), ("API", "0", 2.0), ("Service Connect", "2", 4.0),
    ]  # fmt: skip
    assert [cell.failed[0] for cell in found.rows[3].felt] == [3.0, 3.0]
    assert architectures_of([scenario("few", "dns")]) is None


def test_reports_are_joined_below_their_folders(tmp_path: Path) -> None:
    """Histories are found from the folder of the whole; what broke in one broke the whole."""
    survey, part = report(), report(scenario("lose-one", *CLIENTS))
    late = replace(part, finished="2026-11-20T10:01:40+00:00", failure="it broke", left_behind=("a service",))
    whole = joined({"load": part, "chaos": late}, survey)
    assert [one.history for one in whole.experiments] == [
        "load/histories/lose-one.jsonl",
        "chaos/histories/lose-one.jsonl",
    ]
    assert (whole.failure, whole.left_behind, whole.wall_seconds) == ("it broke", ("a service",), 100.0)
    save_report(whole, tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == whole
    with pytest.raises(ValueError, match="no report to join"):
        joined({})


def test_page_and_summary_have_the_tables(claims: Claims) -> None:
    """The page compares scenarios only where there are several; a headline of scenarios says so."""
    one, two = scenario("lose-one", *CLIENTS), scenario("deploy", "dns")
    page = render([report(one)], claims)
    assert "of 1 load scenarios ended as they should" in page
    assert "Client models by scenarios" not in page
    assert page.count("<td>2: the caller&#39;s proxy, the callee&#39;s</td>") == 1
    both = render([report(one, two)], claims)
    assert "Client models by scenarios" in both
    assert "did not call" in both
    text = markdown.render(report(one, two), claims)
    assert "| dns | 0.00 %, 42 s | 0.00 %, 42 s |" in text
    assert "| dns-pinned | 4.00 %, 42 s |  |" in text.replace("\\", "")
