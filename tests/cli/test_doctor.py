"""`surveyor doctor`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.cli.doctor import doctor, run_checks
from surveyor.layout import find_layout
from surveyor.targets import all_versions


def test_everything_needed_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    """A survey can run on the machine of these tests, and the last line names the command."""
    doctor()
    assert "surveyor survey" in capsys.readouterr().out.splitlines()[-1]


def test_a_missing_tool_reports_what_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An optional tool that is absent is described, and is no error."""
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    optional = {check.name: check for check in run_checks() if not check.required}
    assert not optional["dig"].ok
    assert "Surveyor has its own resolver" in optional["dig"].detail


def test_emulators_are_absent_until_their_environment_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each version of an emulator has a line with the command that creates its environment, or what prevents it."""
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "cache"))
    checks = {check.name: check for check in run_checks()}
    assert "moto@5.2.5" in checks
    for label in all_versions(find_layout().targets):
        assert (checks[label].status, checks[label].required) == ("absent", False)
        assert checks[label].detail.endswith(f"surveyor targets --create {label}")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "file"))
    (moto,) = [check for check in run_checks() if check.name == "moto@5.2.5"]
    assert moto.detail == (
        f"{tmp_path / 'file' / 'environments'} cannot be created, since {tmp_path / 'file'} cannot be written; "
        "set SURVEYOR_CACHE to another folder"
    )


def test_a_missing_requirement_is_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """If a required package is missing, the exit code is 3 and the last line names it."""
    import typer

    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no-such-package>=1", 'x; extra == "dev"'])
    with pytest.raises(typer.Exit) as ended:
        doctor()
    assert ended.value.exit_code == 3
    out = capsys.readouterr().out
    assert "no-such-package\tMISSING\tnot installed, needed is >=1" in out
    assert out.splitlines()[-1] == "a survey needs: no-such-package"


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
    (tasks,) = [check for check in run_checks() if check.name == "tasks"]
    assert tasks.ok
    assert detail in tasks.detail
    assert "256 processes" in tasks.detail
