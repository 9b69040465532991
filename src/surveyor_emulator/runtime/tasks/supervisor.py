"""The target's side of its containers: each is started by the fork server, and is a `Process` here.

The fork server is started with the first container, or before by `Supervisor.warm`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from surveyor_agents import workload

from . import leftovers, processes
from .borders import Borders
from .messages import Lines, Order, Report, line

__all__ = ["CannotStart", "Exit", "Process", "Supervisor"]

END_TIMEOUT = 5.0  # wall seconds
log = logging.getLogger(__name__)


class CannotStart(Exception):
    """A command does not run; the text says why."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process; ``code`` is 128 plus the signal's number if a signal ended it."""

    code: int
    out_of_memory: bool
    output: str


@dataclass(slots=True, eq=False)
class Process:
    """A container's process. ``ended`` is done once it has ended; ``on_end`` is called at that moment.

    ``foreign``: it does not run the workload, but a program of the user. ``address``: what it acts as; "" if nothing
    that it connects to is decided.
    """

    id: int
    foreign: bool
    on_end: Callable[[Exit], object]
    ended: asyncio.Future[Exit]
    started: asyncio.Future[int]
    address: str = ""
    pid: int = 0
    logs: list[asyncio.Future[str]] = field(default_factory=list)


class Supervisor:
    """All containers of one target. ``folder`` has their files; it is deleted when the target ends.

    ``use_namespace``: put them in a PID namespace if this machine allows it. ``borders``: decide what they connect to.
    """

    def __init__(self, *, use_namespace: bool = True, borders: Borders | None = None) -> None:
        self._use_namespace, self._borders = use_namespace, borders
        self._border: socket.socket | None = None
        self._mark = 0
        self._parent: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._numbers = itertools.count(1)
        self._processes: dict[int, Process] = {}
        self._lines = Lines()
        self._sending = asyncio.Lock()
        self._reaped: asyncio.Future[None] | None = None
        self._can_replace_files: asyncio.Future[bool] | None = None
        self.folder = Path()

    def warm(self) -> None:
        """Start the fork server unless it runs."""
        if self._parent is not None:
            return
        processes.adopt_orphans()  # if the fork server is killed, its descendants become children of this process
        self.folder, self._mark = leftovers.create_folder()
        self._can_replace_files = asyncio.get_running_loop().create_future()
        own_end, server_end = socket.socketpair()
        with server_end, contextlib.ExitStack() as passed:
            descriptors = [server_end.fileno()]
            if self._borders is not None:
                self._border, border = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                descriptors.append(passed.enter_context(border).fileno())
            self._parent = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "surveyor_emulator.runtime.tasks.fork_server",
                    str(server_end.fileno()),
                    str(descriptors[-1] if self._border is not None else -1),
                    str(self.folder),
                    str(self._mark),
                    "1" if self._use_namespace else "0",
                ],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "MALLOC_ARENA_MAX": "1"},  # one arena is enough, and each costs every task memory
                start_new_session=True,  # Ctrl-C at a terminal is for the target, which ends the fork server
            )
        own_end.setblocking(False)
        self._socket = own_end
        asyncio.get_running_loop().add_reader(own_end, self._read_reports)
        if self._border is not None:
            asyncio.get_running_loop().add_reader(self._border, self._take_over, self._border)

    async def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        files: Mapping[str, str] | None = None,
        memory: int = 0,
        task: str = "",
        task_memory: int = 0,
        address: str = "",
        on_end: Callable[[Exit], object] = lambda exit: None,
    ) -> Process:
        """Start a command; return once it runs.

        ``memory``: maximum in bytes, 0 for no limit; ``task_memory``: of all together that name this ``task``;
        ``files``: path -> file that the command sees there instead, where ``can_replace_files``. ``python`` is this
        Python; the workload, by its text or its module name, runs as a fork.
        ``address``: what it acts as, where borders decide what it connects to.
        Raises CannotStart.
        """
        self.warm()
        loop = asyncio.get_running_loop()
        arguments = _workload_arguments(command)
        process = Process(next(self._numbers), arguments is None, on_end, loop.create_future(), loop.create_future())
        process.address = address
        self._processes[process.id] = process
        order: Order = {
            "do": "start",
            "id": process.id,
            "argv": None if arguments is not None else _with_this_python(command),
            "arguments": arguments or [],
            "environment": environment,
            "files": files or {},
            "memory": memory,
            "task": task,
            "task_memory": task_memory,
            "ruled": bool(address),
        }
        await self._send(order)
        process.pid = await process.started
        return process

    async def signal(self, process: Process, number: int) -> None:
        """Send a signal; SIGKILL goes to all that the process has started, too."""
        if not process.ended.done():
            do = "kill" if number == signal.SIGKILL else "signal"
            await self._send({"do": do, "id": process.id, "signal": number})

    async def output(self, process: Process) -> str:
        """Return the last 64 KiB of its output."""
        if process.ended.done():
            return process.ended.result().output
        output: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        process.logs.append(output)
        await self._send({"do": "log", "id": process.id})
        return await output

    async def can_replace_files(self) -> bool:
        """Return whether each container can have its own /etc/hosts."""
        self.warm()
        assert self._can_replace_files is not None
        return await asyncio.shield(self._can_replace_files)

    async def catch_up(self) -> None:
        """Return once each process that has ended by now has been handled."""
        if not self._processes:
            return
        if self._reaped is None:
            self._reaped = asyncio.get_running_loop().create_future()
            await self._send({"do": "reap", "id": 0})
        await asyncio.shield(self._reaped)

    def close(self) -> None:
        """Kill everything; return once nothing is left."""
        if self._parent is None or self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._close_borders()
        try:
            self._parent.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            processes.end_tree([self._parent.pid])
            self._parent.wait()
        self._end_orphans()
        leftovers.remove_folder(self.folder)  # the fork server has deleted it, unless it was killed
        self._parent = self._socket = None
        self._finish_catch_up()

    def _take_over(self, border: socket.socket) -> None:
        """Let the borders answer the calls of a container that has just started."""
        text, listeners, _, _ = socket.recv_fds(border, 100, 1)
        process = self._processes.get(int(text or 0))
        if not text:
            asyncio.get_running_loop().remove_reader(border)
        elif process is None or self._borders is None:  # it has ended already
            for listener in listeners:
                os.close(listener)
        else:
            self._borders.guard(listeners[0], process.address)

    def _close_borders(self) -> None:
        if self._border is not None and self._borders is not None:
            asyncio.get_running_loop().remove_reader(self._border)
            self._border.close()
            self._border = None
            self._borders.close()

    async def _send(self, order: Order) -> None:
        # If the fork server is gone, `_read_reports` notices, and ends every process. One order at a time: of two that
        # wait for a full socket, the event loop would forget the first.
        async with self._sending:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    await asyncio.get_running_loop().sock_sendall(self._socket, line(order))

    def _read_reports(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._end_after_server()
            return
        for text in self._lines.feed(data):
            self._handle(cast(Report, json.loads(text)))

    def _handle(self, report: Report) -> None:
        if report["event"] == "able":
            assert self._can_replace_files is not None
            self._can_replace_files.set_result(report["files"])
            if report["unruled"] and self._borders is not None and self._borders.decide_traffic:
                log.warning("what tasks connect to is not ruled on this machine: %s", report["unruled"])
            return
        if report["event"] == "reaped":
            self._finish_catch_up()
            return
        process = self._processes.get(report["id"])
        if process is None:
            return
        if report["event"] == "started":
            process.started.set_result(report["pid"])
        elif report["event"] == "log":
            process.logs.pop(0).set_result(report["text"])
        elif report["event"] == "refused":
            if not process.started.done():
                process.started.set_exception(CannotStart(report["why"]))
            process.on_end = lambda exit: None
        else:
            self._end(process, Exit(report["code"], report["out_of_memory"], report["text"]))

    def _finish_catch_up(self) -> None:
        reaped, self._reaped = self._reaped, None
        if reaped is not None:
            reaped.set_result(None)

    def _end(self, process: Process, end: Exit) -> None:
        self._processes.pop(process.id, None)
        if not process.started.done():
            process.started.set_exception(CannotStart("it ended before it ran"))
        process.ended.set_result(end)
        for output in process.logs:
            output.set_result(end.output)
        process.on_end(end)

    def _end_orphans(self) -> None:
        """Kill what has become a child of this process because the fork server and a keeper were killed."""
        processes.end_children(lambda pid: leftovers.has_mark(pid, self._mark))

    def _end_after_server(self) -> None:
        """Kill everything that the fork server had started, after it was killed itself, and report it as killed."""
        assert self._parent is not None
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._close_borders()
        log.warning("the fork server of all tasks was killed, and its tasks with it")
        self._parent.wait()
        self._end_orphans()
        leftovers.remove_folder(self.folder)
        assert self._can_replace_files is not None
        if not self._can_replace_files.done():
            self._can_replace_files.set_result(False)
        self._parent = self._socket = None
        self._finish_catch_up()
        for process in list(self._processes.values()):
            self._end(process, Exit(128 + signal.SIGKILL, False, ""))


def _workload_arguments(command: Sequence[str]) -> list[str] | None:
    """Return the workload's arguments if the command runs the workload, else None."""
    if len(command) > 2 and Path(command[0]).name.startswith("python"):
        if command[1] == "-c" and command[2] == workload.source():
            return list(command[3:])
        if command[1:3] == ["-m", "surveyor_agents.workload"]:
            return list(command[3:])
    return None


def _with_this_python(command: Sequence[str]) -> list[str]:
    first = sys.executable if command[0] in ("python", "python3") else command[0]
    return [first, *command[1:]]
