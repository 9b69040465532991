"""The fork server of all containers: forks them, keeps their last output, and lets none outlive the target.

It has imported the workload, so that a fork of it serves within milliseconds and shares its memory; any other command
replaces its fork. The target is at the other end of a socket: when that closes, however the target ended, everything
below this process is killed. The kernel kills children when this process ends, and what they forked is killed with
them, since orphans become children of this process.

Run as ``python -m surveyor_emulator.runtime.tasks.fork_server FD FOLDER``. This process deletes the folder, which is
the target's, when it ends.
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

__all__ = ["ForkServer", "main"]

KEPT_OUTPUT = 64 * 1024
# The output of a container that floods it is read in pieces of this size, and it waits in between.
READ_AT_ONCE = 64 * 1024
MEMORY_CHECK_INTERVAL = 0.1  # wall seconds
MAX_PROCESSES = 256
"""Processes in one container; a fork bomb is killed there."""


@dataclass(slots=True)
class ContainerProcess:
    """One container's process.

    ``start`` is a pipe that reports that the command runs ("+", or end of file), or why it does not; ``report`` is the
    text read from it. ``foreign``: the command is not the workload, but a program of the user.
    """

    id: int
    pid: int
    output: int
    start: int | None
    memory: int
    foreign: bool
    folder: str | None = None
    report: bytes = b""
    out_of_memory: bool = False
    kept: deque[bytes] = field(default_factory=deque)
    size: int = 0


class ForkServer:
    """Obeys the orders of the target until the target is gone."""

    def __init__(self, target: socket.socket, folder: str) -> None:
        self._target, self._folder = target, folder
        self._lines = Lines()
        self._selector = selectors.DefaultSelector()
        self._containers: dict[int, ContainerProcess] = {}
        self._by_pid: dict[int, ContainerProcess] = {}
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if processes.LINUX else os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, frame: self._end())
        self._selector.register(target, selectors.EVENT_READ, self._read_orders)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)

    def run(self) -> NoReturn:
        """Serve until the target is gone."""
        processes.adopt_orphans()
        self._send({"event": "able", "id": 0, "files": mounts.can_replace()})
        asyncio.run(asyncio.sleep(0))  # all later forks share what a first event loop loads and fills
        gc.collect()
        gc.freeze()  # memory that no collection touches stays shared with the forks
        while True:
            foreign = any(container.foreign for container in self._containers.values())
            for key, _ in self._selector.select(MEMORY_CHECK_INTERVAL if foreign else None):
                # An earlier event of the same batch may have ended this one.
                if self._selector.get_map().get(key.fileobj) is key:
                    key.data(key.fd)
            if foreign:
                self._check_memory()

    def _read_orders(self, fd: int) -> None:
        try:
            data = self._target.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self._end()
        for text in self._lines.feed(data):
            self._obey(cast(Order, json.loads(text)))

    def _obey(self, order: Order) -> None:
        if order["do"] == "start":
            self._start(order)
            return
        if order["do"] == "reap":
            self._reap(self._wake)
            self._send({"event": "reaped", "id": 0})
            return
        container = self._containers.get(order["id"])
        if order["do"] == "log":
            text = b"".join(container.kept).decode("utf-8", "replace") if container is not None else ""
            self._send({"event": "log", "id": order["id"], "text": text})
        elif container is not None and order["do"] == "signal":
            # SIGSTOP stops all that the container has started too; other signals are for its first process alone.
            whole = container.foreign and order["signal"] in (signal.SIGSTOP, signal.SIGCONT)
            for pid in processes.descendants([container.pid]) if whole else (container.pid,):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, order["signal"])
        elif container is not None and order["do"] == "kill":
            self._kill(container)

    def _start(self, order: Order) -> None:
        out, child_out = os.pipe()
        start, child_start = os.pipe()
        foreign = order["argv"] is not None
        folder = tempfile.mkdtemp(dir=self._folder) if foreign else None
        own_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            for fd in (out, child_out, start, child_start):
                os.close(fd)
            self._send({"event": "refused", "id": order["id"], "why": f"cannot fork: {error.strerror}"})
            return
        if pid == 0:
            _become_container(order, own_pid, child_out, child_start, folder)
        os.close(child_out)
        os.close(child_start)
        container = ContainerProcess(order["id"], pid, out, start, order.get("memory", 0), foreign, folder)
        self._containers[order["id"]] = self._by_pid[pid] = container
        for fd, read in ((out, self._read_output), (start, self._read_start)):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ, lambda fd, read=read: read(container, fd))

    def _read_start(self, container: ContainerProcess, fd: int) -> None:
        try:
            data = os.read(fd, 4096)
        except BlockingIOError:
            return
        container.report += data
        if data and data != b"+":
            return
        self._selector.unregister(fd)
        os.close(fd)
        container.start = None
        why = container.report.decode("utf-8", "replace")
        if why in ("", "+"):
            self._send({"event": "started", "id": container.id, "pid": container.pid})
        else:
            self._send({"event": "refused", "id": container.id, "why": why})

    def _read_output(self, container: ContainerProcess, fd: int) -> None:
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
                self._report_exit(container, os.waitstatus_to_exitcode(status))

    def _report_exit(self, container: ContainerProcess, code: int) -> None:
        if container.foreign:
            mark = f"{MARK}={os.getpid()}.{container.id}."
            orphans = [pid for pid in processes.children_of(os.getpid()) if pid not in self._by_pid]
            processes.kill(processes.descendants(pid for pid in orphans if processes.has_mark(pid, mark)))
        for _ in range(2):  # the last data, and the end of file
            if container.start is not None:
                self._read_start(container, container.start)
        if container.output >= 0:
            self._read_output(container, container.output)
        if container.start is not None:  # it ended while it started, and a child of it holds the pipe
            self._selector.unregister(container.start)
            os.close(container.start)
        if container.output >= 0:
            self._selector.unregister(container.output)
            os.close(container.output)
        if container.folder is not None:
            shutil.rmtree(container.folder, ignore_errors=True)
        del self._containers[container.id]
        report: Report = {
            "event": "exited",
            "id": container.id,
            "code": code if code >= 0 else 128 - code,
            "out_of_memory": container.out_of_memory,
            "text": b"".join(container.kept).decode("utf-8", "replace"),
        }
        self._send(report)

    def _kill(self, container: ContainerProcess) -> None:
        processes.kill(processes.descendants([container.pid]) if container.foreign else [container.pid])

    def _check_memory(self) -> None:
        children = processes.children_by_parent()
        for container in [container for container in self._containers.values() if container.foreign]:
            family = processes.descendants([container.pid], children)
            if container.memory and processes.resident(family) > container.memory:
                container.out_of_memory = True
                self._kill(container)
            elif len(family) > MAX_PROCESSES:
                self._kill(container)

    def _send(self, report: Report) -> None:
        try:
            self._target.sendall(line(report))
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        """Kill everything below this process, repeatedly until nothing is left: a process may be forking just now."""
        own_pid = os.getpid()
        for _ in range(100):
            left = processes.descendants([own_pid]) - {own_pid} if processes.LINUX else set(self._by_pid)
            if not left:
                break
            processes.kill(left)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0)[0]:
                    pass
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)


def _become_container(order: Order, parent: int, output: int, start: int, folder: str | None) -> NoReturn:
    """Turn the fork, in which this runs, into the container."""
    code = 126
    try:
        os.setsid()
        try:
            mounts.replace_files(order["files"])
        except OSError as error:
            os.write(start, str(error).encode())
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
            if "check" in order["arguments"][:1]:  # it runs already; a server does once it listens
                _report_start(3)
            code = workload.main(order["arguments"], lambda: _report_start(3))
        else:
            assert folder is not None
            os.chdir(folder)
            try:
                os.execvpe(argv[0], argv, environment)  # this closes the start pipe, which reports that it runs
            except (OSError, ValueError) as error:  # ValueError: what no system call takes, such as a zero byte
                os.write(start, f"{getattr(error, 'strerror', error)}: {argv[0]!r}".encode())
    except BaseException as error:  # noqa: BLE001  # a fork may never return into the server's code
        with contextlib.suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _report_start(start: int) -> None:
    os.write(start, b"+")
    os.close(start)


def main(arguments: list[str]) -> NoReturn:
    """Serve the target at the other end of a socket. Arguments: the socket's file descriptor, and the folder."""
    # It is inheritable for this program only; a container that had it could act as this server, and keep it open.
    os.set_inheritable(int(arguments[0]), False)
    ForkServer(socket.socket(fileno=int(arguments[0])), arguments[1]).run()


if __name__ == "__main__":
    main(sys.argv[1:])
