"""Tables of client impact, merged reports, and their presentation on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from surveyor.claims import Claims
from surveyor.report import markdown
from surveyor.report.client_tables import (
    architectures_of,
    client_table_by_phase,
    client_table_by_scenario,
    compare_architectures,
)
from surveyor.report.experiments import WHOLE, ClientRow, ExperimentReport
from surveyor.report.file import load_report, save_report
from surveyor.report.merge import merge_reports
from surveyor.report.page import render
from tests.report.test_experiments import measured_experiment, report

CLIENTS = ("dns", "api-healthy", "balancer", "service-connect", "dns-pinned")


def row(client: str, phase: str, failed: float, p50: float = 2.0) -> ClientRow:
    """Return the row of a client with this share of failures."""
    return ClientRow(client, phase, 400, (failed, failed / 2, failed * 2), (failed / 4,) * 3, p50, 9.5, 3.0, 42.0)


def scenario(name: str, *clients: str, calm: str = "before") -> ExperimentReport:
    """Return a scenario with two phases; each client fails one percent more than the client before it."""
    rows = [
        row(client, phase, share * number, 1.0 + number)
        for number, client in enumerate(clients)
        for phase, share in ((calm, 0.0), ("killed", 2.0), (WHOLE, 1.0))
    ]
    return replace(measured_experiment(name), clients=tuple(rows), sentences=("dns: no errors",))


def test_phases_are_columns_and_clients_are_rows() -> None:
    """Columns are in the order of phases."""
    table = client_table_by_phase(scenario("lose-one", "dns", "dns-pinned"))
    assert table.columns == ("before", "killed", WHOLE)
    assert [(client, [cell.failed[0] for cell in cells if cell]) for client, cells in table.rows] == [
        ("dns", [0.0, 0.0, 0.0]),
        ("dns-pinned", [0.0, 2.0, 1.0]),
    ]


def test_a_client_without_calls_has_no_cell() -> None:
    """Experiments without clients have no column."""
    table = client_table_by_scenario(
        [scenario("a", "dns", "dns-pinned"), measured_experiment(), scenario("b", "dns-pinned")]
    )
    assert table.columns == ("a", "b")
    assert [(client, [cell is not None for cell in cells]) for client, cells in table.rows] == [
        ("dns", [True, False]),
        ("dns-pinned", [True, True]),
    ]
    assert client_table_by_scenario([]).columns == ()


def test_a_scenario_of_architectures_alone_has_their_table() -> None:
    """Latency is that of the first phase, also relative to DNS; failed calls and the last are of the second."""
    head, *rows = compare_architectures([scenario("direct", "dns"), scenario("connect", "balancer")])
    assert head[2:] == ("median ms", "added ms", "p99 ms", "calls after", "failed %", "until s")
    assert rows == [
        ("load balancer", "1: the load balancer", "1.00", "+0.00", "9.50", "400", "0.00 (0.00 to 0.00)", "42.0"),
        ("DNS", "0", "1.00", "+0.00", "9.50", "400", "0.00 (0.00 to 0.00)", "42.0"),
    ]
    assert compare_architectures([scenario("others", "dns", "balancer", "dns-pinned")]) == []
    assert compare_architectures([scenario("one", "dns")]) == []
    [without_dns] = compare_architectures([scenario("no-dns", "balancer", "api-healthy")])[1:2]
    assert without_dns[3] == "-"


def test_architectures_are_compared_where_all_were_called() -> None:
    """Latency is from a scenario with a phase before faults; client impact from all complete scenarios."""
    found = architectures_of(
        [scenario("few", "dns"), scenario("ttl", *CLIENTS, calm="TTL 0"), scenario("all", *CLIENTS)]
    )
    assert found is not None
    assert (found.scenario, found.scenarios, found.attempts) == ("all", ("ttl", "all"), 400)
    assert [(row.name, row.hops[0], row.p50) for row in found.rows] == [
        ("load balancer", "1", 3.0), ("DNS", "0", 1.0), ("API", "0", 2.0), ("Service Connect", "2", 4.0),
    ]  # fmt: skip
    assert [cell.failed[0] for cell in found.rows[3].impact] == [3.0, 3.0]
    assert architectures_of([scenario("few", "dns")]) is None
    with_gateway = architectures_of([scenario("all", *CLIENTS, "api-gateway")])
    assert with_gateway is not None
    assert [row.name for row in with_gateway.rows] == [
        "load balancer", "API Gateway", "DNS", "API", "Service Connect",
    ]  # fmt: skip


def test_merged_reports_keep_their_folders(tmp_path: Path) -> None:
    """Paths of histories start at the merged folder; a failure of a part is a failure of the whole."""
    survey, part = report(), report(scenario("lose-one", *CLIENTS))
    late = replace(part, finished="2026-11-20T10:01:40+00:00", failure="it broke", leaked_resources=("a service",))
    whole = merge_reports({"load": part, "chaos": late}, survey)
    assert [experiment.history for experiment in whole.experiments] == [
        "load/histories/lose-one.jsonl",
        "chaos/histories/lose-one.jsonl",
    ]
    assert (whole.failure, whole.leaked_resources, whole.wall_seconds) == ("it broke", ("a service",), 100.0)
    save_report(whole, tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == whole
    with pytest.raises(ValueError, match="no report to merge"):
        merge_reports({})


def test_page_and_summary_have_the_tables(claims: Claims) -> None:
    """The page compares scenarios only if there are several; the headline counts load scenarios."""
    first, second = scenario("lose-one", *CLIENTS), scenario("deploy", "dns")
    page = render([report(first)], claims)
    assert "of 1 load scenario passed" in page
    assert "Client models by scenario" not in page
    assert page.count(">2: the caller&#39;s proxy, the callee&#39;s</td>") == 1
    both = render([report(first, second)], claims)
    assert "Client models by scenario" in both
    assert "no calls" in both
    text = markdown.render(report(first, second), claims)
    assert "| dns | 0.00 %, 42 s | 0.00 %, 42 s |" in text
    assert "| dns-pinned | 4.00 %, 42 s |  |" in text.replace("\\", "")
