"""Targets that Surveyor starts."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.clock import WallClock
from surveyor.errors import TargetUnavailable
from surveyor.targets.model import Start
from surveyor.targets.process import StartedProcess, start

FAKE = Path(__file__).parent.parent / "fake_target.py"
ANNOUNCING = """
import json, os, pathlib, signal, sys
pathlib.Path(sys.argv[1]).write_text(json.dumps(dict(os.environ)))
print(json.dumps({"endpoint": "http://127.0.0.1:" + sys.argv[2]}), flush=True)
signal.pause()
"""


def announcing(tmp_path: Path, first: str = "") -> Start:
    """Return a target that saves its environment and announces itself by a line; the code `first` runs before."""
    script = tmp_path / "announce.py"
    script.write_text(first + ANNOUNCING)
    return Start(("{python}", str(script), str(tmp_path / "env.json"), "{port}"), ready="json-line")


def alive(pid: int) -> bool:
    """Return whether the process is running (a zombie is not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ready_when_it_answers() -> None:
    """The target runs when `start` returns, and no longer after `stop`."""
    started = start("fake", Start(("{python}", str(FAKE), "{port}")), seed=1)
    try:
        assert started.endpoint.startswith("http://127.0.0.1:")
        assert started.ended() is None
    finally:
        started.stop()
    assert not alive(started.pid)
    started.stop()


def test_a_fork_of_its_launcher_knows_whether_it_runs() -> None:
    """It cannot wait for the target, which another process started, and leaves its end to the launcher."""
    started = start("fake", Start(("{python}", str(FAKE), "{port}")), seed=1)

    def look(expected: str | None) -> int:
        """Return the exit code of a fork that stops the target and expects this of it: 0 if it is so."""
        fork = multiprocessing.get_context("fork").Process(target=_expect, args=(started, expected))
        fork.start()
        fork.join(30)
        assert fork.exitcode is not None
        return fork.exitcode

    try:
        assert look(None) == 0
        assert started.ended() is None
    finally:
        started.stop()
    assert look("fake ended") == 0


def _expect(started: StartedProcess, expected: str | None) -> None:
    started.stop()
    sys.exit(started.ended() != expected)


def test_the_environment_is_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither proxies nor AWS settings nor an emulator's own settings reach the target."""
    for name in ("HTTP_PROXY", "https_proxy", "AWS_ENDPOINT_URL", "AWS_PROFILE", "GATEWAY_PORT", "MOTO_ACCOUNT_ID"):
        monkeypatch.setenv(name, "elsewhere")
    start("fake", announcing(tmp_path), seed=1).stop()
    environment = json.loads((tmp_path / "env.json").read_text())
    assert "elsewhere" not in environment.values()
    assert environment["AWS_CONFIG_FILE"] == os.devnull


def test_a_target_that_ends_is_reported_with_its_last_line() -> None:
    """If the command fails, the error quotes its last line."""
    with pytest.raises(
        TargetUnavailable, match="fake ended with status 1; its last line: no such port before it was ready"
    ):
        start("fake", Start(("{python}", "-c", "import sys; sys.exit('no such port')")), seed=1)
    with pytest.raises(TargetUnavailable, match="no-such-program: No such file or directory"):
        start("fake", Start(("no-such-program",)), seed=1)


def test_a_target_that_is_never_ready_is_stopped() -> None:
    """After the time limit the process is killed, and the error names the limit."""
    with pytest.raises(TargetUnavailable, match=r"not ready within 0\.3 s \(wall\)"):
        start("fake", Start(("{python}", "-c", "import signal; signal.pause()"), within=0.3), seed=1)


def test_an_invalid_announcement_is_quoted() -> None:
    """If the first line is not the specified JSON, the error quotes it."""
    code = "print('hello', flush=True)\nimport signal\nsignal.pause()"
    with pytest.raises(TargetUnavailable, match="got 'hello'"):
        start("fake", Start(("{python}", "-c", code), ready="json-line"), 1)


def test_a_target_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that ignores SIGTERM is killed after the time limit."""
    monkeypatch.setattr("surveyor.timeouts.STOP", 0.2)
    started = start(
        "fake", announcing(tmp_path, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)"), seed=1
    )
    started.stop()
    assert not alive(started.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the parent-death signal")
def test_a_target_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    """When the process that started a target gets SIGKILL, the kernel ends the target."""
    code = (
        "import sys\nfrom surveyor.targets.model import Start\nfrom surveyor.targets.process import start\n"
        f"print(start('fake', Start(('{{python}}', {str(FAKE)!r}, '{{port}}')), 1).pid, flush=True)\nsys.stdin.read()"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    assert parent.stdin is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    WallClock().eventually(lambda: not alive(pid), within=10)


def test_two_instances_are_independent() -> None:
    """Two instances of a target have different endpoints, and stopping one does not stop the other."""
    command = Start(("{python}", str(FAKE), "{port}"))
    first, second = start("fake", command, 1), start("fake", command, 1)
    try:
        assert first.endpoint != second.endpoint
        first.stop()
        assert second.ended() is None
    finally:
        first.stop()
        second.stop()
