"""`surveyor model`: output, files and exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.cli import main
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import run_target
from surveyor.targets.sweep import existing_resources
from tests.emulators import emulator

pytestmark = pytest.mark.soak


def run(*argv: str) -> int:
    """Run one command and return its exit code."""
    try:
        return main(["model", *argv])
    except SystemExit as ended:
        return int(ended.code or 0)


def test_divergence_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A divergence is printed with its claim and program; the program and model.json are written."""
    claim = "namespaces.delete-needs-no-services"
    assert run("--target", emulator("moto").label, "--claim", claim, "--out", str(tmp_path)) == 1
    report = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    assert (report["kind"], report["apiVersion"]) == ("ModelReport", "surveyor/v1")
    [found] = report["divergences"]
    assert (found["claim"], found["known"], found["again"]) == (claim, True, True)
    assert found["steps"][-1] == "DeleteNamespace n1"
    text = (tmp_path / "model" / found["script"]).read_text(encoding="utf-8")
    compile(text, found["script"], "exec")
    printed = capsys.readouterr().out
    assert claim in printed
    assert all(line.strip() in printed for line in text.splitlines())
    assert "seed 7" in printed
    assert "not tested, since moto lacks it: dns, public-dns, clock-control" in printed


def test_agreement_is_exit_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If the target agrees, the exit code is 0 and the number of histories is printed."""
    assert run("--examples", "5", "--steps", "6", "--seed", "11", "--out", str(tmp_path)) == 0
    assert "embedded agrees: 5 call sequences, " in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ["--target", "aws"],
        ["--target", "aws", "--account", "111122223333"],
        ["--target", "aws", "--endpoint", "https://servicediscovery.example.com"],
        ["--target", "https://servicediscovery.example.com"],
    ],
)
def test_other_machines_are_refused_without_the_option(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A target that is not on this machine is refused in one line that names the option."""
    assert run(*argv) == 2
    error = capsys.readouterr().err
    assert "--on-a-real-account" in error
    assert len(error.splitlines()) == 1


def test_account_is_still_required(capsys: pytest.CaptureFixture[str]) -> None:
    """With the option, the account must be given as for any other run."""
    assert run("--target", "aws", "--on-a-real-account") == 2
    assert "--account" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--target", "embeded"], 2, "did you mean 'embedded'"),
        (["--claim", "dns.srv.valu"], 2, "did you mean 'dns.srv.value'"),
        (["--claim", "dns.negative.cached-for-lesser-of-two"], 2, "the model does not cover"),
        (["--target", "http://127.0.0.1:1"], 3, "cannot be reached"),
    ],
)
def test_bad_input_gets_one_line(
    argv: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown names, claims that are not in the model, and unreachable targets are reported in one line."""
    assert run(*argv, "--out", str(tmp_path)) == code
    assert message in capsys.readouterr().err


def test_account_that_outlives_the_run_is_left_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one account, reached as AWS is, the resources of each history are deleted, and nothing is left."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "surveyor")
    embedded = load_target("embedded", find_layout().targets)
    assert embedded.start is not None
    flowing = replace(embedded.start, argv=(*embedded.start.argv, "--clock", "flow", "--scale", "30"))
    with run_target(replace(embedded, start=flowing), 7) as running:
        target = ["--target", "aws", "--endpoint", running.endpoint, "--dns", "control", "--account", "111122223333"]
        assert run(*target, "--examples", "3", "--steps", "5", "--out", str(tmp_path)) == 0, capsys.readouterr()
        cloudmap = running.clients.client("servicediscovery", "111122223333")
        assert cloudmap.list_namespaces()["Namespaces"] == []
        capsys.readouterr()
        assert run(*target, "--examples", "3", "--out", str(tmp_path / "poor"), "--budget", "calls=9") == 2
        assert capsys.readouterr().err == "surveyor: the budget of 9 calls is spent; --budget calls=N allows more\n"
        assert cloudmap.list_namespaces()["Namespaces"] == []
    assert existing_resources(tmp_path) == []


def test_interruption_keeps_what_was_found(tmp_path: Path) -> None:
    """Ctrl-C ends with exit code 130 and a report that says so."""
    argv = [sys.executable, "-m", "surveyor", "model"]
    argv += ["--examples", "300", "--out", str(tmp_path)]
    started = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert "up to 300 call sequences" in started.stdout.readline()
    started.stdout.readline()  # a tenth of them is done
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert (started.returncode, errors) == (130, "surveyor: interrupted\n")
    assert json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))["interrupted"] is True
