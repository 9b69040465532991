"""The parent of all containers: forks them, keeps their last output, and sees to it that none outlives the target.

It has the workload imported, so that a fork of it serves within milliseconds and shares its memory; any other command
replaces its fork. The target is at the other end of a socket: when that closes, however the target ended, everything
below this process is killed. Children are killed by the kernel when this process ends, and what they forked is killed
with them, since orphans become children of this process.

Run as ``python -m surveyor_emulator.runtime.tasks.fork_server FD FOLDER``; the folder is the target's, and goes with this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
from collections import deque
from dataclasses import dataclass, field
from typing import NoReturn, cast

from surveyor_agents import workload  # with all that it needs, so that its forks import nothing

from . import mounts, processes
from .messages import MARK, Lines, Order, Report, line

__all__ = ["Parent", "main"]

KEPT_OUTPUT = 64 * 1024
# A container that floods its output is read from this much at a time, and waits in between: a hundredth of a second.
READ_AT_ONCE = 64 * 1024
LOOK_AT_MEMORY = 0.1  # wall seconds
MOST_PROCESSES = 256
"""Of one container; a fork bomb ends there."""


@dataclass(slots=True)
class Container:
    """One container's process. ``start`` is read until it says that the command runs, or why it does not."""

    id: int
    pid: int
    output: int
    start: int | None
    memory: int
    foreign: bool
    folder: str | None = None
    told: bytes = b""
    out_of_memory: bool = False
    kept: deque[bytes] = field(default_factory=deque)
    size: int = 0


class Parent:
    """Takes orders until there is nobody to give them."""

    def __init__(self, target: socket.socket, folder: str) -> None:
        self._target, self._folder = target, folder
        self._lines = Lines()
        self._selector = selectors.DefaultSelector()
        self._containers: dict[int, Container] = {}
        self._by_pid: dict[int, Container] = {}
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if processes.LINUX else os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, frame: self._end())
        self._selector.register(target, selectors.EVENT_READ, self._orders)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)

    def run(self) -> NoReturn:
        """Until the target is gone."""
        processes.adopt_orphans()
        self._say({"said": "able", "id": 0, "files": mounts.can_replace()})
        asyncio.run(asyncio.sleep(0))  # what a first event loop loads and fills is shared by all that are forked later
        gc.collect()
        gc.freeze()  # what is never touched by a collection stays shared with the forks
        while True:
            foreign = any(one.foreign for one in self._containers.values())
            for key, _ in self._selector.select(LOOK_AT_MEMORY if foreign else None):
                # One before it in the same batch may have ended this one.
                if self._selector.get_map().get(key.fileobj) is key:
                    key.data(key.fd)
            if foreign:
                self._look_at_memory()

    def _orders(self, fd: int) -> None:
        try:
            data = self._target.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self._end()
        for whole in self._lines.feed(data):
            self._obey(cast(Order, json.loads(whole)))

    def _obey(self, order: Order) -> None:
        if order["do"] == "start":
            self._start(order)
            return
        container = self._containers.get(order["id"])
        if order["do"] == "log":
            text = b"".join(container.kept).decode("utf-8", "replace") if container is not None else ""
            self._say({"said": "log", "id": order["id"], "text": text})
        elif container is not None and order["do"] == "signal":
            # Who is to stand still does so with all that it started; to be asked to stop is a process's own business.
            still = container.foreign and order["signal"] in (signal.SIGSTOP, signal.SIGCONT)
            for pid in processes.descendants([container.pid]) if still else (container.pid,):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, order["signal"])
        elif container is not None and order["do"] == "kill":
            self._kill(container)

    def _start(self, order: Order) -> None:
        out, child_out = os.pipe()
        start, child_start = os.pipe()
        foreign = order["argv"] is not None
        folder = tempfile.mkdtemp(dir=self._folder) if foreign else None
        mine = os.getpid()
        try:
            pid = os.fork()
        except OSError as problem:
            for fd in (out, child_out, start, child_start):
                os.close(fd)
            self._say({"said": "refused", "id": order["id"], "why": f"cannot fork: {problem.strerror}"})
            return
        if pid == 0:
            _become(order, mine, child_out, child_start, folder)
        os.close(child_out)
        os.close(child_start)
        container = Container(order["id"], pid, out, start, order.get("memory", 0), foreign, folder)
        self._containers[order["id"]] = self._by_pid[pid] = container
        for fd, heard in ((out, self._output), (start, self._started)):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ, lambda fd, heard=heard: heard(container, fd))

    def _started(self, container: Container, fd: int) -> None:
        try:
            data = os.read(fd, 4096)
        except BlockingIOError:
            return
        container.told += data
        if data and data != b"+":
            return
        self._selector.unregister(fd)
        os.close(fd)
        container.start = None
        why = container.told.decode("utf-8", "replace")
        if why in ("", "+"):
            self._say({"said": "started", "id": container.id, "pid": container.pid})
        else:
            self._say({"said": "refused", "id": container.id, "why": why})

    def _output(self, container: Container, fd: int) -> None:
        try:
            data = os.read(fd, READ_AT_ONCE)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(fd)
            os.close(fd)
            container.output = -1
            return
        container.kept.append(data)
        container.size += len(data)
        while container.size - len(container.kept[0]) > KEPT_OUTPUT:
            container.size -= len(container.kept.popleft())

    def _reap(self, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(fd, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            container = self._by_pid.pop(pid, None)
            if container is not None:
                self._ended(container, os.waitstatus_to_exitcode(status))

    def _ended(self, container: Container, code: int) -> None:
        if container.foreign:
            mark = f"{MARK}={os.getpid()}.{container.id}."
            left = [pid for pid in processes.children_of(os.getpid()) if pid not in self._by_pid]
            processes.kill(processes.descendants(pid for pid in left if processes.has_mark(pid, mark)))
        for _ in range(2):  # what it said last, and the end of that
            if container.start is not None:
                self._started(container, container.start)
        if container.output >= 0:
            self._output(container, container.output)
        if container.start is not None:  # it ended while it started, and something of it holds the pipe
            self._selector.unregister(container.start)
            os.close(container.start)
        if container.output >= 0:
            self._selector.unregister(container.output)
            os.close(container.output)
        if container.folder is not None:
            shutil.rmtree(container.folder, ignore_errors=True)
        del self._containers[container.id]
        told: Report = {
            "said": "exited",
            "id": container.id,
            "code": code if code >= 0 else 128 - code,
            "out_of_memory": container.out_of_memory,
            "text": b"".join(container.kept).decode("utf-8", "replace"),
        }
        self._say(told)

    def _kill(self, container: Container) -> None:
        processes.kill(processes.descendants([container.pid]) if container.foreign else [container.pid])

    def _look_at_memory(self) -> None:
        families = processes.families()
        for container in [one for one in self._containers.values() if one.foreign]:
            family = processes.descendants([container.pid], families)
            if container.memory and processes.resident(family) > container.memory:
                container.out_of_memory = True
                self._kill(container)
            elif len(family) > MOST_PROCESSES:
                self._kill(container)

    def _say(self, report: Report) -> None:
        try:
            self._target.sendall(line(report))
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        """Kill everything below this process, again until nothing is left: something may be forking just now."""
        mine = os.getpid()
        for _ in range(100):
            left = processes.descendants([mine]) - {mine} if processes.LINUX else set(self._by_pid)
            if not left:
                break
            processes.kill(left)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0)[0]:
                    pass
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)


