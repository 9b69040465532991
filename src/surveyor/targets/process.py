"""A target that Surveyor starts: a child process that is ready, or an error with its last line of output.

It runs in a separate process group (Ctrl-C reaches only Surveyor, which stops it), ends with this process, and inherits
almost nothing of the environment, so that neither proxies nor AWS settings nor settings of emulators change the test.
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
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from surveyor import sandbox, timeouts
from surveyor.clock import WallClock
from surveyor.errors import TargetUnavailable, WrongAnswer
from surveyor.targets import parent_death
from surveyor.targets.environments import use_environment
from surveyor.targets.model import TOKEN_VARIABLE, Environment, Start
from surveyor.targets.scratch import Scratch

__all__ = ["StartedProcess", "free_port", "launch", "start"]

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_KEPT_FOR_OWN_PYTHON = ("PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", TOKEN_VARIABLE, sandbox.MARK)
"""Environment variables that a target inherits: all targets, and those that run in Surveyor's own environment."""


class StartedProcess:
    """A started target with its endpoint, and the token of its control endpoint if it has one."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], scratch: Scratch, settings: Start, port: int
    ) -> None:
        self.name = name
        self.endpoint = ""
        self.token = ""
        self._process = process
        self._launcher = os.getpid()
        self._scratch = scratch
        self._settings = settings
        self._port = port

    @property
    def pid(self) -> int:
        """Return the id of the process, which is also that of its process group."""
        return self._process.pid

    @property
    def _folder(self) -> Path:
        return self._scratch.path

    def ended(self) -> str | None:
        """Return why it no longer runs, with its last line of output; None while it runs."""
        if os.getpid() != self._launcher:  # only the launcher can wait for it
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 0)
                return None
            return f"{self.name} ended"
        code = self._process.poll()
        if code is None:
            return None
        reason = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        line = self.last_line()
        return f"{self.name} {reason}" + (f"; its last line: {line}" if line else "")

    def last_line(self) -> str:
        """Return the last line with text that the process wrote to stderr."""
        lines = [line.strip() for line in self._read("stderr").splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    def log_size(self) -> int:
        """Return the number of bytes that it has written to stderr so far."""
        with contextlib.suppress(OSError):
            return (self._folder / "stderr").stat().st_size
        return 0

    def log_since(self, offset: int) -> str:
        """Return what it wrote to stderr after `offset` bytes."""
        with contextlib.suppress(OSError), (self._folder / "stderr").open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")
        return ""

    def first_line(self) -> str:
        """Return the first complete line that the process wrote to stdout, or "" if there is none yet."""
        line, end, _ = self._read("stdout").partition("\n")
        return line if end else ""

    def await_ready(self) -> None:
        """Wait until it is ready, and learn its endpoint. Raises TargetUnavailable as `start` does."""
        within = self._settings.within
        try:
            WallClock().eventually(self.is_ready, within=within)
        except WrongAnswer:
            line = self.last_line()
            output = f"; its last line: {line}" if line else ""
            raise TargetUnavailable(f"{self.name} was not ready within {within:g} s (wall){output}") from None

    def is_ready(self) -> bool:
        """Return whether it is ready, and learn its endpoint then. Raises TargetUnavailable if it has ended."""
        ended = self.ended()
        if ended:
            missing = "; run `surveyor doctor` to see what is missing" if "ModuleNotFoundError" in ended else ""
            raise TargetUnavailable(f"{ended} before it was ready{missing}")
        if self._settings.ready == "json-line":
            line = self.first_line()
            self.endpoint, self.token = _addresses(self.name, line) if line else ("", "")
        elif _answers(self._port, self._settings.path):
            self.endpoint = f"http://127.0.0.1:{self._port}"
        return bool(self.endpoint)

    def stop(self) -> None:
        """Stop it and delete its scratch directory; do nothing the second time, and in a fork of the launcher."""
        if os.getpid() != self._launcher:
            return
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(timeouts.STOP)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        self._scratch.delete()

    def _signal(self, number: signal.Signals) -> None:
        # The group contains only this process and its children, which get the signal too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / name).read_text(encoding="utf-8", errors="replace")
        return ""


def start(name: str, settings: Start, seed: int) -> StartedProcess:
    """Start a target and wait until it is ready.

    Call it from a thread that lives as long as the target: the parent-death signal follows the thread, not the process.
    Raises TargetUnavailable, with its last line of output, if it ends or is not ready within
    `settings.within` wall seconds, and if its environment cannot be created.
    """
    started = launch(name, settings, seed)
    try:
        started.await_ready()
    except BaseException:
        started.stop()
        raise
    return started


def launch(name: str, settings: Start, seed: int) -> StartedProcess:
    """Start a target as `start` does, without waiting until it is ready."""
    with _python(settings.environment) as (python, inherited):
        return _launch(name, settings, seed, python, inherited)


@contextlib.contextmanager
def _python(environment: Environment | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the Python that runs a target, and the file descriptors that it must inherit."""
    if environment is None:
        yield sys.executable, ()
    else:
        with use_environment(environment) as (python, descriptor):
            yield str(python), (descriptor,)


def _launch(name: str, settings: Start, seed: int, python: str, inherited: tuple[int, ...]) -> StartedProcess:
    port = free_port()
    scratch = Scratch(name)
    values = {"python": python, "port": str(port), "seed": str(seed), "scratch": str(scratch.path)}
    command = [word.format(**values) for word in settings.argv]
    launch = [sys.executable, "-I", "-S", str(parent_death.__file__), str(os.getpid()), *command]
    env = _environment(settings.environment) | {key: value.format(**values) for key, value in settings.env.items()}
    folder = scratch.path
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            launch, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, process_group=0, pass_fds=inherited
        )
    return StartedProcess(name, process, scratch, settings, port)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(environment: Environment | None) -> dict[str, str]:
    names = _KEPT if environment else (*_KEPT, *_KEPT_FOR_OWN_PYTHON)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    if environment:
        kept["PYTHONSAFEPATH"] = "1"  # no module of the current folder, such as another botocore
    # AWS clients of the target, if it has any, must find neither the user's settings nor a metadata service.
    no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | no_files | {"AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1"}


def _addresses(name: str, line: str) -> tuple[str, str]:
    """Return endpoint and token in the first line of a target."""
    try:
        ready = json.loads(line)
        endpoint, token = ready["endpoint"], ready.get("token", "")
        if not isinstance(endpoint, str) or not urlsplit(endpoint).port or not isinstance(token, str):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise TargetUnavailable(
            f'{name}: expected a first line {{"endpoint": "http://…:port", …}}, got {line[:200]!r}'
        ) from None
    return endpoint, token


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
