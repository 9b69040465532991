"""`surveyor doctor`."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from surveyor import machine
from surveyor.cli._support.doctor_checks import DoctorCheck, network, surroundings
from surveyor.cli._support.doctor_checks.network import network_checks
from surveyor.cli._support.doctor_checks.programs import program_checks
from surveyor.cli._support.doctor_checks.requirements import environment_checks, target_check
from surveyor.cli._support.doctor_checks.surroundings import surrounding_checks
from surveyor.cli.doctor import doctor
from surveyor.errors import TargetUnavailable
from surveyor.layout import find_layout
from surveyor.targets import all_versions, running

COMMAND = (sys.executable, "-m", "surveyor", "doctor")


def checks_by_name(checks: Iterable[DoctorCheck]) -> dict[str, DoctorCheck]:
    """Return checks by their names."""
    return {check.name: check for check in checks}


def test_everything_needed_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    """A survey can run on the machine of these tests: the embedded target starts; the last line names the command."""
    doctor()
    *_, target, last = capsys.readouterr().out.splitlines()
    assert target.startswith("embedded target\tok\tstarted and answered, ")
    assert "surveyor survey" in last


def test_json_has_what_the_table_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Each check has its status, and what follows where it is absent."""
    doctor(as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["ready"]) == ("surveyor/doctor/v1", True)
    rows = {row["name"]: row for row in document["checks"]}
    assert {"python", "sandbox: ports", "credentials for AWS", "processors", "clock", "docker", "reports"} <= set(rows)
    assert rows["python"]["status"] == "ok"
    assert {row["status"] for row in document["checks"]} <= {"ok", "absent", "limited", "missing"}
    for row in document["checks"]:
        assert set(row) == {"name", "status", "required", "detail", "without", "cure"}
        assert row["status"] == "ok" or row["detail"]


def test_a_missing_tool_reports_what_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that is absent is described with what works without it and how to get it, and is no error."""
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    optional = checks_by_name(program_checks())
    assert not optional["dig"].ok
    assert optional["dig"].text == (
        "only for DNS queries by hand; Surveyor has its own resolver; to change that: apt install bind9-dnsutils"
    )
    for name in ("unbound", "chromium", "curl", "node"):
        assert (optional[name].status, bool(optional[name].cure)) == ("absent", True)
    assert optional["docker"].ok


def test_emulators_are_absent_until_their_environment_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each version of an emulator has a line with the command that creates its environment, or what prevents it."""
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "cache"))
    checks = checks_by_name(environment_checks())
    assert "moto@5.2.5" in checks
    for label in all_versions(find_layout().targets):
        assert (checks[label].status, checks[label].required) == ("absent", False)
        assert checks[label].detail.endswith(f"surveyor targets --create {label}")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "file"))
    assert checks_by_name(environment_checks())["moto@5.2.5"].detail == (
        f"{tmp_path / 'file' / 'environments'} cannot be created, since {tmp_path / 'file'} cannot be written; "
        "set SURVEYOR_CACHE to another folder"
    )


def test_a_missing_requirement_is_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """If a required package is missing, the exit code is 3, the last line names it, and the target is not started."""
    import typer

    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no-such-package>=1", 'x; extra == "dev"'])
    with pytest.raises(typer.Exit) as ended:
        doctor()
    assert ended.value.exit_code == 3
    out = capsys.readouterr().out
    assert "no-such-package\tMISSING\tnot installed, needed is >=1; to change that: pip install surveyor" in out
    assert "\nembedded target\t" not in out
    assert out.splitlines()[-1] == "a survey needs: no-such-package"


