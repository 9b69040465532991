"""The callers of a watch on Locust's workers: started here or elsewhere, and recorded here.

A worker sends the beginning and the end of each call at once, and both are stamped when they arrive: no clock of
another machine counts. Each stamp is late by the way of the message, which is measured before and bounded: the history
says that these events may be off by that, and a message that takes longer makes the watch inconclusive.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from surveyor.callers import Ask, ServiceEndpoints
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.history import Outcome, Recorder
from surveyor.typed_json import dump_json
from surveyor.visible_text import one_line
from surveyor.watch.settings import WorkerSettings
from surveyor.watch.worker_plan import WorkerPlan

__all__ = ["WORKERS", "ModelOnWorkers", "WorkerLink", "connected_workers"]

WORKERS = "workers"
"""The machine of their events in a history."""

STREAMS = Path(__file__).with_name("worker_streams.py")

START_TIMEOUT = 60.0
"""Wall seconds for workers of this machine to start; those of others are waited for until the user ends that."""

END_TIMEOUT = 15.0
"""Wall seconds beyond the timeouts of calls for workers to report their last ones, and for processes to end."""

PINGS, PING_PERIOD = 10, 1.0
"""Round trips that are measured before, and wall seconds between two of them later."""

MARGIN = 3.0
"""How much longer than the longest round trip that was measured before a message may take."""

SILENT = 5.0
"""Wall seconds without an answer after which a worker is lost."""

MAX_LATE = 0.05
"""Share of the round trips that may take longer."""

_WITHOUT_PAGE = ("--headless", "--users", "1000", "--spawn-rate", "1000", "--skip-log-setup")


@dataclass
class WorkerLink:
    """The master of the workers, and what they report. `seconds`: wall seconds by which an event may be late."""

    process: subprocess.Popen[str]
    count: int
    seconds: float = 0.0
    error: BaseException | None = None
    made: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    serving: Ask | None = None
    _recorder: Recorder | None = None
    _open: dict[tuple[str, int], int] = field(default_factory=dict)
    _heard: dict[str, float] = field(default_factory=dict)
    _trips: list[float] = field(default_factory=list)
    _present: int = 0
    _port: int = 0
    _done: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _sending: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Read what the workers report, from now on."""
        threading.Thread(target=self._read, name="workers", daemon=True).start()

    def wait_until_connected(self, timeout: float) -> None:
        """Return when all workers are connected. Raises TargetUnavailable."""
        self._wait(lambda: self._present >= self.count, timeout)
        if self.error is not None:
            raise self.error
        if self._present < self.count:
            raise TargetUnavailable(f"{self._present} of {self.count} workers have connected within {timeout:g} s")

    def measure(self) -> None:
        """Measure how long a message takes there and back."""
        for number in range(PINGS):
            self._ping()
            self._wait(partial(self._has_trips, (number + 1) * self.count), 2 * SILENT)
        if self.error is not None:
            raise self.error
        if len(self._trips) < PINGS * self.count:
            raise TargetUnavailable(f"{self.count - len(self._heard)} of {self.count} workers do not answer")
        self.seconds = MARGIN * max(self._trips)
        self._trips.clear()

    def begin(self, recorder: Recorder, plan: Mapping[str, ServiceEndpoints], seed: int, serving: Ask | None) -> None:
        """Let the workers call, and record their calls."""
        self._recorder, self.serving = recorder, serving
        self._port = max((endpoints.port for endpoints in plan.values()), default=0)
        self._push_serving()
        self._send({"plan": json.loads(dump_json(asdict(WorkerPlan(dict(plan), seed))))})
        threading.Thread(target=self._follow, name="pings of workers", daemon=True).start()

    def stop(self) -> None:
        """Start no more calls."""
        if not self._stopping.is_set():
            self._stopping.set()
            with suppress(SurveyorError):  # they have ended, which is noticed elsewhere
                self._send({"stop": True})

    def join(self, timeout: float) -> None:
        """Return when all workers that still answer have reported their last calls, or after `timeout` wall seconds."""
        self._wait(lambda: self._done >= self._heard_within(SILENT), timeout + END_TIMEOUT)
        self._ended.set()

    def problem(self) -> str:
        """Return why what the workers reported is not reliable, "" if it is."""
        lost = self.count - min(self._present, len(self._heard_within(SILENT)))
        if lost:
            return f"{lost} of {self.count} workers were lost while they called"
        late = sum(trip > self.seconds for trip in self._trips)
        if late > MAX_LATE * max(len(self._trips), 1):
            return (
                f"messages of the workers were late: {late} of {len(self._trips)} took longer than {self.seconds:.3f} s"
            )
        return ""

    def _has_trips(self, count: int) -> bool:
        return len(self._trips) >= count

    def _heard_within(self, seconds: float) -> set[str]:
        now = time.monotonic()
        return {worker for worker, heard in tuple(self._heard.items()) if now - heard <= seconds}

    def _follow(self) -> None:
        while not self._ended.wait(PING_PERIOD):
            try:
                self._ping()
                self._push_serving()
            except SurveyorError as error:
                self.error = self.error or error
                return

    def _push_serving(self) -> None:
        if self.serving is not None:
            self._send({"serving": self.serving().addresses(self._port)})

    def _ping(self) -> None:
        self._send({"ping": time.monotonic()})

    def _send(self, message: object) -> None:
        assert self.process.stdin is not None
        try:
            with self._sending:
                self.process.stdin.write(json.dumps(message) + "\n")
                self.process.stdin.flush()
        except (OSError, ValueError):  # it has ended, or its pipe is closed
            raise TargetUnavailable("the callers on the workers have ended") from None

    def _wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.error is not None or condition(), timeout)

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                if line.startswith("{"):  # others are what Locust prints before it serves
                    self._on_message(json.loads(line))
                with self._changed:
                    self._changed.notify_all()
            if not self._stopping.is_set():
                raise TargetUnavailable("the callers on the workers have ended")
        except SurveyorError as error:
            self.error = error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.error = TargetUnavailable(f"the callers on the workers sent what is no message: {error}")
        with self._changed:
            self._changed.notify_all()

    def _on_message(self, message: dict[str, Any]) -> None:
        worker = str(message.get("worker") or "")
        if worker:
            self._heard[worker] = time.monotonic()
        if "begin" in message:
            self._begin_call(worker, message)
        elif "end" in message:
            self._end_call(worker, message)
        elif "pong" in message:
            self._trips.append(time.monotonic() - float(message["pong"]))
        elif "done" in message:
            self._done.add(worker)
            self.dropped.update(message["dropped"])
        else:
            self._present = int(message.get("present", message.get("started", 0)))

    def _begin_call(self, worker: str, message: dict[str, Any]) -> None:
        assert self._recorder is not None
        client, address = str(message["client"]), str(message["address"])
        self.made[client] += 1
        self._open[worker, int(message["begin"])] = self._recorder.invoke(
            "client", "call", address=address, by=0, client=client, machine=WORKERS
        )

    def _end_call(self, worker: str, message: dict[str, Any]) -> None:
        assert self._recorder is not None
        number = self._open.pop((worker, int(message["end"])), 0)
        members: dict[str, Any] = {name: message[name] for name in ("status", "task", "error") if message[name]}
        if number:
            self._recorder.end(
                number, Outcome(message["outcome"]), seconds=float(message["seconds"]), machine=WORKERS, **members
            )


