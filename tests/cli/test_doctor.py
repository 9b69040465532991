"""`surveyor doctor`."""

from __future__ import annotations

import importlib.metadata
import shutil

import pytest

from surveyor.cli.doctor import doctor, run_checks


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


def test_an_emulator_without_its_extra_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with a requested extra counts as installed only with the packages of the extra."""
    requirements = {
        "surveyor": ['thing[server]>=1; extra == "emulators"'],
        "thing": ['no-such-package; extra == "server"'],
    }
    installed = {"thing": "1.2"}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr("importlib.metadata.requires", lambda name: requirements[name])
    monkeypatch.setattr("importlib.metadata.version", version)
    (thing,) = [check for check in run_checks() if check.name == "thing"]
    assert (thing.ok, thing.required) == (False, False)
    assert thing.detail == (
        "1.2 without no-such-package, which thing[server] needs; "
        "only for --target thing: pip install 'surveyor[emulators]'"
    )
    installed["no-such-package"] = "0.1"
    assert not [check for check in run_checks() if check.name == "thing"]


def test_a_missing_requirement_is_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """If a required package is missing, the exit code is 3 and the last line names it."""
    import typer

    monkeypatch.setattr(
        "importlib.metadata.requires", lambda name: ["no-such-package>=1", 'moto; extra == "emulators"']
    )
    with pytest.raises(typer.Exit) as ended:
        doctor()
    assert ended.value.exit_code == 3
    out = capsys.readouterr().out
    assert "no-such-package\tMISSING\tnot installed, needed is >=1" in out
    assert out.splitlines()[-1] == "a survey needs: no-such-package"
