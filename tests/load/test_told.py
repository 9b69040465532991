"""What came of a scenario: whoever called too late, or went away, makes it inconclusive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.errors import UsageError
from surveyor.load.client_results import with_client_results
from surveyor.load.console import comparison_lines, lines_of
from surveyor.load.self_check import Checked, check_rate
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.report.experiments import ExperimentReport
from surveyor.verdicts import Verdict
from tests.checkers.worlds import END
from tests.checkers.worlds import lines_of as history_lines
from tests.load.test_attribution import WORLD
from tests.report.test_experiments import report


def told(folder: Path, tally: Tally) -> ExperimentReport:
    """Of a scenario in one phase that passed, and of which this was counted."""
    phase = {
        "begin": 0.0, "end": END - 1, "outcome": "ok", "told": {},
        "asked": {"who": "conductor", "what": "phase", "name": "all"},
    }  # fmt: skip
    (folder / "made.jsonl").write_text("\n".join(history_lines(WORLD.but(phase))) + "\n", "utf-8")
    (folder / TALLY_FILE).write_text(tally.dumps(), "utf-8")
    passed = ExperimentReport("made", "it", Verdict.PASS, "", "", "made.jsonl", None, None)
    [one] = with_client_results(report(passed), folder).experiments
    return one


def counted(answered: int, dropped: int) -> Tally:
    """So many arrivals."""
    tally = Tally()
    for number in range(answered):
        tally.attempt("dns", number % 200, "127.0.0.1", "ok", "")
        tally.took("dns", number % 200, 0.01)
    for number in range(dropped):
        tally.attempt("dns", number % 200, "", "dropped", "too many under way")
    return tally


def test_arrivals_that_were_not_begun_make_it_inconclusive(tmp_path: Path) -> None:
    """With the rate that was come to."""
    one = told(tmp_path, counted(1_000, 200))
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.detail.startswith("the machine did not keep up: of 1,200 arrivals 200 were not begun, and 0 late; ")
    assert "(--rate)" in one.detail
    assert told(tmp_path, counted(1_000, 10)).verdict is Verdict.PASS


def test_late_arrivals_and_lost_workers_too(tmp_path: Path) -> None:
    """Either is said."""
    late, lost = counted(1_000, 0), counted(1_000, 0)
    late.late = 100
    lost.troubles.append("1 of 2 workers went away")
    assert "and 100 late" in told(tmp_path, late).detail
    one = told(tmp_path, lost)
    assert (one.verdict, one.detail) == (Verdict.INCONCLUSIVE, "1 of 2 workers went away")


def test_lines_for_people(tmp_path: Path) -> None:
    """A verdict, a table by phases, a sentence; and all scenarios together where there are several."""
    one = told(tmp_path, counted(1_000, 0))
    lines = list(lines_of(report(one)))
    assert lines[0].startswith("made: pass")
    assert lines[2].split() == ["client", "all", "whole"]
    assert lines[3].split() == ["dns", *["0.00", "(0.00),", "0"], *["0.00", "(0.00),", "0"]]
    assert lines[-1] == "  dns: no errors"
    assert list(comparison_lines(report(one))) == []
    assert len(list(comparison_lines(report(one, replace(one, name="other"))))) == 3


def test_a_rate_that_is_too_high_is_refused_with_one_that_is_not() -> None:
    """Before anything is built."""
    check_rate(Checked((), 8_000), 800, 8.25)
    with pytest.raises(
        UsageError, match=r"are 16,500 in all, and this machine makes 8,000 attempts at most: --rate 484"
    ):
        check_rate(Checked((), 8_000), 2_000, 8.25)
