"""The course that a client is put through from outside, and what was seen of it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from surveyor.clients.capture import capture
from surveyor.clients.ipv6 import address_of, own_network
from surveyor.clients.recognition import loaded_families, processes_of
from surveyor.clients.service import HARNESS, PORT, RunningTask, Services, TestedService, start_services
from surveyor.clients.traffic import Traffic
from surveyor.errors import SurveyorError, UsageError

__all__ = ["PHASES", "SRV_PREFIX", "Command", "CourseLengths", "CoursePhase", "Seen", "play_course"]

PHASES = {
    "before": "all tasks answer",
    "closing": "tasks close each connection after its answer",
    "dead-listed": "one task is dead, and the name still leads to it",
    "dead": "all old tasks are dead, and the name leads to others",
    "gap": "the name does not exist, and no task lives",
    "back": "the name leads to new tasks",
    "drain": "the name leads to other tasks, and the old ones still answer",
    "ipv6": "the name has IPv6 addresses as well, at which nothing answers",
}
"""The phases in their order."""

SRV_PREFIX = "_http._tcp"
"""What the name of the SRV records that lead to the same tasks begins with (Cloud Map, CreateService: Name)."""

_STOP_WITHIN = 5.0
_POLL = 0.2
_LOOK_EVERY = 1.0


@dataclass(frozen=True)
class CourseLengths:
    """Wall seconds of each phase.

    `first_call`: in which the first call must be seen; `ask_in_gap`: in which the client may notice that the name is
    away.
    """

    first_call: float = 30.0
    before: float = 25.0
    closing: float = 45.0
    dead_listed: float = 12.0
    dead: float = 40.0
    gap: float = 10.0
    ask_in_gap: float = 62.0
    back: float = 45.0
    drain: float = 40.0
    ipv6: float = 8.0

    def of(self, phase: str) -> float:
        """Return the length of a phase."""
        return float(getattr(self, phase.replace("-", "_")))

    @property
    def total(self) -> float:
        """Return the seconds of the course, after the first call."""
        return sum(self.of(phase) for phase in PHASES)


@dataclass(frozen=True)
class CoursePhase:
    """When a phase began and ended, seconds since the epoch, and the addresses to which the name led in it.

    `dead`: addresses of tasks that were killed before or with it; `ipv6`: those at which nothing answers; `draining`:
    those of tasks that answer, and to which the name no longer leads.
    """

    began: float
    ended: float
    addresses: tuple[str, ...]
    dead: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    draining: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What was seen of a client. `started`: when its command was; `ended`: what its early end was, "" without one.

    `software`: what its processes had loaded (surveyor.clients.recognition).
    """

    name: str
    ttl: float
    negative_ttl: float
    started: float
    phases: Mapping[str, CoursePhase]
    traffic: Traffic
    ended: str = ""
    software: tuple[str, ...] = ()

    @property
    def addresses(self) -> frozenset[str]:
        """Return the addresses of all tasks of the course."""
        return frozenset(address for phase in self.phases.values() for address in phase.addresses)


