"""A target that Surveyor starts: a child process that is ready, or an error that shows its last words.

It lives in a process group of its own (Ctrl-C is for us; we stop it), dies with us, and inherits next to nothing of
the environment, so that neither proxies nor AWS settings nor a user's emulator settings change what is tested.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from surveyor import timeouts
from surveyor.clock import WallClock
from surveyor.errors import TargetUnavailable, WrongAnswer
from surveyor.targets import parent_death
from surveyor.targets.model import Start

__all__ = ["StartedProcess", "free_port", "start"]

_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "COVERAGE_PROCESS_START",
)


class StartedProcess:
    """A started target: its endpoint, and whether it still runs."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], scratch: tempfile.TemporaryDirectory[str]) -> None:
        self.name = name
        self.endpoint = ""
        self._process = process
        self._scratch = scratch

    @property
    def pid(self) -> int:
        """Of the target's own process, which is also the id of its process group."""
        return self._process.pid

    @property
    def _folder(self) -> Path:
        return Path(self._scratch.name)

    def ended(self) -> str | None:
        """Why it no longer runs, with its last words; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        words = self.last_words()
        return f"{self.name} {how}" + (f"; it said: {words}" if words else "")

    def last_words(self) -> str:
        """The last line with text in it that the process wrote to stderr."""
        lines = [line.strip() for line in self._read("stderr").splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    def log_size(self) -> int:
        """How many bytes it has written to stderr so far."""
        with contextlib.suppress(OSError):
            return (self._folder / "stderr").stat().st_size
        return 0

    def log_since(self, offset: int) -> str:
        """What it wrote to stderr after `offset` bytes."""
        with contextlib.suppress(OSError), (self._folder / "stderr").open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")
        return ""

    def first_line(self) -> str:
        """The first whole line that the process wrote to stdout, or nothing yet."""
        line, end, _ = self._read("stdout").partition("\n")
        return line if end else ""

    def stop(self) -> None:
        """End it and take away its scratch directory; does nothing the second time."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(timeouts.STOP)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        self._scratch.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        # The group is the process's own, so its children get the signal too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / name).read_text(encoding="utf-8", errors="replace")
        return ""


def start(name: str, how: Start, seed: int) -> StartedProcess:
    """Start a target and wait until it is ready.

    Call it from a thread that lives as long as the target: the kernel's promise holds for the thread, not the process.
    Raises TargetUnavailable, with what it said, when it ends or is not ready within `how.within` wall seconds.
    """
    port = free_port()
    scratch = tempfile.TemporaryDirectory(prefix=f"surveyor-{name}-", ignore_cleanup_errors=True)
    words = {"python": sys.executable, "port": str(port), "seed": str(seed), "scratch": scratch.name}
    command = [word.format(**words) for word in how.argv]
    launch = [sys.executable, "-I", "-S", str(parent_death.__file__), str(os.getpid()), *command]
    env = _environment() | {key: value.format(**words) for key, value in how.env.items()}
    folder = Path(scratch.name)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(launch, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, process_group=0)
    started = StartedProcess(name, process, scratch)
    try:
        _await_ready(started, how, port)
    except BaseException:
        started.stop()
        raise
    return started


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # Its own AWS clients, if it has any, must find neither our user's settings nor a metadata service.
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | nothing | {"AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1"}


def _await_ready(started: StartedProcess, how: Start, port: int) -> None:
    def ready() -> bool:
        ended = started.ended()
        if ended:
            missing = "; surveyor doctor tells what is missing" if "ModuleNotFoundError" in ended else ""
            raise TargetUnavailable(f"{ended} before it was ready{missing}")
        if how.ready == "json-line":
            line = started.first_line()
            started.endpoint = _endpoint(started.name, line) if line else ""
        elif _answers(port, how.path):
            started.endpoint = f"http://127.0.0.1:{port}"
        return bool(started.endpoint)

    try:
        WallClock().eventually(ready, within=how.within)
    except WrongAnswer:
        words = started.last_words()
        said = f"; it said: {words}" if words else ""
        raise TargetUnavailable(f"{started.name} was not ready within {how.within:g} s (wall){said}") from None


def _endpoint(name: str, line: str) -> str:
    try:
        endpoint = json.loads(line)["endpoint"]
        if not isinstance(endpoint, str) or not urlsplit(endpoint).port:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise TargetUnavailable(
            f'{name}: expected a first line {{"endpoint": "http://…:port", …}}, came {line[:200]!r}'
        ) from None
    return endpoint


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeouts.CONNECT)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
