"""`surveyor doctor`."""

from __future__ import annotations

import importlib.metadata
import shutil

import pytest

from surveyor.cli.doctor import doctor, examine


def test_everything_needed_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the tests run a survey can be made, and the way to make it is told."""
    doctor()
    assert "surveyor survey" in capsys.readouterr().out.splitlines()[-1]


def test_missing_tool_says_what_works_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optional tools are no reason to fail."""
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    tools = {finding.what: finding for finding in examine() if not finding.needed}
    assert not tools["dig"].ok
    assert "Surveyor asks by itself" in tools["dig"].said


def test_half_an_emulator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose extra is asked for is not there unless what the extra brings is, too."""
    asked = {"surveyor": ['thing[server]>=1; extra == "emulators"'], "thing": ['no-such-package; extra == "server"']}
    there = {"thing": "1.2"}

    def version(name: str) -> str:
        if name not in there:
            raise importlib.metadata.PackageNotFoundError(name)
        return there[name]

    monkeypatch.setattr("importlib.metadata.requires", lambda name: asked[name])
    monkeypatch.setattr("importlib.metadata.version", version)
    (found,) = [finding for finding in examine() if finding.what == "thing"]
    assert (found.ok, found.needed) == (False, False)
    assert found.said == (
        "1.2 without no-such-package, which thing[server] needs; "
        "only for --target thing: pip install 'surveyor[emulators]'"
    )
    there["no-such-package"] = "0.1"
    assert not [finding for finding in examine() if finding.what == "thing"]


def test_missing_need_is_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without something that a survey needs the exit code is 3, and its name is the last line."""
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
