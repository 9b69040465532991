"""What a run in an account says at its end, and the expectations that its user accepts."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs

from surveyor.account.ledger import Ledger, Owner
from surveyor.cli._support.console_report import print_report
from surveyor.cli._support.run_ending import (
    describe_denied,
    describe_zones,
    print_failures,
    print_leaked_resources,
    print_use,
)
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.run import exit_code
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.build import new_expectations, unrecorded_claims
from surveyor.report.claim_report import ClaimReport, TestReport
from surveyor.report.experiments import ExperimentReport
from surveyor.report.model import ConformanceReport, TargetReport
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.targets import load_target
from surveyor.targets.expectations import expectations_file, users_expectations_file
from surveyor.targets.options import TargetOptions
from surveyor.verdicts import Verdict

STARTED = "2026-11-28T22:00:00+00:00"


def report(*tests: tuple[str, Verdict, str, str]) -> ConformanceReport:
    """Return a report of an account with one claim for each test: id, verdict, symptom, detail."""
    claims = [
        ClaimReport(
            *(name, "dns", "A statement.", verdict, verdict is not Verdict.FAIL, "", symptom, detail),
            (TestReport(f"suites/dns/test_a.py::test_{name}", verdict, symptom, detail, ()),),
            None,
        )
        for name, verdict, symptom, detail in tests
    ]
    target = TargetReport("aws", "", "endpoint", (), {})
    return ConformanceReport(target, "0.1", 7, (), (), STARTED, STARTED, 1.0, 1.0, tuple(claims), runs=("0123abcd",))


DENIED = report(
    ("a", Verdict.INCONCLUSIVE, "test_a: not permitted: ecs:RunTask", "x"),
    ("b", Verdict.INCONCLUSIVE, "test_b[x]: set-up: not permitted: ec2:CreateVpc", "x"),
    ("c", Verdict.INCONCLUSIVE, "test_c: not permitted: ecs:RunTask", "x"),
    ("d", Verdict.FAIL, "test_d: InvalidInput", "x"),
    ("e", Verdict.INCONCLUSIVE, "test_e: inconclusive", "this quota of the account was raised from 5 to 50"),
    ("f", Verdict.INCONCLUSIVE, "test_f: inconclusive", "tasks cannot run in this account: CannotPullContainerError"),
    ("g", Verdict.INCONCLUSIVE, "test_g: quota: VpcLimitExceeded", "x"),
)


def test_denials_are_one_list() -> None:
    """Each action is named once, with the number of claims and where to get a policy, unless that policy denies it."""
    denied = "not permitted: ec2:CreateVpc, ecs:RunTask; so 3 claims could not be judged; "
    assert describe_denied(DENIED, {"ecs:RunTask"}).startswith(f"{denied}`surveyor policy conform` prints")
    scoped = describe_denied(DENIED, {"ecs:RunTask", "ec2:CreateVpc"})
    assert scoped.startswith(f"{denied}with the policy of `surveyor policy conform` this is expected")
    read = report(("a", Verdict.INCONCLUSIVE, "test_a: not permitted: ecs:ListTasks", "x"))
    assert "`surveyor policy conform` prints what a run needs" in describe_denied(read, {"ecs:ListTasks"})
    assert describe_denied(report(("a", Verdict.PASS, "", "")), ()) == ""


def test_experiments_end_with_what_did_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """The first cause is one line; a failure of the whole run is the cause of all."""

    def experiment(name: str, verdict: Verdict, symptom: str = "", detail: str = "") -> ExperimentReport:
        return ExperimentReport(name, f"test_{name}", verdict, symptom, detail, "", None, None)

    none = report()
    passed, failed = experiment("first", Verdict.PASS), experiment("second", Verdict.FAIL, "test: 2 != 1", "2 failed")
    late = experiment("third", Verdict.INCONCLUSIVE, "test: late")
    unsupported = experiment("fourth", Verdict.UNSUPPORTED, "lacks dns")
    for experiments, expected in (
        ((passed, unsupported), ""),
        ((passed, late), "surveyor: third: inconclusive: test: late\n"),
        ((passed, failed, late), "surveyor: second: fail (first of 2 that did not pass): 2 failed\n"),
    ):
        print_failures(structs.replace(none, experiments=experiments))
        assert capsys.readouterr().err == expected
    print_failures(structs.replace(none, experiments=(failed,), failure="the target died"))
    assert capsys.readouterr().err == "surveyor: the target died\n"


def test_a_run_says_what_it_used(capsys: pytest.CaptureFixture[str]) -> None:
    """Calls of the clean-up count too, resources cost by the time of their test; nothing is printed off accounts."""
    calls = {"servicediscovery:CreateHttpNamespace": 1, "servicediscovery:RegisterInstance": 2, "ecs:CreateService": 1}
    done = TestResult("test_a", ("a",), Verdict.PASS, service_seconds=3_600, calls=calls, tasks=1)
    everything = calls | {"servicediscovery:DeleteNamespace": 1_000}
    facts = WorkerFacts("", (), (), {}, 3_601, "", everything)
    target = load_target("aws", find_layout().targets, TargetOptions(account="111122223333"))
    used = report(("a", Verdict.PASS, "", ""))
    print_use(Collector([done], [facts]), target, used)
    assert capsys.readouterr().out == "used: 1,004 calls, 5 resources, 61 min, about 0.02 dollars\n"
    print_use(Collector([done], [facts]), target, structs.replace(used, runs=("0123abcd", "4567cdef")))
    assert capsys.readouterr().out.startswith("used by this part: 1,004 calls")
    print_use(Collector([done], [facts]), load_target("embedded", find_layout().targets), used)
    print_use(Collector(), target, used)
    assert capsys.readouterr().out == ""


def test_zones_have_a_deadline() -> None:
    """Twelve hours after the run began they cost a whole month."""
    assert describe_zones(0, STARTED) == ""
    assert describe_zones(2, STARTED) == (
        "2 hosted zones among them: delete them before 2026-11-29 10:00 UTC, 12 hours after the run began; later they "
        "cost 0.50 dollars each a month, not prorated"
    )
    assert "delete it before" in describe_zones(1, STARTED)


def test_zones_of_namespaces_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the ledger still has is looked through for zones, also those that namespaces have."""
    ledger = Ledger(tmp_path / "ledger-main.jsonl", Owner("0123abcd", "aws", "111122223333", "us-east-1", None))
    for service, operation in (
        ("servicediscovery", "CreatePrivateDnsNamespace"),
        ("servicediscovery", "CreateHttpNamespace"),
        ("route53", "CreateHostedZone"),
    ):
        ledger.record_intent(service, operation, {"Name": "a.test"}, "us-east-1")
    ledger.close()
    left = structs.replace(report(("a", Verdict.PASS, "", "")), leaked_resources=("namespace a.test",))
    print_leaked_resources(left, RunConfig(find_layout(), "aws", tmp_path))
    assert "2 hosted zones among them" in capsys.readouterr().err


