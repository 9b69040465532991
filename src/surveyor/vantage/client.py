"""The client of one vantage: batches of requests, and what they mean as questions, calls and handshakes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from surveyor.account.ledger import exclusive_lock
from surveyor.dns import DnsAddress
from surveyor.errors import CredentialsEnded, FeatureLacking, Inconclusive, SurveyorError, TargetUnavailable
from surveyor.input_files import is_file
from surveyor.targets.running import RunningTarget
from surveyor.typed_json import read_json, write_json
from surveyor.vantage import task as tasks
from surveyor.vantage.mailbox import Mailbox
from surveyor.vantage.task import VantageTask, key_of, why_ended
from surveyor_agents import vantage as program

__all__ = ["Vantage", "VantageState"]

Request = Mapping[str, Any]
Result = Mapping[str, Any]

_FIRST_PAUSE, _LONGEST_PAUSE, _FACTOR = 0.1, 1.0, 1.25
"""Service seconds between two looks for an answer."""

_LOOKS_PER_CHECK = 10.0
"""Service seconds between two looks at the task while there is no answer."""

_PATIENCE = 60.0
"""Service seconds for the way of a command and its answer, beside what the requests take."""

_MAX_FAILURES = 2
"""Starts that failed, after which this process tries no other: each takes minutes."""

_MARGIN = 60.0
"""Service seconds before the end of an idle task from which on it may have ended, when its last command is this old."""


class VantageState(Struct, frozen=True):
    """What all workers know of a vantage: its task, the number of the next command, and when the last was sent.

    `starts`: how many tasks were started for this VPC.
    """

    task: VantageTask | None = None
    number: int = 1
    last: float = 0.0
    starts: int = 0


class Vantage:
    """A vantage in one VPC, shared by the workers of a run through a file; `start` starts its task when it is needed.

    `start` gets the session of the new task. Raises Inconclusive where no answer is had.
    """

    def __init__(
        self, running: RunningTarget, mailbox: Mailbox, vpc: str, folder: Path, start: Callable[[str], VantageTask]
    ) -> None:
        self.vpc = vpc
        self.exchanges = 0
        self._running, self._mailbox, self._start = running, mailbox, start
        self._folder = folder
        self._failures: list[str] = []

    def begin(self) -> VantageTask:
        """Return the task, which is started if there is none. Raises TargetUnavailable with the reason."""
        with self._lock():
            return self._ready(self._read())[1]

    def exchange(self, requests: Sequence[Request], within: float) -> list[Result]:
        """Send requests as one command, and return the result of each. `within`: wall seconds that they may take.

        The verbs are those of surveyor_agents.vantage. A task that ended meanwhile is replaced, once, if the requests
        change nothing.
        """
        why = ""
        for is_last in (False, True):
            try:
                task, number = self._post(requests)
                answer, why = self._await(task, number, within)
            except CredentialsEnded:
                raise
            except TargetUnavailable as error:
                raise Inconclusive(f"the mailbox of the vantage in {self.vpc} cannot be used: {error}") from None
            if answer is not None:
                self.exchanges += 1
                return list(answer["results"])
            if is_last or not all(map(_is_repeatable, requests)):
                break
        raise Inconclusive(f"the vantage in {self.vpc} gave no answer: {why}")

    def resolver(self) -> DnsAddress:
        """Return the resolver of the VPC, whose questions are asked by the vantage."""
        try:
            return DnsAddress(self.begin().resolver, 53, self._ask_resolver)
        except SurveyorError as error:
            raise Inconclusive(str(error)) from None

    def through(self, server: DnsAddress) -> DnsAddress:
        """Return a server whose questions are asked by the vantage."""
        return DnsAddress(server.address, server.port, self.ask)

    def ask(
        self, server: DnsAddress, steps: Sequence[bytes | None], *, name: str, tcp: bool, timeout: float, times: int
    ) -> list[list[bytes]]:
        """Send messages to a server, and return what was received in each round, as surveyor.dns.Exchange does."""
        return self._ask(server.address, server.port, steps, name, tcp, timeout, times)

    def _ask_resolver(
        self, server: DnsAddress, steps: Sequence[bytes | None], *, name: str, tcp: bool, timeout: float, times: int
    ) -> list[list[bytes]]:
        return self._ask("", 53, steps, name, tcp, timeout, times)

    def _ask(
        self, address: str, port: int, steps: Sequence[bytes | None], name: str, tcp: bool, timeout: float, times: int
    ) -> list[list[bytes]]:
        encoded = [None if step is None else base64.b64encode(step).decode() for step in steps]
        request = {
            "verb": "dns", "server": address, "port": port, "tcp": tcp, "timeout": timeout, "times": times,
            "steps": encoded, "name": name,
        }  # fmt: skip
        [result] = self.exchange([request], timeout * max(1, steps.count(None)) * times)
        raise_problem(result)
        return [[base64.b64decode(message) for message in round_] for round_ in result["rounds"]]

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive_lock(self._folder, f"vantage {self.vpc}")

    @property
    def _file(self) -> Path:
        return self._folder / f"vantage-{self.vpc}.json"

    def _read(self) -> VantageState:
        return read_json(self._file, VantageState) if is_file(self._file) else VantageState()

    def _ready(self, state: VantageState) -> tuple[VantageState, VantageTask]:
        """Return the state with a task that takes commands, as far as is known. The lock must be held."""
        now = self._running.clock.now()
        task = state.task
        if task is not None and now - state.last > tasks.IDLE - _MARGIN and why_ended(self._running, task):
            task = None
        if task is not None:
            return state, task
        if len(self._failures) >= _MAX_FAILURES:
            raise TargetUnavailable(self._failures[-1])
        session = f"{self.vpc}-{state.starts + 1}"
        try:
            task = self._start(session)
        except SurveyorError as error:
            self._failures.append(str(error))
            raise
        state = VantageState(task, 1, self._running.clock.now(), state.starts + 1)
        write_json(state, self._file)
        return state, task

    def _post(self, requests: Sequence[Request]) -> tuple[VantageTask, int]:
        """Put the next command into the mailbox; return the task that it is for, and its number."""
        with self._lock():
            try:
                state, task = self._ready(self._read())
            except SurveyorError as error:
                raise Inconclusive(str(error)) from None
            number, session = state.number, task.session
            content = {
                "number": number,
                "verbs": list(requests),
                "answer": self._mailbox.url("PUT", f"{session}/answer/{number}"),
                "next": self._mailbox.url("GET", f"{session}/command/{number + 1}"),
            }
            message = program.seal(key_of(session), "command", content)
            self._mailbox.put(f"{session}/command/{number}", message)
            write_json(replace(state, number=number + 1, last=self._running.clock.now()), self._file)
            return task, number

    def _await(self, task: VantageTask, number: int, within: float) -> tuple[dict[str, Any] | None, str]:
        """Return the answer to a command; None, and why, if there is none: the task is forgotten then."""
        clock, key = self._running.clock, f"{task.session}/answer/{number}"
        began = checked = clock.now()
        pause, why = _FIRST_PAUSE, ""
        while True:
            message = self._mailbox.get(key)
            if message is not None:
                try:
                    return program.unseal(key_of(task.session), "answer", number, message), ""
                except (program.Forged, ValueError) as error:
                    why = f"what is in {self._mailbox.bucket} is not its answer: {error}"
            now = clock.now()
            if now - checked > _LOOKS_PER_CHECK:
                checked = now
                if ended := why_ended(self._running, task):
                    self._forget(task)
                    return None, ended
            if now - began > _PATIENCE + within / self._second():
                return None, why or f"its task runs, and has not answered after {now - began:.0f} seconds"
            clock.wait(pause)
            pause = min(pause * _FACTOR, _LONGEST_PAUSE)

    def _second(self) -> float:
        """Return the wall seconds of a service second."""
        control = self._running.control
        scale = control.scale() if control is not None else None
        return 1 / scale if scale else 1.0

    def _forget(self, task: VantageTask) -> None:
        """Let the next command start a new task, unless another worker has done so."""
        with self._lock():
            state = self._read()
            if state.task is not None and state.task.arn == task.arn:
                write_json(replace(state, task=None), self._file)


def raise_problem(result: Result) -> None:
    """Raise what went wrong with a request; nothing if it has a result."""
    error, kind = str(result.get("error", "")), result.get("kind")
    if not error:
        return
    if kind == "refused":
        raise FeatureLacking(f"the vantage does not do that: {error}")
    if kind == "timeout":
        raise TimeoutError(error)
    raise OSError(error)


def _is_repeatable(request: Request) -> bool:
    if request["verb"] == "watch":
        return _is_repeatable(request["of"])
    return request["verb"] in ("dns", "tls") or request.get("method", "GET") == "GET"
