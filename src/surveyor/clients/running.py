"""Running clients: each is called once every half second, by a line to its program or by a request to its proxy."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from surveyor.errors import SurveyorError
from surveyor.visible_text import one_line

__all__ = ["EVERY", "CalledClient", "ClientCall", "LineClient", "ProxyClient", "Way"]

EVERY = 0.5
"""Wall seconds between two calls of a client."""

WITHIN = 5.0
"""Wall seconds for one call: clients have a limit of 2 s themselves, and the machine may be busy."""

_STARTED_WITHIN = 90.0
_REFUSES_FOR = 15.0
"""Wall seconds after which a proxy that answers with errors only counts as started: it may never reach a task."""

_STATUS = "status "
_STOP_WITHIN = 5.0

_LAST_PART = 4_096
"""Bytes of a program's output in which its last line is looked for."""


@dataclass(frozen=True)
class ClientCall:
    """One call. `at`: when it began, seconds since the epoch; `address`: of the task that answered, "" without one."""

    at: float
    seconds: float
    address: str
    error: str = ""

    @property
    def ok(self) -> bool:
        """Return whether a task answered."""
        return bool(self.address)


class Way(Protocol):
    """How a client is called."""

    def start(self) -> None:
        """Start it, and return once it can be called. Raises SurveyorError if it does not start."""

    def call(self, number: int) -> tuple[str, str]:
        """Let it make one call; return the address that answered, and an error."""

    def close(self) -> None:
        """End it."""


@dataclass
class CalledClient:
    """A client that is called from a thread until it is stopped. `calls` grows meanwhile."""

    name: str
    way: Way
    calls: list[ClientCall] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin to call."""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop calling, and end the client."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(WITHIN + 1)
        self.way.close()

    def _run(self) -> None:
        began, number = time.monotonic(), 0
        while not self._stop.wait(max(0.0, began + number * EVERY - time.monotonic())):
            at, start = time.time(), time.monotonic()
            address, error = self.way.call(number)
            self.calls.append(ClientCall(at, time.monotonic() - start, address, one_line(error, 200)))
            number = max(number + 1, int((time.monotonic() - began) / EVERY))  # calls that are late are left out


class _Process:
    """A program with its output in a file of its folder."""

    def __init__(self, name: str, words: Callable[[], Sequence[str]], folder: Path) -> None:
        self.name, self.words, self.folder = name, words, folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **pipes: Any) -> subprocess.Popen[bytes]:
        environment = os.environ | {"HOME": str(self.folder), "TMPDIR": str(self.folder)}
        with (self.folder / "stderr").open("wb") as errors:
            try:
                self.process = subprocess.Popen(
                    self.words(), cwd=self.folder, env=environment, stderr=errors, start_new_session=True, **pipes
                )
            except OSError as error:
                raise SurveyorError(f"{self.name} does not start: {error.strerror}") from None
        return self.process

    def ended(self) -> str:
        """Return why it has ended, "" while it runs."""
        status = self.process.poll() if self.process is not None else None
        if status is None:
            return ""
        with contextlib.suppress(OSError), (self.folder / "stderr").open("rb") as errors:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_PART))
            lines = errors.read(_LAST_PART).decode("utf-8", "replace").strip().splitlines()
            return one_line(f"{self.name} ended with status {status}: {lines[-1] if lines else 'no output'}", 300)
        return f"{self.name} ended with status {status}"

    def close(self) -> None:
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_WITHIN)
                break
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class LineClient:
    """A program that calls once per line of its input (runtimes/programs/)."""

    def __init__(self, name: str, words: Callable[[], Sequence[str]], folder: Path) -> None:
        self._program = _Process(name, words, folder)
        self._selector = selectors.DefaultSelector()
        self._rest = b""

    def start(self) -> None:  # noqa: D102 (as in Way)
        process = self._program.start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ)
        if self._read_line(_STARTED_WITHIN).get("ready") is not True:
            raise SurveyorError(self._program.ended() or f"{self._program.name} was not ready within 90 s")

    def call(self, number: int) -> tuple[str, str]:  # noqa: D102 (as in Way)
        process = self._program.process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(f"{number}\n".encode("ascii"))
            process.stdin.flush()
        except OSError:
            return "", self._program.ended() or "the program takes no more lines"
        until = time.monotonic() + WITHIN
        while (left := until - time.monotonic()) > 0:
            answer = self._read_line(left)
            if answer.get("number") == number:  # those of calls that took longer than a call may are left out
                return str(answer.get("address") or ""), str(answer.get("error") or "")
            if not answer and self._program.ended():
                break
        return "", self._program.ended() or f"no answer of the client within {WITHIN:g} s"

    def close(self) -> None:  # noqa: D102 (as in Way)
        self._program.close()
        self._selector.close()

    def _read_line(self, within: float) -> dict[str, Any]:
        """Return the next line, {} if there is none in time or it is no JSON object."""
        process, until = self._program.process, time.monotonic() + within
        assert process is not None
        assert process.stdout is not None
        while b"\n" not in self._rest:
            if not self._selector.select(max(0.0, until - time.monotonic())):
                return {}
            part = os.read(process.stdout.fileno(), 65_536)
            if not part:
                process.wait(_STOP_WITHIN)
                return {}
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
        return {}


class ProxyClient:
    """A proxy that the harness calls, by a new connection for each call."""

    def __init__(self, name: str, words: Callable[[], Sequence[str]], folder: Path, port: int) -> None:
        self._program, self._port = _Process(name, words, folder), port

    def start(self) -> None:  # noqa: D102 (as in Way)
        self._program.start(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until, refused = time.monotonic() + _STARTED_WITHIN, None
        while time.monotonic() < until:
            if why := self._program.ended():
                raise SurveyorError(why)
            address, error = self.call(0)
            if address:
                return
            if error.startswith(_STATUS):
                refused = refused or time.monotonic()
                if time.monotonic() >= refused + _REFUSES_FOR:
                    return  # it runs, and reaches no task
            threading.Event().wait(0.2)
        raise SurveyorError(f"{self._program.name} did not answer within {_STARTED_WITHIN:.0f} s")

    def call(self, number: int) -> tuple[str, str]:  # noqa: D102 (as in Way)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=WITHIN)
        try:
            connection.request("GET", "/", headers={"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                return "", f"{_STATUS}{response.status}"
            return str(json.loads(body)["address"]), ""
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            return "", self._program.ended() or f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    def close(self) -> None:  # noqa: D102 (as in Way)
        self._program.close()
