"""`surveyor explain`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.cli import main

SERVICE = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-a"
ASK = ["explain", "--action", "servicediscovery:RegisterInstance", "--resource", SERVICE]
PUBLISHED = Path(__file__).parents[2] / "reports" / "published" / "embedded-0.1.0.json"


def run(*arguments: str) -> int:
    """The exit code of the command line."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def write(folder: Path, name: str, **elements: object) -> str:
    """A policy of one statement in a file."""
    statement = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"} | elements
    path = folder / name
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2))
    return str(path)


def test_the_statement_that_allows_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line and text of the statement that decided."""
    policy = write(tmp_path, "p.json", Sid="All")
    assert run(*ASK, "--policy", policy) == 0
    out = capsys.readouterr().out
    assert out.startswith("allowed: ")
    assert f"{policy}, line 4, statement 1 (All)" in out


def test_the_statement_that_denies_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A deny in the boundary decides, whatever the caller's policies allow."""
    allow, deny = write(tmp_path, "allow.json"), write(tmp_path, "deny.json", Effect="Deny")
    assert run(*ASK, "--policy", allow, "--boundary", deny) == 0
    out = capsys.readouterr().out
    assert out.startswith("denied: ")
    assert f"decided by {deny}" in out
    assert "missing" not in out


def test_what_is_missing_in_each_policy_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Identity policy, boundary and session policy lack the permission, and each gets the smallest statement."""
    other = write(tmp_path, "other.json", Action="route53:*")
    assert run(*ASK, "--policy", other, "--boundary", other, "--session", other) == 0
    out = capsys.readouterr().out
    assert out.count('"Action": "servicediscovery:RegisterInstance"') == 3
    assert ":assumed-role/" in out


def test_context_keys_are_those_of_the_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key with several values is repeated; without the key the condition is printed."""
    asked = {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}, "Bool": {"aws:SecureTransport": "true"}}
    policy = write(tmp_path, "p.json", Condition=asked)
    keys = ["--context", "aws:TagKeys=a", "--context", "AWS:tagkeys=b"]
    assert run(*ASK, "--policy", policy, *keys, "--context", "aws:SecureTransport=true") == 0
    assert capsys.readouterr().out.startswith("allowed: ")
    assert run(*ASK, "--policy", policy, *keys) == 0
    assert 'it allows if Bool aws:SecureTransport "true"; the request has none' in capsys.readouterr().out


def test_keys_of_the_principal_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """aws:username and aws:PrincipalArn follow from the principal."""
    policy = write(tmp_path, "p.json", Condition={"StringEquals": {"aws:username": "alice"}})
    assert run(*ASK, "--policy", policy, "--principal", "arn:aws:iam::111122223333:user/team/alice") == 0
    assert capsys.readouterr().out.startswith("allowed: ")


