"""Runs whose credentials end in the middle: they keep their verdicts, blame nothing, and are resumed with others."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.report.file import load_report, save_report
from surveyor.report.model import ConformanceReport, TargetReport
from surveyor.targets.control import Control
from surveyor.verdicts import Verdict
from tests.account.conftest import ACCOUNT, flowing
from tests.account.kills import list_resources

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount

ADMIN = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
AREA = ("--area", "namespaces")

Environment = dict[str, str]


def begin(emulator: EmulatorAccount, out: Path, credentials: Environment, *options: str) -> subprocess.Popen[str]:
    """Begin a run with these credentials."""
    command = [sys.executable, "-m", "surveyor", "conform", "--out", str(out), *options]
    if "--resume" not in options:
        command += ["--target", "aws", "--account", ACCOUNT, "--endpoint", emulator.endpoint, "--dns", "control"]
    return subprocess.Popen(
        command, env=os.environ | credentials, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end of a run; return its exit code, and what it printed since."""
    out, err = run.communicate(timeout=300)
    assert "Traceback" not in out + err
    return run.returncode, out, err


def keys(answer: Any) -> Environment:
    """Return the variables that hold credentials in an answer of IAM or STS."""
    found = {"AWS_ACCESS_KEY_ID": answer["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"]}
    return found | ({"AWS_SESSION_TOKEN": answer["SessionToken"]} if "SessionToken" in answer else {})


def in_service_time(emulator: EmulatorAccount, seconds: float) -> str:
    """Return the time in this many service seconds: the target judges when credentials end."""
    control = Control(emulator.endpoint, emulator.token)
    try:
        return datetime.fromtimestamp(control.now() + seconds, UTC).isoformat()
    finally:
        control.close()


def session(emulator: EmulatorAccount, seconds: int) -> Environment:
    """Return the credentials of a session that ends after service seconds."""
    return keys(emulator.clients().client("sts", "").get_session_token(DurationSeconds=seconds)["Credentials"])


def verdicts(report: ConformanceReport) -> set[Verdict]:
    """Return the verdicts that occur among the tests."""
    return {test.verdict for claim in report.claims for test in claim.tests}


@pytest.mark.soak
def test_a_stopped_run_is_resumed_with_other_credentials(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """Two workers stop at once; the rest is judged later, and the account is as it was before both runs."""
    before, iam = list_resources(emulator.clients()), emulator.clients().client("iam", "")
    iam.create_user(UserName="runner")
    iam.put_user_policy(UserName="runner", PolicyName="all", PolicyDocument=ADMIN)
    key = iam.create_access_key(UserName="runner")["AccessKey"]
    run = begin(emulator, tmp_path, keys(key), *AREA, "--workers", "2")
    assert run.stdout is not None
    lines = [run.stdout.readline()]
    while " pass" not in lines[-1]:
        lines.append(run.stdout.readline())
        assert lines[-1], run.communicate()
    iam.delete_access_key(UserName="runner", AccessKeyId=key["AccessKeyId"])
    code, _, errors = finish(run)
    assert code == 3, errors
    assert "the credentials of the run are no longer valid" in errors
    identifier = lines[0].split()[1]
    assert f"with new credentials, `surveyor conform --resume {identifier} --out {tmp_path}` judges the rest" in errors
    assert f"surveyor sweep --account {ACCOUNT} --region us-east-1 --run {identifier}" in errors
    first = load_report(tmp_path / "report.json")
    assert verdicts(first) <= {Verdict.PASS, Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE, Verdict.NOT_RUN}
    assert {Verdict.PASS, Verdict.NOT_RUN} <= verdicts(first)
    assert ("left behind: " in errors) == (set(list_resources(emulator.clients())) > set(before))

    code, printed, errors = finish(begin(emulator, tmp_path, emulator.environment, "--resume", identifier))
    assert code in (0, 1), printed + errors
    last = load_report(tmp_path / "report.json")
    assert Verdict.NOT_RUN not in verdicts(last)
    assert last.runs[0] == identifier
    passed = {test.id for claim in first.claims for test in claim.tests if test.verdict is Verdict.PASS}
    assert passed <= {test.id for claim in last.claims for test in claim.tests if test.verdict is Verdict.PASS}
    assert list_resources(emulator.clients()) == before
    assert not list(tmp_path.glob("ledgers-of-*"))


@pytest.mark.soak
def test_a_session_that_ends_at_any_moment_blames_nothing(tmp_path: Path) -> None:
    """Its end is not known before; what was judged stays, and nothing fails for it."""
    with flowing(45.0) as emulator:
        os.environ.update(emulator.environment)
        areas = (*AREA, "--area", "dns")
        code, _, errors = finish(begin(emulator, tmp_path, session(emulator, 900), *areas, "--workers", "2"))
    assert code == 3
    assert "it is not known when they end" in errors
    assert verdicts(load_report(tmp_path / "report.json")).isdisjoint({Verdict.FAIL, Verdict.ERROR})


@pytest.mark.soak
def test_a_known_end_leaves_time_to_clean_up(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """No test begins in the last minute, in which the run deletes all that it made."""
    before = list_resources(emulator.clients())
    end = {"AWS_CREDENTIAL_EXPIRATION": in_service_time(emulator, 400)}
    code, _, errors = finish(begin(emulator, tmp_path, session(emulator, 36_000) | end, *AREA, "--workers", "2"))
    assert code == 3, errors
    assert "the credentials of the run end at 20" in errors
    assert "too soon for another test" in errors
    assert verdicts(load_report(tmp_path / "report.json")).isdisjoint({Verdict.FAIL, Verdict.ERROR})
    assert list_resources(emulator.clients()) == before


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [-3600, 30])
def test_credentials_that_end_too_soon_begin_no_run(emulator: EmulatorAccount, tmp_path: Path, seconds: int) -> None:
    """Exit 2, one line with the cure, no ledger."""
    end = {"AWS_CREDENTIAL_EXPIRATION": in_service_time(emulator, seconds)}
    code, printed, errors = finish(begin(emulator, tmp_path, session(emulator, 36_000) | end, *AREA))
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert errors.endswith("get new ones; nothing was created\n")
    assert not list(tmp_path.glob("ledger-*"))


@pytest.mark.soak
def test_another_account_is_not_resumed(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """The credentials decide: the same line as before a run, and the ledger of the run stays."""
    ledger = tmp_path / "ledger-main.jsonl"
    ledger.write_text("")
    (tmp_path / "run.json").write_text(
        '{"runs": ["0123abcd"], "target": "aws", "options": {"account": "111111111111", "endpoint": "'
        f'{emulator.endpoint}", "dns": "control"}}, "areas": ["namespaces"], "claims": [], "seed": 7, "workers": 1, '
        '"apiVersion": "surveyor/v1", "kind": "Run"}'
    )
    target = TargetReport("aws", "", "endpoint", (), {})
    times = ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00", 1.0, 1.0)
    save_report(ConformanceReport(target, "0", 7, AREA[1:], (), *times, (), "stopped"), tmp_path / "report.json")
    code, printed, errors = finish(begin(emulator, tmp_path, emulator.environment, "--resume", "0123abcd"))
    assert (code, printed) == (3, "")
    assert "expected account 111111111111 (--account); the credentials are of account 444455556666" in errors
    assert ledger.exists()