@dataclass
class Command:
    """The client: a command that calls, and finds where in its environment and by words in its arguments."""

    words: Sequence[str]
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    repeat: float | None = None
    _process: subprocess.Popen[bytes] | None = None
    software: set[str] = field(default_factory=set)
    _ended_at: float = 0.0
    _looked: float = 0.0

    def start(self) -> None:
        """Start it. Raises UsageError if it is no program."""
        words = [_filled(word, self.variables) for word in self.words]
        with self.log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                    env=os.environ | dict(self.variables),
                )  # fmt: skip
            except OSError as error:
                raise UsageError(f"{words[0]!r} does not start: {error.strerror}") from None

    def ended(self) -> str:
        """Return how it ended; "" while it runs, or if it is started again."""
        status = self._process.poll() if self._process is not None else None
        self._recognise()
        if status is None:
            return ""
        if self.repeat is None:
            name = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            return f"the command {name}"
        if not self._ended_at:
            self._ended_at = time.monotonic()
        if time.monotonic() >= self._ended_at + self.repeat:
            self._ended_at = 0.0
            self.start()
        return ""

    def _recognise(self) -> None:
        if self._process is not None and time.monotonic() >= self._looked + _LOOK_EVERY:
            self._looked = time.monotonic()
            self.software |= set(loaded_families(processes_of(self._process.pid)))

    def stop(self) -> None:
        """End it, and what it started."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_WITHIN)
                break


def _filled(word: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        word = word.replace("{" + name.removeprefix("SURVEYOR_").lower() + "}", value)
    return word


def play_course(
    words: Sequence[str],
    *,
    host: str = "backend.clients.internal",
    tasks: int = 3,
    ttl: int = 5,
    negative_ttl: int = 30,
    lengths: CourseLengths | None = None,
    repeat: float | None = None,
    log: Path | None = None,
    seed: int = 7,
    say: Callable[[str], None] = lambda text: None,
) -> Seen:
    """Run a command, and put the service that it calls through the course. Call it in a sandbox."""
    lengths = lengths or CourseLengths()
    service_name, _, namespace = host.partition(".")
    traffic = Traffic([HARNESS])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surveyor-client-")))
        services = stack.enter_context(start_services(namespace, negative_ttl, seed))
        service = services.create(service_name, ttl)
        srv = services.create(f"{SRV_PREFIX}.{service_name}", ttl, "SRV")
        sets = [services.run_tasks(tasks) for _ in range(4)]
        services.change([(service, sets[0]), (srv, sets[0])])
        stack.enter_context(capture(traffic))
        variables = {"SURVEYOR_URL": f"http://{host}:{PORT}/", "SURVEYOR_HOST": host, "SURVEYOR_PORT": str(PORT)}
        variables["SURVEYOR_SRV"] = srv.name
        command = Command(words, log or folder / "client.log", variables, repeat)
        stack.callback(command.stop)
        course = _Course(services, service, srv, sets, traffic, command, lengths, ttl, say)
        started = time.time()
        command.start()
        ended = course.play()
        software = tuple(sorted(command.software))
        return Seen(host, float(ttl), float(negative_ttl), started, course.phases, traffic, ended, software)


@dataclass
class _Course:
    services: Services
    service: TestedService
    srv: TestedService
    sets: Sequence[Sequence[RunningTask]]
    traffic: Traffic
    command: Command
    lengths: CourseLengths
    ttl: int
    say: Callable[[str], None]
    phases: dict[str, CoursePhase] = field(default_factory=dict)
    _dead: set[str] = field(default_factory=set)

    def play(self) -> str:
        """Play the phases; return why that ended early, "" if it did not."""
        first, second, third, fourth = self.sets
        addresses = [task.address for tasks in self.sets for task in tasks]
        early = self._wait(self.lengths.first_call, lambda: bool(self.traffic.connected(addresses)))
        if early or not self.traffic.connected(addresses):
            return early or "no call"
        return (
            self._phase("before", first)
            or self._phase("closing", first, lambda: self._command(first, "close"))
            or self._phase("dead-listed", first, lambda: self._kill([self._victim(first)]))
            or self._phase("dead", second, lambda: self._replace(first, second, "close"), dead=first)
            or self._phase("gap", (), lambda: self._replace(second, (), ""), dead=second)
            or self._phase("back", third, lambda: self._replace((), third, "keep-open"))
            or self._phase("drain", fourth, lambda: self._replace((), fourth, "keep-open"), draining=third)
            or self._ipv6(third, fourth)
        )

    def _ipv6(self, old: Sequence[RunningTask], tasks: Sequence[RunningTask]) -> str:
        """Play the last phase, unless the client asks for IPv4 addresses only or this machine has no IPv6."""
        name = self.service.name
        if all(question.kind != "AAAA" for question in self.traffic.asked(name)) or not own_network():
            return ""
        both = [replace(task, ipv6=address_of(task.address)) for task in tasks]

        def begin() -> None:
            self.services.change([(self.service, [])])
            self.services.add_family(self.service, self.ttl)
            self.services.change([(self.service, both)])
            self._command(tasks, "close")
            self.services.kill(old)

        return self._phase("ipv6", both, begin, dead=old)

    def _phase(
        self,
        name: str,
        tasks: Sequence[RunningTask],
        begin: Callable[[], object] = lambda: None,
        *,
        dead: Sequence[RunningTask] = (),
        draining: Sequence[RunningTask] = (),
    ) -> str:
        began = time.time()
        begin()
        if name == "dead-listed":
            dead = [task for task in tasks if task.address in self._dead]
        length = self.lengths.of(name)
        self.say(f"{PHASES[name]}: {length:.0f} s")
        if name != "dead-listed":  # the client may notice a death before the command that causes it returns
            began = time.time()
        if name == "gap":
            early = self._await_refused(began)
        elif name == "ipv6":
            early = self._await_answer([task.ipv6 for task in tasks])
        else:
            early = ""
        early = early or self._wait(length)
        addresses, gone, leaving = (tuple(task.address for task in part) for part in (tasks, dead, draining))
        others = tuple(task.ipv6 for task in tasks if task.ipv6)
        self.phases[name] = CoursePhase(began, time.time(), addresses, gone, others, leaving)
        return early

    def _wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> str:
        """Wait; return how the command ended meanwhile, "" if it did not."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not until():
            if early := self.command.ended():
                return early
            threading.Event().wait(min(_POLL, left))
        return ""

    def _await_refused(self, began: float) -> str:
        """Wait until the client knows that the name is away: one that keeps answers may ask a minute later.

        A client that has asked once only will not ask.
        """
        name = self.service.name
        if len({round(question.at) for question in self.traffic.asked(name)}) <= 1:
            return ""
        return self._wait(
            self.lengths.ask_in_gap,
            lambda: any(question.code == "NXDOMAIN" for question in self.traffic.asked(name, since=began)),
        )

    def _await_answer(self, addresses: Sequence[str]) -> str:
        """Wait until the client has been given one of these addresses, which one that keeps answers asks for later."""
        name, wanted = self.service.name, set(addresses)
        return self._wait(
            self.lengths.ask_in_gap,
            lambda: any(wanted.intersection(question.addresses) for question in self.traffic.asked(name)),
        )

    def _victim(self, tasks: Sequence[RunningTask]) -> RunningTask:
        """Return the task that the client used last, so that the client notices its end."""
        used = {connection.address: number for number, connection in enumerate(self.traffic.connections)}
        return max(tasks, key=lambda task: used.get(task.address, -1))

    def _kill(self, tasks: Sequence[RunningTask]) -> None:
        self._dead = {task.address for task in tasks}
        self.services.kill(tasks)

    def _replace(self, old: Sequence[RunningTask], new: Sequence[RunningTask], behaviour: str) -> None:
        if behaviour:
            self._command(new, behaviour)
        self.services.change([(self.service, new), (self.srv, new)])
        self.services.kill(old)

    def _command(self, tasks: Sequence[RunningTask], behaviour: str) -> None:
        for task in tasks:
            try:
                self.services.command(task, f"/behave?do={behaviour}")
            except OSError as error:
                raise SurveyorError(f"the task at {task.address} takes no command: {error}") from None
