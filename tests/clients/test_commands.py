"""`surveyor client` and `surveyor load --runtimes`: requests that cannot be carried out, and real clients."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from surveyor.sandbox import try_parts

COMMAND = (sys.executable, "-m", "surveyor")
SAMPLES = Path(__file__).with_name("samples")
FORBID = 'for kind in user net mnt; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec "$@"'


def need_sandbox() -> None:
    """Skip where this machine allows no sandbox."""
    if problems := {part: problem for part, problem in try_parts().items() if problem}:
        pytest.skip(f"this machine allows no sandbox: {problems}")


def run(*words: str, before: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [*before, *COMMAND, *words], capture_output=True, text=True, timeout=180, check=False, **options
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["client"], "what is the client? surveyor client -- COMMAND"),
        (["client", "--", "/no/such/program"], "'/no/such/program' is no program that can be run"),
        (["client", "--host", "Web", "--", "true"], "--host 'Web': expected a name of at least two parts"),
        (["load", "--runtimes", "no-such-runtime"], "unknown runtime 'no-such-runtime'"),
        (["load", "--markdown", "table.md"], "--scenario and --markdown go with --runtimes"),
        (["load", "--scenario", "stop"], "--scenario and --markdown go with --runtimes"),
        (["load", "--runtimes", "--scenario", "other"], "unknown scenario 'other' of --runtimes; there are default, "),
        (["load", "--runtimes", "--target", "aws"], "--runtimes runs on the embedded target in real time"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
@pytest.mark.soak
def test_requests_that_cannot_be_carried_out(words: list[str], line: str) -> None:
    """One line and exit code 2."""
    done = run(*words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert line in done.stderr


@pytest.mark.soak
def test_without_namespaces_there_is_one_line(tmp_path: Path) -> None:
    """Exit code 3; no folder is left."""
    need_sandbox()
    before = ("unshare", "-Ur", "sh", "-c", FORBID, "sh")
    for words in (["client", "--out", str(tmp_path / "a"), "--", "true"], ["load", "--runtimes", "curl"]):
        done = run(*words, before=before)
        assert done.returncode == 3, done.stderr
        assert "a sandbox cannot be made here" in done.stderr
    assert not (tmp_path / "a").exists()


@pytest.mark.soak
def test_a_command_that_ends_at_once_is_not_judged(tmp_path: Path) -> None:
    """Exit code 5, and what to do; the report is JSON, and nothing is left running."""
    need_sandbox()
    done = run("client", "--out", str(tmp_path), "--json", "-", "--", "true")
    assert done.returncode == 5, done.stderr
    report = json.loads(done.stdout)
    assert "--repeat" in report["verdicts"][-1]["sentence"]
    assert json.loads((tmp_path / "client.json").read_text()) == report
    assert "not seen" in (tmp_path / "client.html").read_text()


CLIENTS: Mapping[str, tuple[list[str], Mapping[str, str]]] = {
    "pooled": (
        [sys.executable, str(SAMPLES / "pooled.py")],
        {"resolution": "asks-per-connection", "connections": "keeps-connections", "drain": "keeps-draining"},
    ),
    "per-call": (
        [sys.executable, str(SAMPLES / "per_call.py")],
        {"resolution": "asks-per-connection", "walk": "walks", "drain": "leaves-draining"},
    ),
    "once": (
        [sys.executable, str(SAMPLES / "once.py")],
        {"resolution": "resolved-once", "dead": "never-leaves-dead"},
    ),
    "cached": (
        [sys.executable, str(SAMPLES / "cached.py"), "12", "4"],
        {"resolution": "keeps-answers", "walk": "no-walk", "nxdomain": "remembers-nxdomain"},
    ),
    "ttl": (
        [sys.executable, str(SAMPLES / "cached.py"), "5", "0"],
        {"resolution": "keeps-ttl", "walk": "no-walk", "nxdomain": "forgets-nxdomain"},
    ),
    "curl": (
        ["--repeat", "0.4", "curl", "-s", "{url}"],
        {"resolution": "asks-per-connection", "connections": "connects-per-call", "walk": "walks"},
    ),
}
"""Clients by kind, with the traits that each must have."""


@pytest.mark.soak
def test_real_clients_are_judged(subtests: pytest.Subtests) -> None:
    """The verdicts are those of the kind, whatever the client is written in; all are judged at once."""
    need_sandbox()
    here = {name: words for name, (words, _) in CLIENTS.items() if name != "curl" or shutil.which("curl")}
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.clients.short_course", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name, words in here.items()
    }
    for name, process in running.items():
        out, errors = process.communicate(timeout=400)
        with subtests.test(name):
            assert process.returncode == 0, errors.decode()
            judged = json.loads(out)
            found = {check: trait for check, (trait, _) in judged["verdicts"].items()}
            assert {check: found.get(check) for check in CLIENTS[name][1]} == CLIENTS[name][1]
            if name == "curl":
                assert judged["software"] == ["libcurl"]
            if name == "cached":
                assert judged["verdicts"]["resolution"][1] == pytest.approx(12, abs=2)
    for name in CLIENTS.keys() - here.keys():
        with subtests.test(name):
            pytest.skip(f"{name} is not installed")