@dataclass
class ModelOnWorkers:
    """One client model whose calls the workers make, as a thread that calls is seen by a watch."""

    model: str
    link: WorkerLink
    timeout: float

    ident = 1
    """It has been started."""

    @property
    def error(self) -> BaseException | None:
        """Return what ended the workers."""
        return self.link.error

    @property
    def made(self) -> int:
        """Return the number of calls that were started."""
        return self.link.made[self.model]

    @property
    def dropped(self) -> int:
        """Return the number of calls that could not start."""
        return self.link.dropped[self.model]

    def start(self) -> None:
        """Do nothing: the link begins the calls of all models together."""

    def stop(self) -> None:
        """Start no more calls."""
        self.link.stop()

    def join(self) -> None:
        """Return when the last calls are recorded."""
        self.link.join(2 * self.timeout)


@contextmanager
def connected_workers(
    settings: WorkerSettings, report: Callable[[str], object], profile: str | None = None
) -> Iterator[WorkerLink]:
    """Start Locust's master and, unless they are elsewhere, its workers; end them when the block ends.

    `profile`: of the AWS CLI, whose credentials they use. Raises TargetUnavailable if not all of them connect. They
    have a separate session: Ctrl-C ends the watch, which then lets them report their last calls.
    """
    host, port = _address(settings.listen)
    locust = [sys.executable, "-m", "locust", "-f", str(STREAMS), "--skip-log-setup"]
    master = [*locust, *_WITHOUT_PAGE, "--master", "--master-bind-host", host, "--master-bind-port", str(port)]
    environment = {**os.environ, **({"AWS_PROFILE": profile} if profile else {})}
    processes = [_start([*master, "--expect-workers", str(settings.count)], subprocess.PIPE, environment)]
    try:
        if settings.listen[1]:
            report(
                f"waiting for {settings.count} workers at {host}:{port}; on each machine that calls: "
                f"locust -f {STREAMS} --worker --master-host HOST --master-port {port}"
            )
        else:
            worker = [*locust, "--worker", "--master-host", host, "--master-port", str(port)]
            processes += [_start(worker, subprocess.DEVNULL, environment) for _ in range(settings.count)]
        link = WorkerLink(processes[0], settings.count)
        link.start()
        link.wait_until_connected(threading.TIMEOUT_MAX if settings.listen[1] else START_TIMEOUT)
        link.measure()
        yield link
    finally:
        _end(processes)


def _start(command: list[str], pipe: int, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True, env=environment)


def _end(processes: list[subprocess.Popen[str]]) -> None:
    """End the master by the end of its input, and its workers with it."""
    pipes: list[IO[str] | None] = [processes[0].stdin]
    for pipe in pipes:
        if pipe is not None:
            with suppress(OSError):  # what was not sent yet
                pipe.close()
    for process in processes:
        for end in (process.terminate, process.kill):
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT)
                break
            end()
        process.wait()


def _address(listen: tuple[str, int]) -> tuple[str, int]:
    """Return the address and the port at which workers connect, by default one of this machine that is free now.

    Raises UsageError if nothing can listen there.
    """
    host, port = listen if listen[1] else ("127.0.0.1", 0)
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return host, int(probe.getsockname()[1])
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "is no address"
        raise UsageError(f"--listen: {one_line(host)}:{port}: nothing can listen there: {reason}") from None
