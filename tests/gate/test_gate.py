"""Gate files report errors with their line, rates are judged by intervals, and missing data never passes."""

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

from surveyor.checkers import Judgement, judge_history, make_check
from surveyor.errors import UsageError
from surveyor.gate import GateEvidence, Rules, Threshold, gather, judge_gate, load_rules
from surveyor.gate.decision import decide, one_sentence
from surveyor.gate.judging import judge_runs
from surveyor.gate.record import save_record
from surveyor.gate.summary import render, render_comment, shorten_reasons
from surveyor.gate.thresholds import ThresholdResult
from surveyor.history import History, read_history
from surveyor.load.figures import figures_of
from surveyor.load.tally import Tally
from surveyor.observations import Interval
from surveyor.report.chart import chart_of
from surveyor.report.experiments import ExperimentReport
from surveyor.report.file import save_report
from surveyor.verdicts import Verdict
from tests.checkers.simulated_services import END, SimulatedService, SimulatedTask, call, lines_of
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
    """Return the rules of a file with this text."""
    (folder / "gate.toml").write_text(text, "utf-8")
    return load_rules(folder / "gate.toml")


def test_a_file_of_thresholds_is_read(tmp_path: Path) -> None:
    """Thresholds can be on figures of clients and scenarios, on checks and on claims."""
    found = rules(tmp_path, GOOD)
    assert found.inconclusive == "fail"
    assert [str(threshold) for threshold in found.thresholds] == [
        "error-rate of deploy, dns in phase deployment at most 1 %",
        "danger-window of deploy at most 5 s",
        "the checks of deploy hold",
        "claim dns.multivalue.caps-at-eight holds",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("error-rate", "eror-rate"), "gate.toml:8: figure: expected checks, danger-window, error-rate"),
        (("error-rate", "eror-rate"), "did you mean 'error-rate'"),
        (("at-most = 1.0", "at-most = -1"), "gate.toml:9: at-most: expected a number >= 0.0 (-1)"),
        (("at-most = 1.0", 'at-most = "1 %"'), "gate.toml:9: at-most: expected a number, got text ('1 %')"),
        (("at-most = 1.0", ""), "gate.toml:4: error-rate needs at-most"),
        (("client =", "cleint ="), "gate.toml:6: unknown key 'cleint'; did you mean 'client'"),
        (
            ('scenario = "deploy"\nclient', "client"),
            "gate.toml:4: a threshold must name its scenario, a claim, an alarm or a metric",
        ),
        (("confidence = 0.99", "confidence = 0.5"), "gate.toml:15: confidence must be 0.95, 0.99 or 0.999"),
        (('figure = "checks"', 'figure = "checks"\nat-most = 1'), "gate.toml:17: checks have no at-most"),
        (
            ('inconclusive = "fail"', 'inconclusive = "maybe"'),
            "gate.toml:2: inconclusive: expected fail or pass, got 'maybe'",
        ),
        (
            ("at-most = 1.0", "at-most-more = 1.0"),
            "gate.toml:4: at-most-more needs against: the folder of an earlier run",
        ),
        (("at-most = 1.0", 'against = "a"'), "gate.toml:4: against needs either at-most-more or ratio, and no at-most"),
        (
            ("at-most = 1.0", 'against = "a"\nat-most-more = 1\nratio = 2'),
            "gate.toml:4: against needs either at-most-more or ratio, and no at-most",
        ),
        (("at-most = 1.0", 'against = "a"\nratio = 0'), "gate.toml:10: ratio: expected a number > 0.0 (0)"),
        (("at-most = 1.0", 'against = "a"\nratio = inf'), "ratio must be a finite number, got inf"),
        (('figure = "checks"', 'figure = "checks"\nagainst = "a"'), "gate.toml:17: checks have no against"),
        (("at-most = 1.0", 'at-most = 1.0\nmode = "warn"'), "mode: expected decide or report, got 'warn'"),
        (("[[threshold]]", "[[treshold]]"), "unknown key 'treshold'; did you mean 'threshold'"),
        (('scenario = "deploy"', "scenario = deploy"), "gate.toml:5: not valid TOML"),
    ],
)
def test_an_error_names_its_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """The message names the line and what is allowed there."""
    with pytest.raises(UsageError) as refusal:
        rules(tmp_path, GOOD.replace(*change, 1))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_gate_without_thresholds_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    """A gate without thresholds would let everything pass."""
    with pytest.raises(UsageError, match="would let everything pass"):
        rules(tmp_path, 'inconclusive = "pass"\n')
    with pytest.raises(UsageError, match="cannot be read"):
        load_rules(tmp_path / "none.toml")