def test_a_role_needs_to_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For AssumeRole the missing statement is one of the trust policy, which has no Resource."""
    policy = write(tmp_path, "p.json", Action="sts:AssumeRole")
    role = "arn:aws:iam::111122223333:role/target"
    assert run("explain", "--action", "sts:AssumeRole", "--resource", role, "--policy", policy) == 0
    out = capsys.readouterr().out
    assert "missing in the resource's policy" in out
    assert '"Principal"' in out
    assert '"Resource"' not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain"], "either a REPORT, or --action"),
        (["explain", str(PUBLISHED), "--action", "a:b"], "either a REPORT, or --action"),
        (["explain", "--action", "RegisterInstance"], "service:Operation"),
        ([*ASK, "--policy", "nowhere.json"], "nowhere.json: cannot be read"),
        ([*ASK, "--context", "novalue"], "KEY=VALUE"),
        ([*ASK, "--principal", "alice"], "expected the ARN of a user"),
        (["explain", "nowhere.json"], "cannot be read"),
        (["explain", str(PUBLISHED), "--claim", "no.such"], "has no claim 'no.such'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is reported in one line."""
    assert run(*arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_an_invalid_policy_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the file and its problem."""
    path = tmp_path / "p.json"
    path.write_text("{")
    assert run(*ASK, "--policy", str(path)) == 2
    assert f"{path}: is not a valid identity policy: not JSON" in capsys.readouterr().err


def test_a_report_without_the_reason_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Denials without a reason are printed with the answer."""
    report = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    error = {"Code": "AccessDeniedException", "Message": "No."}
    call = {"kind": "call", "service": "ecs", "operation": "CreateService", "params": {}, "status": 400, "error": error}
    test = next(test for claim in report["claims"] for test in claim["tests"])
    test["evidence"] = [call | {"at": 0.0}]
    (path := tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert run("explain", str(path)) == 0
    out = capsys.readouterr().out
    assert "the answer does not say which permission is missing" in out
    assert "1 refused call in" in out


def test_dependent_permissions_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A registration calls Route 53 for its caller: permissions for that are printed, allowed or missing."""
    register = write(tmp_path, "register.json")
    zone = "arn:aws:route53:::hostedzone/Z1"
    records = write(tmp_path, "records.json", Action="route53:ChangeResourceRecordSets", Resource=zone)
    assert run(*ASK, "--policy", register, "--policy", records) == 0
    needed, _, missing = capsys.readouterr().out.partition("missing in an identity-based policy")
    assert "route53:ChangeResourceRecordSets" in needed
    assert "route53:CreateHealthCheck" in missing
    assert "route53:ChangeResourceRecordSets" not in missing


def test_a_call_without_dependent_permissions_prints_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Discovery needs no other action."""
    policy = write(tmp_path, "p.json")
    assert run("explain", "--action", "servicediscovery:DiscoverInstances", "--policy", policy) == 0
    assert "route53" not in capsys.readouterr().out


USER = "arn:aws:iam::123456789012:user/John"
DENIAL = f"User: {USER} is not authorized to perform: ecs:RunTask"
DECODED = {
    "allowed": False,
    "explicitDeny": False,
    "matchedStatements": {"items": []},
    "context": {
        "principal": {"id": "AIDA", "arn": USER},
        "action": "ec2:CreateVpc",
        "resource": "arn:aws:ec2:us-east-1:123456789012:vpc/*",
        "conditions": {"items": [{"key": "aws:Region", "values": {"items": [{"value": "us-east-1"}]}}]},
    },
}


def answer(folder: Path, text: str) -> str:
    """An answer of AWS in a file."""
    path = folder / "answer"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_error_message_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a command printed it."""
    text = f"An error occurred (AccessDeniedException): {DENIAL} because no service control policy allows the action"
    assert run("explain", answer(tmp_path, text)) == 0
    out = capsys.readouterr().out
    assert "a service control policy does not allow it" in out
    assert '"Effect"' not in out


def test_a_decoded_message_is_explained_by_the_policies_that_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The condition keys of its request are known; other policies may deny it all the same."""
    path = answer(tmp_path, json.dumps({"DecodedMessage": json.dumps(DECODED)}))
    policy = write(tmp_path, "p.json", Action="ec2:*", Condition={"StringEquals": {"aws:region": "us-east-1"}})
    assert run("explain", path, "--policy", policy) == 0
    out = capsys.readouterr().out
    assert out.startswith("denied: ec2:CreateVpc")
    assert "allowed: ec2:CreateVpc" in out
    assert "may deny it all the same" in out


def test_standard_input_is_read(tmp_path: Path) -> None:
    """As the end of a pipe from the AWS CLI."""
    command = [sys.executable, "-m", "surveyor", "explain", "-"]
    text = json.dumps({"DecodedMessage": json.dumps(DECODED)})
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("denied: ec2:CreateVpc")


def test_an_event_of_cloudtrail_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its errorMessage is one of AWS; in JSON quotation marks have backslashes."""
    resource = "arn:aws:ecs:us-east-1:1:task-definition/a:1"
    message = f'{DENIAL} on resource: "{resource}" with an explicit deny in a permissions boundary'
    assert run("explain", answer(tmp_path, json.dumps({"errorMessage": message}))) == 0
    out = capsys.readouterr().out
    assert f"ecs:RunTask on {resource} by" in out
    assert "the caller's permissions boundary decided" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no denial of AWS"),
        ("all is well", "has no denial of AWS"),
        ('{"DecodedMessage": "{\\"allowed\\": fal', "is not complete JSON, was it cut short?"),
        ('{"allowed": 1}', "at allowed"),
        ("[" * 50_000, "is"),
        ('{"a": 1}', "is not a"),
        ("\x1b[31m", "has no denial of AWS"),
    ],
)
def test_other_texts_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    """The line names the file and what was expected."""
    path = answer(tmp_path, text)
    assert run("explain", path) == 2
    err = capsys.readouterr().err
    assert words in err
    assert path in err
    assert err.count("\n") == 1


def test_a_claim_needs_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer of AWS has no claims."""
    assert run("explain", answer(tmp_path, DENIAL), "--claim", "a.b") == 2
    assert "--claim needs a report" in capsys.readouterr().err
