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
        (["load", "--markdown", "table.md"], "--markdown goes with --runtimes"),
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


@pytest.fixture(scope="module")
def judged() -> Mapping[str, Mapping[str, Any]]:
    """Return what is judged of clients of every kind, which are judged at once, each in a sandbox."""
    need_sandbox()
    python = sys.executable
    clients: dict[str, list[str]] = {
        "pooled": [python, str(SAMPLES / "pooled.py")],
        "per-call": [python, str(SAMPLES / "per_call.py")],
        "once": [python, str(SAMPLES / "once.py")],
        "cached": [python, str(SAMPLES / "cached.py"), "12", "4"],
        "ttl": [python, str(SAMPLES / "cached.py"), "5", "0"],
    }
    if shutil.which("curl"):
        clients["curl"] = ["--repeat", "0.4", "curl", "-s", "{url}"]
    running = {
        name: subprocess.Popen(
            [python, "-m", "tests.clients.short_course", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name, words in clients.items()
    }
    found = {}
    for name, process in running.items():
        out, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors.decode()
        found[name] = json.loads(out)
    return found


@pytest.mark.soak
@pytest.mark.parametrize(
    ("client", "traits"),
    [
        (
            "pooled",
            {"resolution": "asks-per-connection", "connections": "keeps-connections", "drain": "keeps-draining"},
        ),
        ("per-call", {"resolution": "asks-per-connection", "walk": "walks", "drain": "leaves-draining"}),
        ("once", {"resolution": "resolved-once", "dead": "never-leaves-dead"}),
        ("cached", {"resolution": "keeps-answers", "walk": "no-walk", "nxdomain": "remembers-nxdomain"}),
        ("ttl", {"resolution": "keeps-ttl", "walk": "no-walk", "nxdomain": "forgets-nxdomain"}),
        ("curl", {"resolution": "asks-per-connection", "connections": "connects-per-call", "walk": "walks"}),
    ],
)
def test_real_clients_are_judged(judged: Mapping[str, Any], client: str, traits: Mapping[str, str]) -> None:
    """The verdicts are those of the kind, whatever the client is written in."""
    if client not in judged:
        pytest.skip(f"{client} is not installed")
    found = {check: trait for check, (trait, _) in judged[client]["verdicts"].items()}
    assert {check: found.get(check) for check in traits} == traits
    if client == "curl":
        assert judged[client]["software"] == ["libcurl"]
    if client == "cached":
        assert judged[client]["verdicts"]["resolution"][1] == pytest.approx(12, abs=2)