def evidence(errors: int, attempts: int) -> GateEvidence:
    """Return evidence of a scenario `made` with one client and this many errors in its only phase."""
    tally = Tally()
    for number in range(attempts):
        outcome = "fail" if number < errors else "ok"
        tally.count_attempt("dns", 10 + number % 80, "127.0.0.1", outcome, "")
        if outcome == "ok":
            tally.record_latency("dns", 10 + number % 80, 0.004)
    history, judged = made_history()
    return GateEvidence({"made": judged}, {"made": figures_of(history, tally)}, {})


@functools.cache
def made_history() -> tuple[History, Judgement]:
    """Return the history and its judgement, computed once for many examples."""
    history = read_history(made_lines())
    return history, judge_history(history)


def made_lines() -> list[str]:
    """Return the lines of a correct history with one phase."""
    phase = {
        "begin": 0.0, "end": END - 1, "outcome": "ok", "result": {},
        "invoke": {"who": "conductor", "what": "phase", "name": "all"},
    }  # fmt: skip
    world = SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),), calls=1e9).but(phase)
    return lines_of(world, make_check("no-resurrection"))


def judge_figure(figure: str, at_most: float, found: GateEvidence, client: str = "dns") -> Verdict:
    """Return the verdict on one threshold."""
    threshold = Threshold("made", client, "all", figure, at_most)
    [outcome] = judge_gate(Rules((threshold,)), found)
    return outcome.verdict


@pytest.mark.parametrize(
    ("errors", "attempts", "verdict"),
    [(0, 1_000, "pass"), (3, 200, "inconclusive"), (0, 50, "inconclusive"), (30, 1_000, "fail")],
)
def test_rates_are_judged_by_confidence_intervals(errors: int, attempts: int, verdict: str) -> None:
    """Three errors in two hundred may be below one percent by chance; thirty in a thousand are not."""
    assert judge_figure("error-rate", 1.0, evidence(errors, attempts)) == verdict


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 100))
def test_more_errors_never_open_the_gate(errors: int, more: int, limit: float) -> None:
    """With the same number of attempts, more errors never give a better verdict."""
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    few, many = (judge_figure("error-rate", limit, evidence(count, 80)) for count in (errors, errors + more))
    assert order.index(few) <= order.index(many)


@pytest.mark.parametrize(("limit", "verdict"), [(40.0, "pass"), (31.0, "inconclusive"), (5.0, "fail")])
def test_each_client_of_a_scenario_has_a_danger_window(limit: float, verdict: str) -> None:
    """A threshold is on one client or on all of them; a client of a load balancer has no danger window."""
    found = evidence(0, 100)
    found.dangers["made"] = {"dns": Interval(30.0, 32.0), "api-healthy": Interval(0.0, 0.0)}
    assert judge_figure("danger-window", limit, found) == verdict
    every = judge_gate(Rules((Threshold("made", "", "whole", "danger-window", limit),)), found)
    assert [(result.client, result.verdict) for result in every] == [("dns", verdict), ("api-healthy", "pass")]
    with pytest.raises(UsageError, match="no client 'balancer' chose tasks; the clients that did are dns, api-healthy"):
        judge_figure("danger-window", limit, found, "balancer")
    with pytest.raises(UsageError, match="made was run without client models"):
        judge_figure("danger-window", limit, evidence(0, 100))