def test_what_the_account_kept_open_is_no_expectation() -> None:
    """Failures and raised quotas are recorded; denials, full quotas and tasks that cannot start are not."""
    recorded = [entry.claim for entry in new_expectations(DENIED, date(2027, 1, 1))]
    assert recorded == ["d", "e"]
    assert unrecorded_claims(DENIED) == ("a", "b", "c", "f", "g")


def test_a_list_of_an_account_is_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written there unless the folder is in the checkout, and read from there once it exists."""
    targets = find_layout().targets
    target = load_target("aws", targets, TargetOptions(account="111122223333"))
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "targets" / "expectations" / "aws.toml"
    assert users_expectations_file(target, targets) == own
    assert expectations_file(target, targets) == targets / "expectations" / "aws.toml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert expectations_file(target, targets) == own
    monkeypatch.chdir(targets.parent)
    assert users_expectations_file(target, targets) == targets / "expectations" / "aws.toml"


def test_lists_of_emulators_stay_beside_their_target_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the user keeps its list beside it; those of Surveyor keep theirs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('endpoint = "http://127.0.0.1:4566"\n')
    mine = load_target(str(tmp_path / "mine.toml"), tmp_path)
    assert users_expectations_file(mine, tmp_path) == tmp_path / "expectations" / "mine.toml"
    targets = find_layout().targets
    moto = load_target("moto", targets)
    assert users_expectations_file(moto, targets).parent == targets / "expectations"
    assert re.fullmatch(r"moto-[\d.]+\.toml", users_expectations_file(moto, targets).name)


def test_what_could_not_be_judged_is_not_called_unexpected(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code of such a run is 0, and its last lines say so."""
    passed, denied = ("a", Verdict.PASS, "", ""), ("b", Verdict.INCONCLUSIVE, "test_b: not permitted: ecs:RunTask", "x")
    print_report(report(passed, denied), Path("report.json"))
    assert "; what was judged is as expected, 1 could not be judged; " in capsys.readouterr().out
    assert exit_code(report(passed, denied)) == 0
