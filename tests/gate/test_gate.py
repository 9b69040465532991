"""The gate: files with errors are told with their line, rates judged by intervals, nothing measured never passes."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.checkers import Judged, check_of, judge_history
from surveyor.errors import UsageError
from surveyor.gate import Evidence, Rules, Threshold, gather, judge_gate, load_rules
from surveyor.history import History, read_history
from surveyor.history.observations import Interval
from surveyor.load.figures import figures_of
from surveyor.load.tally import Tally
from surveyor.report.chart import chart_of
from surveyor.report.experiments import ExperimentReport
from surveyor.report.file import save_report
from surveyor.verdicts import Verdict
from tests.checkers.worlds import END, Made, World, lines_of
from tests.report.test_experiments import report

GOOD = """
inconclusive = "fail"

[[threshold]]
scenario = "deploy"
client = "dns"
phase = "deployment"
figure = "error-rate"
at-most = 1.0

[[threshold]]
scenario = "deploy"
figure = "danger-window"
at-most = 5
confidence = 0.99

[[threshold]]
scenario = "deploy"
figure = "checks"

[[threshold]]
claim = "dns.multivalue.caps-at-eight"
"""


def rules(folder: Path, text: str) -> Rules:
    """Those of a file with this text."""
    (folder / "gate.toml").write_text(text, "utf-8")
    return load_rules(folder / "gate.toml")


def test_a_file_of_thresholds_is_read(tmp_path: Path) -> None:
    """On figures of clients, figures of scenarios, checks and claims."""
    found = rules(tmp_path, GOOD)
    assert found.inconclusive == "fail"
    assert [str(one) for one in found.thresholds] == [
        "error-rate of deploy, dns in phase deployment at most 1 %",
        "danger-window of deploy at most 5 s",
        "the checks of deploy hold",
        "claim dns.multivalue.caps-at-eight holds",
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("error-rate", "eror-rate"), "gate.toml:8: figure is to be one of"),
        (("error-rate", "eror-rate"), "did you mean 'error-rate'"),
        (("at-most = 1.0", "at-most = -1"), "gate.toml:9: at-most is to be a number from 0 on, not -1"),
        (("at-most = 1.0", 'at-most = "1 %"'), "gate.toml:9: at-most is to be a number"),
        (("at-most = 1.0", ""), "gate.toml:4: error-rate needs at-most"),
        (("client =", "cleint ="), "gate.toml:6: unknown key 'cleint'; did you mean 'client'"),
        (('scenario = "deploy"\nclient', "client"), "gate.toml:4: a threshold names its scenario, or a claim"),
        (("confidence = 0.99", "confidence = 0.5"), "gate.toml:15: confidence is to be 0.95, 0.99 or 0.999"),
        (('figure = "checks"', 'figure = "checks"\nat-most = 1'), "gate.toml:17: checks have no at-most"),
        (('inconclusive = "fail"', 'inconclusive = "maybe"'), 'inconclusive is to be "fail" or "pass", not \'maybe\''),
        (("[[threshold]]", "[[treshold]]"), "unknown key 'treshold'; did you mean 'threshold'"),
        (('scenario = "deploy"', "scenario = deploy"), "line 5"),
    ],
)
def test_an_error_names_its_line(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    """And what would stand there instead."""
    with pytest.raises(UsageError) as refusal:
        rules(tmp_path, GOOD.replace(*change, 1))
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_no_thresholds_and_no_file_are_refused(tmp_path: Path) -> None:
    """A gate without a threshold would be open for everybody."""
    with pytest.raises(UsageError, match="would let everything pass"):
        rules(tmp_path, 'inconclusive = "pass"\n')
    with pytest.raises(UsageError, match="cannot be read"):
        load_rules(tmp_path / "none.toml")


def evidence(errors: int, attempts: int) -> Evidence:
    """Of a scenario `made` with one client and this many errors in its one phase."""
    tally = Tally()
    for number in range(attempts):
        outcome = "fail" if number < errors else "ok"
        tally.attempt("dns", 10 + number % 80, "127.0.0.1", outcome, "")
        if outcome == "ok":
            tally.took("dns", 10 + number % 80, 0.004)
    history, judged = made_history()
    return Evidence({"made": judged}, {"made": figures_of(history, tally)}, {})


@functools.cache
def made_history() -> tuple[History, Judged]:
    """Read and judged once: many examples rest on it."""
    history = read_history(made_lines())
    return history, judge_history(history)


def made_lines() -> list[str]:
    """A history in which nothing is wrong, with one phase."""
    phase = {
        "begin": 0.0, "end": END - 1, "outcome": "ok", "told": {},
        "asked": {"who": "conductor", "what": "phase", "name": "all"},
    }  # fmt: skip
    world = World((Made("a", "127.0.0.1", 0.0),), calls=1e9).but(phase)
    return lines_of(world, check_of("no-resurrection"))


def one(figure: str, at_most: float, found: Evidence, client: str = "dns") -> Verdict:
    """The verdict on one threshold."""
    threshold = Threshold("made", client, "all", figure, at_most)
    [outcome] = judge_gate(Rules((threshold,)), found)
    return outcome.verdict


@pytest.mark.parametrize(
    ("errors", "attempts", "verdict"),
    [(0, 1_000, "pass"), (3, 200, "inconclusive"), (0, 50, "inconclusive"), (30, 1_000, "fail")],
)
def test_rates_are_judged_by_what_their_counts_allow(errors: int, attempts: int, verdict: str) -> None:
    """Three errors in two hundred do not fail one percent by chance; thirty in a thousand do, not by chance."""
    assert one("error-rate", 1.0, evidence(errors, attempts)) == verdict


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 100))
def test_more_errors_never_open_the_gate(errors: int, more: int, limit: float) -> None:
    """Of the same number of attempts."""
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    few, many = (one("error-rate", limit, evidence(count, 80)) for count in (errors, errors + more))
    assert order.index(few) <= order.index(many)


@pytest.mark.parametrize(("limit", "verdict"), [(40.0, "pass"), (31.0, "inconclusive"), (5.0, "fail")])
def test_each_client_of_a_scenario_has_a_danger_window(limit: float, verdict: str) -> None:
    """A threshold is on one of them, or on all; who calls a balancer has none."""
    found = evidence(0, 100)
    found.dangers["made"] = {"dns": Interval(30.0, 32.0), "api-healthy": Interval(0.0, 0.0)}
    assert one("danger-window", limit, found) == verdict
    every = judge_gate(Rules((Threshold("made", "", "whole", "danger-window", limit),)), found)
    assert [(outcome.who, outcome.verdict) for outcome in every] == [("dns", verdict), ("api-healthy", "pass")]
    with pytest.raises(UsageError, match="no client 'balancer' chose tasks; there is dns, api-healthy"):
        one("danger-window", limit, found, "balancer")
    with pytest.raises(UsageError, match="made was run without client models"):
        one("danger-window", limit, evidence(0, 100))


def test_nothing_measured_is_never_a_pass() -> None:
    """No attempts in a phase, and too few answers for a percentile."""
    none = evidence(0, 0)
    none.clients["made"] = figures_of(read_history(made_lines()), evidence_tally())
    assert one("error-rate", 100.0, none) is Verdict.INCONCLUSIVE
    assert one("p99", 1e9, evidence(0, 20)) is Verdict.INCONCLUSIVE
    assert one("p99", 10.0, evidence(0, 400)) is Verdict.PASS
    assert one("p99", 1.0, evidence(0, 400)) is Verdict.FAIL


def evidence_tally() -> Tally:
    """Of a client all of whose arrivals were dropped."""
    tally = Tally()
    tally.attempt("dns", 20, "", "dropped", "")
    return tally


@pytest.mark.parametrize(
    ("threshold", "says"),
    [
        (
            Threshold("mode", figure="checks", line=4),
            "line 4: no run of 'mode' was given; there is made; did you mean 'made'",
        ),
        (Threshold("made", "dsn", "all", "error-rate", line=4), "line 4: no client 'dsn' called"),
        (Threshold("made", "dns", "al", "error-rate", line=4), "line 4: there is no phase 'al'"),
        (Threshold(claim="dns.x", line=9), "line 9: no report given judges the claim 'dns.x'"),
    ],
)
def test_thresholds_on_what_was_not_run_are_refused(threshold: Threshold, says: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError) as refusal:
        judge_gate(Rules((threshold,)), evidence(0, 100))
    assert says in str(refusal.value)


def prepared(folder: Path, errors: int, attempts: int, ended: tuple[Verdict, str] | None = None) -> Path:
    """The folder of a run with so many errors; `ended`: how, and why, if not as its checkers judged."""
    tally = Tally()
    for number in range(attempts):
        tally.attempt("dns", 10 + number % 80, "127.0.0.1", "fail" if number < errors else "ok", "")
    (folder / "histories").mkdir(parents=True)
    path = folder / "histories" / "made.jsonl"
    path.write_text("\n".join(made_lines()) + "\n", "utf-8")
    history = read_history(made_lines())
    judged = judge_history(history)
    verdict, why = ended or (judged.verdict, "")
    named = ExperimentReport("made", "x::y", verdict, "", why, "histories/made.jsonl", judged, chart_of(history))
    save_report(report(named), folder / "report.json")
    (folder / "tally.json").write_text(tally.dumps(), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("errors", "attempts", "unclear", "status", "said"),
    [
        (0, 1_000, "fail", 0, "the gate is open: pass"),
        (300, 1_000, "pass", 1, "the gate is closed: fail"),
        (3, 200, "fail", 1, "the gate is closed: inconclusive, and what is inconclusive is taken for a fail"),
        (3, 200, "pass", 0, "the gate is open: inconclusive, and what is inconclusive is taken for a pass"),
    ],
)
def test_prepared_runs_open_and_close_it(
    tmp_path: Path, errors: int, attempts: int, unclear: str, status: int, said: str
) -> None:
    """Exit codes 0 and 1, and a summary for the pull request."""
    run = prepared(tmp_path / "run", errors, attempts)
    text = f'inconclusive = "{unclear}"\n[[threshold]]\nscenario = "made"\nfigure = "error-rate"\nat-most = 1\n'
    (tmp_path / "gate.toml").write_text(text, "utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    words = ["gate", str(tmp_path / "gate.toml"), str(run), "--summary", str(tmp_path / "summary.md")]
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", *words], capture_output=True, text=True, env=kept, timeout=60, check=False
    )
    assert done.returncode == status, done.stderr
    assert said in done.stdout
    assert f"Surveyor's gate: {'open' if status == 0 else 'closed'}" in (tmp_path / "summary.md").read_text("utf-8")
    kept_there = json.loads((run / "gate.json").read_text("utf-8"))
    assert kept_there["open"] is (status == 0)
    assert kept_there["deployment"] is None
    [threshold] = kept_there["thresholds"]
    assert threshold["verdict"] in said
    assert kept_there["evidence"].pop(str(tmp_path / "gate.toml")) == hashlib.sha256(text.encode()).hexdigest()
    assert {Path(one).name for one in kept_there["evidence"]} == {"report.json", "tally.json", "made.jsonl"}


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_a_run_that_ended_worse_than_its_history_is_told(tmp_path: Path, verdict: Verdict) -> None:
    """Checkers that hold do not excuse a service that was not whole again, or a fault that broke."""
    rules = Rules((Threshold("made", "", "", "checks", 0),))
    [holds] = judge_gate(rules, gather([prepared(tmp_path / "good", 0, 10)]))
    [outcome] = judge_gate(rules, gather([prepared(tmp_path / "bad", 0, 10, (verdict, "not whole again"))]))
    assert holds.verdict is Verdict.PASS
    assert (outcome.verdict, outcome.told) == (verdict, "not whole again")


def test_figures_of_a_run_that_broke_open_and_close_nothing(tmp_path: Path) -> None:
    """A machine that did not keep up makes errors that are not the service's, and hides others."""
    rules = Rules((Threshold("made", "dns", "all", "error-rate", 1), Threshold("made", "", "", "danger-window", 5)))
    for errors in (0, 300):
        run = prepared(tmp_path / str(errors), errors, 1_000, (Verdict.INCONCLUSIVE, "the machine did not keep up"))
        outcomes = judge_gate(rules, gather([run]))
        assert {one.verdict for one in outcomes} == {Verdict.INCONCLUSIVE}
        assert outcomes[0].told == "its run ended with inconclusive: the machine did not keep up"


def test_a_folder_of_no_run_is_refused(tmp_path: Path) -> None:
    """And a tally that is none."""
    with pytest.raises(UsageError, match="it is no folder of a run"):
        gather([tmp_path])
    run = prepared(tmp_path / "run", 0, 10)
    (run / "tally.json").write_text(json.dumps({"counts": 3}), "utf-8")
    with pytest.raises(UsageError, match="is no tally"):
        gather([run])