def test_missing_data_is_never_a_pass() -> None:
    """A phase without attempts and too few answers for a percentile are inconclusive."""
    none = evidence(0, 0)
    none.clients["made"] = figures_of(read_history(made_lines()), evidence_tally())
    assert judge_figure("error-rate", 100.0, none) is Verdict.INCONCLUSIVE
    assert judge_figure("p99", 1e9, evidence(0, 20)) is Verdict.INCONCLUSIVE
    assert judge_figure("p99", 10.0, evidence(0, 700)) is Verdict.PASS
    assert judge_figure("p99", 1.0, evidence(0, 700)) is Verdict.FAIL


def evidence_tally() -> Tally:
    """Return the tally of a client all of whose arrivals were dropped."""
    tally = Tally()
    tally.count_attempt("dns", 20, "", "dropped", "")
    return tally


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (
            Threshold("mode", figure="checks", line=4),
            "line 4: no run of 'mode' was given; the runs are of made; did you mean 'made'",
        ),
        (Threshold("made", "dsn", "all", "error-rate", line=4), "line 4: no client 'dsn' called"),
        (Threshold("made", "dns", "al", "error-rate", line=4), "line 4: there is no phase 'al'"),
        (Threshold(claim="dns.x", line=9), "line 9: no given report judges the claim 'dns.x'"),
    ],
)
def test_thresholds_without_a_run_are_refused(threshold: Threshold, message: str) -> None:
    """The message names what the evidence contains."""
    with pytest.raises(UsageError) as refusal:
        judge_gate(Rules((threshold,)), evidence(0, 100))
    assert message in str(refusal.value)


def prepared(folder: Path, errors: int, attempts: int, ended: tuple[Verdict, str] | None = None) -> Path:
    """Return the folder of a run with this many errors; `ended`: its verdict and reason, if not those of its checks."""
    tally = Tally()
    for number in range(attempts):
        tally.count_attempt("dns", 10 + number % 80, "127.0.0.1", "fail" if number < errors else "ok", "")
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


