"""The target's side of its containers: started through the parent process, known by a handle each.

The parent is started when the first container is wanted, or before, so that it is warm by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from surveyor_agents import workload

from . import processes
from .messages import MARK, Lines, Order, Report, line

__all__ = ["CannotStart", "Exit", "Process", "Supervisor"]

ENDS_WITHIN = 5.0  # wall seconds
_SOURCE = workload.source()
log = logging.getLogger(__name__)


class CannotStart(Exception):
    """A command does not run; the text says why."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended; ``code`` is 128 and the signal's number where one ended it."""

    code: int
    out_of_memory: bool
    output: str


@dataclass(slots=True, eq=False)
class Process:
    """A container's process. ``ended`` is done when it has ended; ``on_end`` is called in that moment."""

    id: int
    foreign: bool
    on_end: Callable[[Exit], object]
    ended: asyncio.Future[Exit]
    started: asyncio.Future[int]
    pid: int = 0
    logs: list[asyncio.Future[str]] = field(default_factory=list)


class Supervisor:
    """All containers of one target. ``folder`` is theirs: for what they are given, gone when the target ends."""

    def __init__(self) -> None:
        self._parent: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._numbers = itertools.count(1)
        self._processes: dict[int, Process] = {}
        self._lines = Lines()
        self._able: asyncio.Future[bool] | None = None
        self.folder = Path()

    def warm(self) -> None:
        """Start the parent unless it runs."""
        if self._parent is not None:
            return
        processes.adopt_orphans()  # should the parent be killed, what it leaves behind comes here
        self.folder = Path(tempfile.mkdtemp(prefix="surveyor-tasks-"))
        self._able = asyncio.get_running_loop().create_future()
        mine, theirs = socket.socketpair()
        with theirs:
            self._parent = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "surveyor_emulator.runtime.tasks.fork_server",
                    str(theirs.fileno()),
                    str(self.folder),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "MALLOC_ARENA_MAX": "1"},  # one arena is enough, and each costs every task memory
                start_new_session=True,  # Ctrl-C at a terminal is for the target, which sees to the rest
            )
        mine.setblocking(False)
        self._socket = mine
        asyncio.get_running_loop().add_reader(mine, self._hear)

    async def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        files: Mapping[str, str] | None = None,
        memory: int = 0,
        on_end: Callable[[Exit], object] = lambda exit: None,
    ) -> Process:
        """Start a command; returns once it runs. ``memory``: bytes it may hold, 0 for no limit;
        ``files``: place -> what it finds there instead, where ``can_replace_files``.

        Raises CannotStart. ``python`` is this Python, and the workload's own text, or module, is run by a fork.
        """
        self.warm()
        loop = asyncio.get_running_loop()
        arguments = _workload(command)
        process = Process(next(self._numbers), arguments is None, on_end, loop.create_future(), loop.create_future())
        self._processes[process.id] = process
        order: Order = {
            "do": "start",
            "id": process.id,
            "argv": None if arguments is not None else _ours(command),
            "arguments": arguments or [],
            "environment": environment,
            "files": files or {},
            "memory": memory,
        }
        await self._order(order)
        process.pid = await process.started
        return process

    async def signal(self, process: Process, number: int) -> None:
        """Send a signal; SIGKILL goes to all that the process has started, too."""
        if not process.ended.done():
            do = "kill" if number == signal.SIGKILL else "signal"
            await self._order({"do": do, "id": process.id, "signal": number})

    async def output(self, process: Process) -> str:
        """The last 64 KiB of what it has written."""
        if process.ended.done():
            return process.ended.result().output
        asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        process.logs.append(asked)
        await self._order({"do": "log", "id": process.id})
        return await asked

    async def can_replace_files(self) -> bool:
        """Whether containers can have an /etc/hosts of their own."""
        self.warm()
        assert self._able is not None
        return await asyncio.shield(self._able)

    def close(self) -> None:
        """Kill everything; returns when nothing is left."""
        if self._parent is None or self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        try:
            self._parent.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            processes.kill(processes.descendants([self._parent.pid]))
            self._parent.wait()
        shutil.rmtree(self.folder, ignore_errors=True)  # its parent does this, unless somebody killed that
        self._parent = self._socket = None

    async def _order(self, order: Order) -> None:
        assert self._socket is not None
        # A parent that is gone is told by the reader, which ends every process.
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self._socket, line(order))

    def _hear(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._bereaved()
            return
        for whole in self._lines.feed(data):
            self._heed(cast(Report, json.loads(whole)))

    def _heed(self, report: Report) -> None:
        if report["said"] == "able":
            assert self._able is not None
            self._able.set_result(report["files"])
            return
        process = self._processes.get(report["id"])
        if process is None:
            return
        if report["said"] == "started":
            process.started.set_result(report["pid"])
        elif report["said"] == "log":
            process.logs.pop(0).set_result(report["text"])
        elif report["said"] == "refused":
            if not process.started.done():
                process.started.set_exception(CannotStart(report["why"]))
            process.on_end = lambda exit: None
        else:
            self._end(process, Exit(report["code"], report["out_of_memory"], report["text"]))

    def _end(self, process: Process, how: Exit) -> None:
        self._processes.pop(process.id, None)
        if not process.started.done():
            process.started.set_exception(CannotStart("it ended before it ran"))
        process.ended.set_result(how)
        for asked in process.logs:
            asked.set_result(how.output)
        process.on_end(how)

    def _bereaved(self) -> None:
        """The parent is gone, killed by somebody: what it had started is killed, and reported as such."""
        assert self._parent is not None
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        log.warning("the parent of all tasks was killed, and they with it")
        self._parent.wait()
        # Its own children the kernel kills; what those had started is killed here, until nothing is left of it.
        for _ in range(100):
            left = processes.marked(f"{MARK}={self._parent.pid}.")
            if not left:
                break
            processes.kill(left)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert self._able is not None
        if not self._able.done():
            self._able.set_result(False)
        self._parent = self._socket = None
        for process in list(self._processes.values()):
            self._end(process, Exit(128 + signal.SIGKILL, False, ""))


def _workload(command: Sequence[str]) -> list[str] | None:
    """The arguments of the workload, if that is what the command runs; None for any other command."""
    if len(command) > 2 and Path(command[0]).name.startswith("python"):
        if command[1] == "-c" and command[2] == _SOURCE:
            return list(command[3:])
        if command[1:3] == ["-m", "surveyor_agents.workload"]:
            return list(command[3:])
    return None


def _ours(command: Sequence[str]) -> list[str]:
    first = sys.executable if command[0] in ("python", "python3") else command[0]
    return [first, *command[1:]]
