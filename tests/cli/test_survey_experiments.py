"""What cannot be judged in a survey is named in a line and does not fail it; what failed still does."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from surveyor.cli._support import survey_experiments
from surveyor.cli._support.survey_experiments import PROGRAMS, print_unjudged, run_experiments_after_survey
from surveyor.conformance.run import exit_code
from surveyor.messages import UNTRUSTED
from surveyor.observers.keeping_up import SPEED
from surveyor.report.experiments import ClientRow, ExperimentReport
from surveyor.report.file import REPORT_FILE, load_report, save_report
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.verdicts import Verdict
from tests.report.test_experiments import experiment as judged_experiment
from tests.report.test_experiments import report, service_with_a_resurrection

LATE = "the machine did not keep up: of 1,000 arrivals 90 were dropped, and 0 late"
ROW = ClientRow("dns", "whole", 100, (1.0, 0.5, 2.0), (0.0, 0.0, 1.0), 1.0, 2.0, 0.0, 0.0)


def experiment(name: str, verdict: Verdict, detail: str = "", *, clients: bool = False) -> ExperimentReport:
    """Return the result of an experiment without a history."""
    rows = (ROW,) if clients else ()
    return ExperimentReport(name, f"{name}.py", verdict, "", detail, "", None, None, rows)


def claim(verdict: Verdict, name: str = "ecs.tasks.run", *, note: str = "expected pass") -> ClaimReport:
    """Return the result of a claim; anything but a pass is unexpected."""
    note = "" if verdict is Verdict.PASS else note
    return ClaimReport(
        name, name.partition(".")[0], "It is so.", verdict, not note, note, "", "", (), None, None, None, ()
    )


class Programs:
    """What `surveyor load` and `surveyor chaos` would do: leave a report, or write a last line to standard error."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.results: dict[str, ExperimentReport | str] = {
            command: experiment(name, Verdict.PASS, clients=command == "load") for command, name in PROGRAMS.items()
        }

    def run(self, commands: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
        """Write the reports; return the outputs."""
        outputs = {}
        for command in commands:
            result = self.results[command]
            if isinstance(result, str):
                outputs[command] = ("", f"seed 7\nsurveyor: {result}\n")
                continue
            (self.out / command).mkdir(parents=True, exist_ok=True)
            save_report(report(result), self.out / command / REPORT_FILE)
            outputs[command] = (f"  at most 900\n{result.name}: {result.verdict}: table\npage: there\n", "")
        return outputs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Replace both programs; the machine is idle."""
    programs = Programs(tmp_path)
    monkeypatch.setattr(survey_experiments, "_run_in_parallel", programs.run)
    monkeypatch.setattr(survey_experiments, "measure_slowdown", lambda: 1.0)
    return programs


def survey(programs: Programs, *claims: ClaimReport) -> ConformanceReport:
    """Run the programs after a survey with these claims, and print what could not be judged."""
    whole = run_experiments_after_survey(replace(report(), claims=claims), programs.out, "embedded", 7)
    print_unjudged(whole)
    return whole


def test_all_passed(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    """The scenario's table and the experiment's verdict are printed, and nothing about what was not judged."""
    whole = survey(programs, claim(Verdict.PASS))
    printed = capsys.readouterr().out
    assert exit_code(whole, must_judge=False) == 0
    assert "lose-one: pass: table" in printed
    assert "kill-one-of-many: pass" in printed
    assert "page: there" not in printed
    assert "not judged" not in printed


@pytest.mark.parametrize("command", PROGRAMS)
def test_an_inconclusive_part_is_one_line_and_not_a_failure(
    programs: Programs, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Its table is not printed: the figures describe the machine. `surveyor load` and `chaos` alone end with 1."""
    name = PROGRAMS[command]
    programs.results[command] = experiment(name, Verdict.INCONCLUSIVE, LATE, clients=command == "load")
    whole = survey(programs, claim(Verdict.PASS))
    lines = [line for line in capsys.readouterr().out.splitlines() if name in line]
    assert lines[1:] == [f"not judged, and not counted as failed: {name}: {LATE}"]
    assert exit_code(whole, must_judge=False) == 0
    assert exit_code(whole) == 1


def test_a_lowered_scale_is_stated(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    """The survey prints what the history says about the speed of an experiment."""
    found = judged_experiment(service_with_a_resurrection(), "kill-one-of-many")
    assert found.judged is not None
    slow = replace(found.judged, service={**found.judged.service, SPEED: "scale lowered from 10 to 4"})
    programs.results["chaos"] = replace(found, verdict=Verdict.PASS, judged=slow)
    survey(programs, claim(Verdict.PASS))
    assert "  kill-one-of-many: scale lowered from 10 to 4\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", PROGRAMS)
def test_a_failed_part_fails_the_survey(programs: Programs, command: str) -> None:
    """A failed check counts, also beside a part that could not be judged."""
    programs.results = {
        other: experiment(name, Verdict.FAIL if other == command else Verdict.INCONCLUSIVE, "it")
        for other, name in PROGRAMS.items()
    }
    assert exit_code(survey(programs, claim(Verdict.PASS)), must_judge=False) == 1


def test_an_instrument_that_is_not_trusted_is_inconclusive(
    programs: Programs, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """If the self-check failed, the scenario left no report, and is in the survey's report as inconclusive."""
    programs.results["load"] = UNTRUSTED
    whole = survey(programs, claim(Verdict.PASS))
    assert not whole.failure
    assert exit_code(whole, must_judge=False) == 0
    assert f"not judged, and not counted as failed: lose-one: {UNTRUSTED}" in capsys.readouterr().out
    save_report(whole, tmp_path / REPORT_FILE)
    saved = {result.name: result for result in load_report(tmp_path / REPORT_FILE).experiments}
    assert saved["lose-one"].verdict is Verdict.INCONCLUSIVE
    assert saved["lose-one"].detail == UNTRUSTED


@pytest.mark.parametrize(("slowdown", "code"), [(9.0, 0), (1.0, 3)])
def test_a_part_without_a_report_is_inconclusive_only_on_a_busy_machine(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, slowdown: float, code: int
) -> None:
    """What keeps a program from its report is a failure of the survey, unless the machine is busy."""
    monkeypatch.setattr(survey_experiments, "measure_slowdown", lambda: slowdown)
    programs.results["chaos"] = "embedded was not ready within 30 s"
    whole = survey(programs, claim(Verdict.PASS))
    assert exit_code(whole, must_judge=False) == code
    details = [whole.failure, *(result.detail for result in whole.experiments)]
    assert any("embedded was not ready within 30 s" in detail for detail in details)


def test_the_report_of_an_earlier_survey_is_not_taken(programs: Programs) -> None:
    """Whether a report is new does not depend on the clock, which may differ from that of the files."""
    assert not survey(programs, claim(Verdict.PASS)).failure
    for command in PROGRAMS:
        os.utime(programs.out / command / REPORT_FILE, (2e9, 2e9))  # in the year 2033
    programs.results["load"] = "it was not ready"
    assert survey(programs, claim(Verdict.PASS)).failure == "load lose-one left no report: it was not ready"


def test_claims_that_could_not_be_judged_are_listed_by_area(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each area names the claims."""
    claims = [claim(Verdict.INCONCLUSIVE, name) for name in ("ecs.a", "health.b", "ecs.c")]
    whole = survey(programs, *claims, claim(Verdict.PASS, "dns.d"))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("not judged")]
    assert [re.sub(r"^.*failed: ", "", line) for line in lines] == [
        "2 claims of ecs (ecs.a, ecs.c)",
        "1 claim of health (health.b)",
    ]
    assert exit_code(whole, must_judge=False) == 0
    assert exit_code(whole) == 1


verdicts = st.sampled_from([verdict for verdict in Verdict if verdict is not Verdict.ERROR])


@given(st.lists(verdicts, max_size=4), st.lists(verdicts, max_size=3))
def test_only_what_was_judged_counts(claims: list[Verdict], experiments: list[Verdict]) -> None:
    """Leaving out what is inconclusive gives the same exit code, unless nothing is left."""
    whole = replace(
        report(*(experiment("it", verdict) for verdict in experiments)),
        claims=tuple(claim(verdict, f"ecs.c{number}") for number, verdict in enumerate(claims)),
    )
    judged = replace(
        whole,
        claims=tuple(found for found in whole.claims if found.verdict is not Verdict.INCONCLUSIVE),
        experiments=tuple(found for found in whole.experiments if found.verdict is not Verdict.INCONCLUSIVE),
    )
    if {*claims, *experiments} <= {Verdict.INCONCLUSIVE, Verdict.NOT_RUN}:
        assert exit_code(whole, must_judge=False) == exit_code(whole)
    else:
        assert exit_code(whole, must_judge=False) == exit_code(judged)