def test_calls_of_an_experiment_have_an_error_rate(tmp_path: Path) -> None:
    """An experiment without client models has one client, whose calls are in its history."""
    calls = [call(at / 10, at / 10 + 0.05, "127.0.0.1", error="refused" if at % 4 == 0 else "") for at in range(400)]
    lines = lines_of(SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),), calls=1e9).but(*calls))
    (tmp_path / "histories").mkdir()
    (tmp_path / "histories" / "made.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    history = read_history(lines)
    judged = judge_history(history)
    named = ExperimentReport("made", "x::y", judged.verdict, "", "", "histories/made.jsonl", judged, chart_of(history))
    save_report(report(named), tmp_path / "report.json")
    for limit, verdict in ((40.0, "pass"), (10.0, "fail")):
        rules = Rules((Threshold("made", figure="error-rate", at_most=limit),))
        [result] = judge_gate(rules, gather([tmp_path]))
        assert (result.verdict, result.client) == (verdict, "caller")


def test_a_long_reason_is_given_once() -> None:
    """Results that share a long reason refer to it; short values stay in their line, and nothing is lost."""
    reason = "the machine did not keep up: " + "of 1,000 arrivals 90 were dropped " * 3
    threshold = Threshold("deploy", figure="p99", at_most=5)
    results = [ThresholdResult(threshold, Verdict.INCONCLUSIVE, text) for text in (reason, "5 ms", reason)]
    assert shorten_reasons(results) == (["see [1]", "5 ms", "see [1]"], [f"[1] {reason}"])
    text = render(decide(Rules((threshold,)), results))
    assert text.partition("\n| ")[2].count("did not keep up") == 1  # below the reason
    assert text.count("see [1]") == 2


def test_a_comment_is_short_and_keeps_hostile_text_in_code() -> None:
    """The reason is one sentence; names of files and texts of tasks cannot leave their cell."""
    threshold = Threshold("deploy", figure="p99", at_most=5)
    hostile = "`</details><img src=x onerror=alert(1)> | [x](y)\n# head"
    results = [ThresholdResult(threshold, Verdict.FAIL, hostile, f"client {number}") for number in range(30)]
    results.append(ThresholdResult(threshold, Verdict.PASS, "4 ms", "good"))
    decision = decide(Rules((threshold,)), results)
    text = render_comment(decision)
    assert text.startswith("❌ **Surveyor's gate is closed.** `Not met: p99 of deploy, client 0 at most 5 ms: ")
    assert len(text.splitlines()) <= 25
    assert "20 more in the summary of the job." in text
    assert "good" not in text
    for line in text.splitlines():
        assert "onerror" not in line or line.split("onerror")[0].count("`") % 2 == 1
    assert render(decision).count("onerror") == 31


@pytest.mark.parametrize(
    ("errors", "attempts", "inconclusive", "verdict", "status", "message"),
    [
        (
            0,
            1_000,
            "fail",
            "pass",
            0,
            "the gate is open: Met: error-rate of made, every client at most 1 %: 0.00 % (0 of 1000;",
        ),
        (
            300,
            1_000,
            "pass",
            "fail",
            1,
            "the gate is closed: Not met: error-rate of made, dns at most 1 %: 30.00 % (300 of 1000;",
        ),
        (
            3,
            200,
            "fail",
            "inconclusive",
            1,
            "the gate is closed: Not certain, which is treated as fail: error-rate of made, dns",
        ),
        (
            3,
            200,
            "pass",
            "inconclusive",
            0,
            "the gate is open: Not certain, which is treated as pass: error-rate of made, dns",
        ),
    ],
)
def test_runs_open_and_close_the_gate(
    tmp_path: Path, errors: int, attempts: int, inconclusive: str, verdict: str, status: int, message: str
) -> None:
    """The command exits with 0 or 1, prints the reason, and writes a summary with it and a record."""
    run = prepared(tmp_path / "run", errors, attempts)
    text = f'inconclusive = "{inconclusive}"\n[[threshold]]\nscenario = "made"\nfigure = "error-rate"\nat-most = 1\n'
    (tmp_path / "gate.toml").write_text(text, "utf-8")
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    words = ["gate", str(tmp_path / "gate.toml"), str(run), "--summary", str(tmp_path / "summary.md")]
    words += ["--out", str(tmp_path / "kept")]
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert message in done.stdout
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert f"Surveyor's gate: {'open' if status == 0 else 'closed'}" in summary
    assert message.partition(": ")[2] in summary
    record = json.loads((tmp_path / "kept" / "gate.json").read_text("utf-8"))
    assert not (run / "gate.json").exists()
    assert message.partition(": ")[2] in record["reason"]
    assert record["open"] is (status == 0)
    assert record["deployment"] is None
    [threshold] = record["thresholds"]
    assert threshold["verdict"] == verdict
    assert record["evidence"].pop(str(tmp_path / "gate.toml")) == hashlib.sha256(text.encode()).hexdigest()
    assert {Path(name).name for name in record["evidence"]} == {"report.json", "tally.json", "made.jsonl"}


def test_a_record_beside_a_file_and_a_place_that_is_none(tmp_path: Path) -> None:
    """A folder is created; what cannot be one is refused in one line."""
    summary = tmp_path / "k6.json"
    summary.write_text("{}", "utf-8")
    decision = decide(Rules(()), ())
    assert save_record(summary, [summary], [], summary, decision, "") == tmp_path / "gate.json"
    for place in (summary, summary / "below"):
        with pytest.raises(UsageError, match=r"gate\.json: cannot be written: "):
            save_record(place, [], [], summary, decision, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "the rollback failed. Check it.\nNow! Tasks of web.v2 left.",
            "The rollback failed; Check it; Now; Tasks of web.v2 left.",
        ),
        ("1.5 % is not met", "1.5 % is not met."),
        ("\x1b[31mred", "\\x1b[31mred."),
    ],
)
def test_a_reason_is_one_sentence(text: str, expected: str) -> None:
    """Whatever ECS writes into it."""
    assert one_sentence(text) == expected