def _become(order: Order, parent: int, output: int, start: int, folder: str | None) -> NoReturn:
    """In the fork: turn into the container."""
    code = 126
    try:
        os.setsid()
        try:
            mounts.replace_files(order["files"])
        except OSError as problem:
            os.write(start, str(problem).encode())
            os._exit(code)
        processes.die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        environment = {**order["environment"], MARK: f"{parent}.{order['id']}."}
        argv = order["argv"]
        if argv is None:
            os.dup2(start, 3)
            os.closerange(4, 4096)
            os.environ.clear()
            os.environ.update(environment)
            code = workload.main(order["arguments"], lambda: _tell(3))
        else:
            assert folder is not None
            os.chdir(folder)
            try:
                os.execvpe(argv[0], argv, environment)  # the start pipe closes with it, which says that it runs
            except (OSError, ValueError) as problem:  # ValueError: what no system call takes, such as a zero byte
                os.write(start, f"{getattr(problem, 'strerror', problem)}: {argv[0]!r}".encode())
    except BaseException as problem:  # noqa: BLE001  # a fork may never return into the parent's code
        with contextlib.suppress(OSError):
            os.write(2, f"{type(problem).__name__}: {problem}\n".encode())
        if isinstance(problem, SystemExit):
            code = problem.code if isinstance(problem.code, int) else 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _tell(start: int) -> None:
    os.write(start, b"+")
    os.close(start)


def main(arguments: list[str]) -> NoReturn:
    """Serve the target at the other end of the socket whose descriptor is given; the second argument is a folder."""
    # It was left open for this program; a container that had it could pretend to be this one, and keep it open.
    os.set_inheritable(int(arguments[0]), False)
    Parent(socket.socket(fileno=int(arguments[0])), arguments[1]).run()


if __name__ == "__main__":
    main(sys.argv[1:])