def test_a_target_that_does_not_start_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its start said is the detail."""

    def fail(*_: object) -> None:
        raise TargetUnavailable("embedded ended with status 1 before it was ready")

    monkeypatch.setattr(running, "launch", fail)
    check = target_check()
    assert (check.status, check.detail) == ("MISSING", "embedded ended with status 1 before it was ready")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no namespaces")
@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("", "run in a PID namespace: nothing of them outlives the target"),
        ("unshare: Operation not permitted", "without a PID namespace (unshare: Operation not permitted) a task can"),
    ],
)
def test_the_isolation_of_tasks_is_stated(monkeypatch: pytest.MonkeyPatch, said: str, detail: str) -> None:
    """What keeps tasks within their limits is what the embedded target finds on this machine, and what follows."""
    completed = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: completed)
    tasks = checks_by_name(network_checks())["tasks"]
    assert tasks.ok
    assert detail in tasks.detail
    assert "256 processes" in tasks.detail


@pytest.mark.soak
def test_credentials_are_counted_and_never_printed(tmp_path: Path) -> None:
    """Where they are is named; no value of a variable or a file, and no name of a profile, is in the output."""
    (tmp_path / "credentials").write_text(
        "[payroll-admin]\naws_access_key_id = AKIAFILEFILEFILEFILE\naws_secret_access_key = filesecretfilesecret\n"
    )
    environment = {
        **os.environ,
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": "AKIAVARIABLEVARIABLE",
        "AWS_SECRET_ACCESS_KEY": "variablesecretvariablesecret",
        "AWS_SESSION_TOKEN": "variabletokenvariabletoken",
    }
    done = subprocess.run([*COMMAND, "--json"], capture_output=True, text=True, check=False, env=environment)
    [row] = [row for row in json.loads(done.stdout)["checks"] if row["name"] == "credentials for AWS"]
    assert (row["status"], row["detail"]) == ("ok", "variables, 1 profile of the AWS CLI; not tried")
    for secret in ("AKIA", "filesecret", "variablesecret", "variabletoken", "payroll"):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize("content", ["[profile", "\x00\x1b[31m", "[a]\n[a]\nx"])
def test_broken_settings_of_the_aws_cli_are_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    """They are no error of a survey of the embedded target."""
    (tmp_path / "config").write_text(content)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    check = checks_by_name(surrounding_checks())["credentials for AWS"]
    assert (check.ok, check.required) == (False, False)
    assert "\n" not in check.text


def test_a_full_disk_and_a_folder_that_cannot_be_written_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without room for temporary files no survey runs; without room for reports one with --out does."""
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    checks = checks_by_name(surrounding_checks())
    assert (checks["temporary files"].status, checks["reports"].status) == ("MISSING", "absent")
    assert "0.0 GiB free, needed are 200 MiB" in checks["reports"].text
    assert checks["reports"].text.endswith("name another folder by --out")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert checks_by_name(surrounding_checks())["reports"].detail.endswith(" cannot be written")


def test_a_folder_that_was_removed_has_no_place_for_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Doctor says what to do, and is no error."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    reports = checks_by_name(surrounding_checks())["reports"]
    assert (reports.status, reports.text) == ("absent", "the current directory was removed; change to another")


def test_low_ports_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where port 80 of a loopback address cannot be bound, the row says what needs it, and what gives it."""

    def refuse(self: socket.socket, address: tuple[str, int]) -> None:
        if address[1] in (53, 80):
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    checks = checks_by_name(network_checks())
    for name in ("low ports of tasks", "resolvers of tasks"):
        assert (checks[name].status, checks[name].required) == ("absent", False)
        assert checks[name].text.endswith("to change that: --sandbox or root")


@pytest.mark.parametrize(
    ("parts", "inside", "text"),
    [
        ({"namespaces": ""}, "", "refused to this user outside of a sandbox, and permitted in one; "),
        ({"namespaces": ""}, "refused", "refused; "),
        ({"namespaces": "not permitted"}, "", "refused; "),
    ],
)
def test_packet_filters_are_tried_in_a_sandbox_where_they_are_refused(
    monkeypatch: pytest.MonkeyPatch, parts: dict[str, str], inside: str, text: str
) -> None:
    """Some kernels refuse them to ordinary users, but not in a network namespace of their own."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, inside if command[0] == "sandbox" else "refused", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(network, "is_inside", lambda: False)
    monkeypatch.setattr(network, "try_parts", lambda: parts)
    monkeypatch.setattr(network, "command_in", lambda command: ["sandbox", *command])
    check = checks_by_name(network_checks())["packet filters"]
    assert (check.status, check.required) == ("absent", False)
    assert check.text.startswith(text)
    helps = not any(parts.values()) and not inside
    assert check.text.endswith("to change that: --sandbox or root" if helps else "to change that: run as root")


def test_a_busy_machine_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much longer work takes is said; a survey runs nevertheless."""
    monkeypatch.setattr(surroundings, "measure_slowdown", lambda: machine.BUSY + 1)
    processors = checks_by_name(surrounding_checks())["processors"]
    assert processors.status == "limited"
    assert "work takes 4.0 times as long" in processors.detail


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no namespaces")
def test_parts_of_a_sandbox_are_tried_where_they_are_forbidden() -> None:
    """Where no user namespace may be made, each part says so, and the embedded target is ready nevertheless."""
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces; exec "$@"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", forbid, "sh", *COMMAND, "--json"], capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr:
        pytest.skip(f"this machine allows no user namespace: {done.stderr.strip()}")
    document = json.loads(done.stdout)
    rows = {row["name"]: row for row in document["checks"]}
    assert "user.max_user_namespaces=0 (an administrator" in rows["sandbox: namespaces"]["detail"]
    assert rows["sandbox: ports"]["detail"] == "needs namespaces"
    assert (done.returncode, document["ready"]) == (0, True)
