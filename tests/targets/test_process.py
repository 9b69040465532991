"""Targets that Surveyor starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.clock import WallClock
from surveyor.errors import TargetUnavailable
from surveyor.targets.model import Start
from surveyor.targets.process import start

FAKE = Path(__file__).parent.parent / "fake_target.py"
ANNOUNCING = """
import json, os, pathlib, signal, sys
pathlib.Path(sys.argv[1]).write_text(json.dumps(dict(os.environ)))
print(json.dumps({"endpoint": "http://127.0.0.1:" + sys.argv[2]}), flush=True)
signal.pause()
"""


def announcing(tmp_path: Path, first: str = "") -> Start:
    """A target that writes down its environment and announces itself by a line; `first` is run before."""
    script = tmp_path / "announce.py"
    script.write_text(first + ANNOUNCING)
    return Start(("{python}", str(script), str(tmp_path / "env.json"), "{port}"), ready="json-line")


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ready_when_it_answers() -> None:
    """The endpoint answers as soon as start returns, and is gone after stop."""
    started = start("fake", Start(("{python}", str(FAKE), "{port}")), seed=1)
    try:
        assert started.endpoint.startswith("http://127.0.0.1:")
        assert started.ended() is None
    finally:
        started.stop()
    assert not alive(started.pid)
    started.stop()


def test_environment_is_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither proxies nor AWS settings nor an emulator's own settings reach the target."""
    for name in ("HTTP_PROXY", "https_proxy", "AWS_ENDPOINT_URL", "AWS_PROFILE", "GATEWAY_PORT", "MOTO_ACCOUNT_ID"):
        monkeypatch.setenv(name, "elsewhere")
    start("fake", announcing(tmp_path), seed=1).stop()
    environment = json.loads((tmp_path / "env.json").read_text())
    assert "elsewhere" not in environment.values()
    assert environment["AWS_CONFIG_FILE"] == os.devnull


def test_one_that_ends_is_told_with_its_last_words() -> None:
    """A command that fails says why in the error."""
    with pytest.raises(TargetUnavailable, match="fake ended with status 1; it said: no such port before it was ready"):
        start("fake", Start(("{python}", "-c", "import sys; sys.exit('no such port')")), seed=1)
    with pytest.raises(TargetUnavailable, match="no-such-program: No such file or directory"):
        start("fake", Start(("no-such-program",)), seed=1)


def test_one_that_is_never_ready_is_given_up() -> None:
    """Nothing hangs: the bound is told, and the process is gone."""
    with pytest.raises(TargetUnavailable, match=r"not ready within 0\.3 s \(wall\)"):
        start("fake", Start(("{python}", "-c", "import signal; signal.pause()"), within=0.3), seed=1)


def test_unfit_announcement_is_shown() -> None:
    """A first line that is not the agreed one is quoted."""
    code = "print('hello', flush=True)\nimport signal\nsignal.pause()"
    with pytest.raises(TargetUnavailable, match="came 'hello'"):
        start("fake", Start(("{python}", "-c", code), ready="json-line"), 1)


def test_stubborn_one_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that ignores the request to end is killed, and its children with it."""
    monkeypatch.setattr("surveyor.timeouts.STOP", 0.2)
    started = start(
        "fake", announcing(tmp_path, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)"), seed=1
    )
    started.stop()
    assert not alive(started.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the parent-death signal")
def test_target_dies_with_us_even_by_kill(tmp_path: Path) -> None:
    """When the process that started a target is killed without a chance to clean up, the kernel ends the target."""
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


def test_two_of_a_kind_do_not_meet() -> None:
    """Two instances of one target have an endpoint each, and ending one leaves the other."""
    how = Start(("{python}", str(FAKE), "{port}"))
    first, second = start("fake", how, 1), start("fake", how, 1)
    try:
        assert first.endpoint != second.endpoint
        first.stop()
        assert second.ended() is None
    finally:
        first.stop()
        second.stop()
