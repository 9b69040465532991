"""Client results of a scenario: late callers and lost workers make it inconclusive."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from surveyor.load.client_results import with_client_results
from surveyor.load.console import comparison_lines, report_lines
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.report.experiments import ExperimentReport
from surveyor.verdicts import Verdict
from tests.checkers.simulated_services import END
from tests.checkers.simulated_services import lines_of as history_lines
from tests.load.test_attribution import WORLD
from tests.report.test_experiments import report


def results_with(folder: Path, tally: Tally, note: str = "") -> ExperimentReport:
    """Return the results of a passed scenario with one phase, this tally, and a note about its callers."""
    phase = {
        "begin": 0.0, "end": END - 1, "outcome": "ok", "result": {},
        "invoke": {"who": "conductor", "what": "phase", "name": "all"},
    }  # fmt: skip
    (folder / "invented.jsonl").write_text("\n".join(history_lines(WORLD.but(phase))) + "\n", "utf-8")
    (folder / TALLY_FILE).write_text(tally.dumps(), "utf-8")
    passed = ExperimentReport("invented", "it", Verdict.PASS, "", "", "invented.jsonl", None, None)
    [result] = with_client_results(report(passed), folder, note).experiments
    return result


def tally_of(answered: int, dropped: int) -> Tally:
    """Return a tally with these numbers of arrivals."""
    tally = Tally()
    for number in range(answered):
        tally.count_attempt("dns", number % 200, "127.0.0.1", "ok", "")
        tally.record_latency("dns", number % 200, 0.01)
    for number in range(dropped):
        tally.count_attempt("dns", number % 200, "", "dropped", "too many in progress")
    return tally


def test_dropped_arrivals_make_a_scenario_inconclusive(tmp_path: Path) -> None:
    """Dropped arrivals make a scenario inconclusive, and the detail states the achieved rate."""
    result = results_with(tmp_path, tally_of(1_000, 200))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.detail.startswith("the machine did not keep up: of 1,200 arrivals 200 were dropped, and 0 late; ")
    assert "(--rate)" in result.detail
    assert results_with(tmp_path, tally_of(1_000, 10)).verdict is Verdict.PASS


def test_late_arrivals_and_lost_workers_make_a_scenario_inconclusive(tmp_path: Path) -> None:
    """The detail names late arrivals and lost workers."""
    late, lost = tally_of(1_000, 0), tally_of(1_000, 0)
    late.late = 100
    stuck = tally_of(1_000, 0)
    stuck.late = 4_000
    assert "4,000 calls started late" in results_with(tmp_path, stuck).detail
    lost.problems.append("1 of 2 workers went away")
    assert "and 100 late" in results_with(tmp_path, late).detail
    result = results_with(tmp_path, lost)
    assert (result.verdict, result.detail) == (Verdict.INCONCLUSIVE, "1 of 2 workers went away")


def test_lines_for_people(tmp_path: Path) -> None:
    """The lines are a verdict, a table by phases and a sentence, and a comparison if there are several scenarios."""
    result = results_with(tmp_path, tally_of(1_000, 0))
    lines = list(report_lines(report(result)))
    assert lines[0].startswith("invented: pass")
    assert lines[2].split() == ["client", "all", "whole"]
    assert lines[3].split() == ["dns", *["0.00", "(0.00),", "0"], *["0.00", "(0.00),", "0"]]
    assert lines[-1] == "  dns: no errors"
    assert list(comparison_lines(report(result))) == []
    assert len(list(comparison_lines(report(result, replace(result, name="other"))))) == 3


def test_a_lowered_rate_is_stated_in_report_and_output(tmp_path: Path) -> None:
    """The note about the callers is the first sentence of the results, and is printed with them."""
    note = "rate lowered from 20 to 8 calls per second of each client"
    result = results_with(tmp_path, tally_of(1_000, 0), note)
    assert result.sentences == (note, "dns: no errors")
    assert result.verdict is Verdict.PASS
    assert f"  {note}" in report_lines(report(result))