def test_a_file_in_the_working_folder_is_named_as_the_user_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with the name of a folder that the user has not written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    for name in ("cut.toml", "below/cut.toml", "below/../cut.toml"):
        Path(name).write_text('[[threshold]]\nscenario = "wat', "utf-8")
        with pytest.raises(UsageError) as refusal:
            load_rules(Path(name))
        assert str(refusal.value).startswith(f"{name}:2: not valid TOML")


def test_a_record_of_what_was_done_to_a_deployment_is_kept(tmp_path: Path) -> None:
    """A later gate on the same folder writes another record, and what cannot be read as a record is replaced."""
    run = prepared(tmp_path / "run", 0, 10)
    (tmp_path / "gate.toml").write_text("", "utf-8")
    decision = judge_runs(Rules((Threshold("made", "", "whole", "error-rate", 50),)), gather([run]))

    def save() -> str:
        return save_record(run, [run], [], tmp_path / "gate.toml", decision, "").name

    assert [save(), save()] == ["gate.json", "gate.json"]
    (run / "gate.json").write_text('{"deployment": {"done": "rolled-back"}}', "utf-8")
    assert [save(), save()] == ["gate-2.json", "gate-2.json"]
    for text in ("", "[1]", '{"deployment": "x"}'):
        (run / "gate-2.json").write_text(text, "utf-8")
        assert save() == "gate-2.json"


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_the_verdict_of_a_run_counts_if_worse_than_its_history(tmp_path: Path, verdict: Verdict) -> None:
    """Passing checks do not excuse a service that did not recover, or a fault that failed."""
    rules = Rules((Threshold("made", "", "", "checks", 0),))
    [holds] = judge_gate(rules, gather([prepared(tmp_path / "good", 0, 10)]))
    [result] = judge_gate(rules, gather([prepared(tmp_path / "bad", 0, 10, (verdict, "not whole again"))]))
    assert holds.verdict is Verdict.PASS
    assert (result.verdict, result.actual) == (verdict, "not whole again")


def test_figures_of_a_broken_run_are_inconclusive(tmp_path: Path) -> None:
    """A machine that did not keep up causes errors that are not the service's, and hides others."""
    rules = Rules((Threshold("made", "dns", "all", "error-rate", 1), Threshold("made", "", "", "danger-window", 5)))
    for errors in (0, 300):
        run = prepared(tmp_path / str(errors), errors, 1_000, (Verdict.INCONCLUSIVE, "the machine did not keep up"))
        results = judge_gate(rules, gather([run]))
        assert {result.verdict for result in results} == {Verdict.INCONCLUSIVE}
        assert results[0].actual == "its run ended with inconclusive: the machine did not keep up"


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    """A folder without a report and an invalid tally are refused."""
    with pytest.raises(UsageError, match="it is not the folder of a run"):
        gather([tmp_path])
    run = prepared(tmp_path / "run", 0, 10)
    (run / "tally.json").write_text(json.dumps({"counts": 3}), "utf-8")
    with pytest.raises(UsageError, match="is not a tally"):
        gather([run])


def test_a_missing_baseline_is_named_by_its_key(tmp_path: Path) -> None:
    """What the file names is said, since it is not what was given on the command line."""
    run = prepared(tmp_path / "run", 0, 10)
    with pytest.raises(UsageError, match=r"against = 'runs/main': .*/main has no report\.json"):
        gather([run], {"runs/main": tmp_path / "main"})
