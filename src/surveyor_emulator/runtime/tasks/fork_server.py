"""The fork server of all containers: forks them, keeps their last output, and lets none outlive the target.

It has imported the workload, so that a fork of it serves within milliseconds and shares its memory; any other command
replaces its fork, below a keeper that nothing can leave (``keeper``). Where Linux allows it, all of them are in a PID
namespace (``namespace``). The target is at the other end of a socket: when that closes, however the target ended,
everything below this process is killed. A child that is neither a keeper nor a workload has lost its keeper, and is
killed.

Run as ``python -m surveyor_emulator.runtime.tasks.fork_server FD BORDER FOLDER MARK NAMESPACE``; NAMESPACE is 1 to use
one if possible, else 0; BORDER is -1 where connections are not ruled (``borders``). This process deletes the folder,
which is the target's, when it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

from . import leftovers, mounts, namespace, processes, traps
from .container import become_container
from .keeper import keep
from .messages import Lines, Order, Report, line

__all__ = ["ForkServer", "main"]

KEPT_OUTPUT = 64 * 1024
# The output of a container that floods it is read in pieces of this size, and it waits in between.
READ_AT_ONCE = 64 * 1024
CHECK_INTERVAL = 0.1  # wall seconds
MAX_PROCESSES = 256
MAX_THREADS = 2_048
"""Processes and threads in one container; a fork bomb is killed there."""


@dataclass(slots=True)
class ContainerProcess:
    """One container: ``pid`` is the workload's process, or the keeper of a program of the user.

    ``start`` is a pipe that reports that the command runs ("+", or end of file), or why it does not; ``report`` is the
    text read from it. ``first``: the process of a program that runs.
    """

    id: int
    pid: int
    output: int
    start: int | None
    order: Order
    has_keeper: bool
    folder: str | None = None
    first: int = 0
    report: bytes = b""
    out_of_memory: bool = False
    kept: deque[bytes] = field(default_factory=deque)
    size: int = 0


class ForkServer:
    """Obeys the orders of the target until the target is gone."""

    def __init__(self, target: socket.socket, folder: str, border: socket.socket | None) -> None:
        self._target, self._folder = target, folder
        self._unruled = traps.find_problem() if border is not None else ""
        self._border = border if not self._unruled else None
        self._lines = Lines()
        self._selector = selectors.DefaultSelector()
        self._containers: dict[int, ContainerProcess] = {}
        self._by_pid: dict[int, ContainerProcess] = {}
        self._awaited: set[int] = set()  # ends to report before the target has caught up
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if processes.LINUX else os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        if os.getpid() != 1:  # as the first process of a namespace it cannot be signalled from within
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, lambda number, frame: self._end())
        self._selector.register(target, selectors.EVENT_READ, self._read_orders)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)

    def run(self) -> NoReturn:
        """Serve until the target is gone."""
        processes.adopt_orphans()
        self._send({"event": "able", "id": 0, "files": mounts.can_replace(), "unruled": self._unruled})
        processes.protect()
        next_check = 0.0
        while True:
            limited = any(container.has_keeper for container in self._containers.values())
            wait = max(0.0, next_check - time.monotonic()) if limited else None
            for key, _ in self._selector.select(wait):
                # An earlier event of the same batch may have ended this one.
                if self._selector.get_map().get(key.fileobj) is key:
                    key.data(key.fd)
            if limited and time.monotonic() >= next_check:
                self._check_limits()
                next_check = time.monotonic() + CHECK_INTERVAL

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
            self._catch_up()
            return
        container = self._containers.get(order["id"])
        if order["do"] == "log":
            text = b"".join(container.kept).decode("utf-8", "replace") if container is not None else ""
            self._send({"event": "log", "id": order["id"], "text": text})
        elif container is not None and order["do"] == "signal":
            # SIGSTOP stops all that the container has started too; other signals are for its first process alone, and
            # its keeper forwards them.
            whole = container.has_keeper and order["signal"] in (signal.SIGSTOP, signal.SIGCONT)
            processes.send(order["signal"], _below(container) if whole else [container.pid])
        elif container is not None and order["do"] == "kill":
            self._kill(container)

    def _catch_up(self) -> None:
        """Report all ends until now, and then that this is done: keepers may still be ending what is left."""
        self._reap(self._wake)
        running = ((one, one.first if one.has_keeper else one.pid) for one in self._containers.values())
        ending = [one for one, pid in running if pid and processes.has_ended(pid)]
        # A container may have stopped its keeper.
        processes.send(signal.SIGCONT, [one.pid for one in ending if one.has_keeper])
        self._awaited = {one.id for one in ending}
        if not ending:
            self._send({"event": "reaped", "id": 0})

    def _start(self, order: Order) -> None:
        has_keeper = order["argv"] is not None and processes.LINUX
        folder: str | None = None
        own_pid = os.getpid()
        pipes: list[int] = []
        try:
            pipes += os.pipe()
            pipes += os.pipe()
            if order["argv"] is not None:
                os.makedirs(self._folder, 0o700, exist_ok=True)  # noqa: PTH103  # a container may have deleted it
                folder = tempfile.mkdtemp(dir=self._folder)
            pid = os.fork()
        except OSError as error:  # too many processes or files, or a full disk
            for fd in pipes:
                os.close(fd)
            self._send({"event": "refused", "id": order["id"], "why": f"cannot start: {error.strerror}"})
            return
        out, child_out, start, child_start = pipes
        if pid == 0:
            become = partial(become_container, order)
            ends = child_out, child_start, folder, self._border
            if folder is None or not has_keeper:
                become(own_pid, *ends)
            keep(own_pid, Path(folder), lambda keeper: become(keeper, *ends))
        os.close(child_out)
        os.close(child_start)
        container = ContainerProcess(order["id"], pid, out, start, order, has_keeper, folder)
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
        why, pid = container.report.decode("utf-8", "replace"), container.pid
        if container.has_keeper and " " in why:
            first, _, why = why.partition(" ")
            container.first = pid = int(first)
        if why in ("", "+"):
            self._send({"event": "started", "id": container.id, "pid": pid})
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
        if container.has_keeper:
            # What is left of a container whose keeper was killed.
            processes.end_children(lambda pid: pid not in self._by_pid)
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
            leftovers.remove_folder(Path(container.folder))
        del self._containers[container.id]
        report: Report = {
            "event": "exited",
            "id": container.id,
            "code": code if code >= 0 else 128 - code,
            "out_of_memory": container.out_of_memory,
            "text": b"".join(container.kept).decode("utf-8", "replace"),
        }
        self._send(report)
        if container.id in self._awaited:
            self._awaited.discard(container.id)
            if not self._awaited:
                self._send({"event": "reaped", "id": 0})

    def _kill(self, container: ContainerProcess) -> None:
        """Kill all of a container; its keeper ends when nothing is left, unless it is too young or was killed."""
        if not container.has_keeper or not processes.end_tree([container.pid], spare=[container.pid]):
            processes.send(signal.SIGKILL, [container.pid])
        else:
            processes.send(signal.SIGCONT, [container.pid])  # the container may have stopped it

    def _check_limits(self) -> None:
        children = processes.family()
        held: dict[int, int] = {}
        for container in [container for container in self._containers.values() if container.has_keeper]:
            below = _below(container, children)
            if len(below) > MAX_PROCESSES or processes.count_threads(below) > MAX_THREADS:
                self._kill(container)
            elif container.start is None:  # until then its process is a fork of this one, and as large
                held[container.id] = processes.resident(below)
                if 0 < container.order["memory"] < held[container.id]:
                    self._kill_for_memory(container)
        for task, limit in {(one.order["task"], one.order["task_memory"]) for one in self._containers.values()}:
            of_task = [one for one in self._containers.values() if one.order["task"] == task and one.id in held]
            if 0 < limit < sum(held[one.id] for one in of_task):
                self._kill_for_memory(max(of_task, key=lambda one: held[one.id]))

    def _kill_for_memory(self, container: ContainerProcess) -> None:
        container.out_of_memory = True
        self._kill(container)

    def _send(self, report: Report) -> None:
        try:
            self._target.sendall(line(report))
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        """Kill everything below this process, and delete the folder."""
        if processes.LINUX:
            processes.end_children()
        else:
            processes.send(signal.SIGKILL, self._by_pid)
        leftovers.remove_folder(Path(self._folder))
        os._exit(0)


def _below(container: ContainerProcess, children: Callable[[int], Iterable[int]] | None = None) -> set[int]:
    """Return all processes of a foreign container; its keeper is none of them."""
    return processes.descendants([container.pid], children) - {container.pid}


def main(arguments: list[str]) -> NoReturn:
    """Serve the target at the other end of a socket. Arguments: see above; FD and BORDER are descriptors of sockets."""
    descriptor, border, folder, mark, use_namespace = arguments
    # They are inheritable for this program only; a container that had one could act as this server, and keep it open.
    for number in {int(descriptor), int(border)} - {-1}:
        os.set_inheritable(number, False)
    leftovers.set_mark(int(mark))
    asyncio.run(asyncio.sleep(0))  # all later forks share what a first event loop loads and fills
    gc.collect()
    gc.freeze()  # memory that no collection touches stays shared with the forks
    if use_namespace == "1":
        namespace.enter()
    borders = socket.socket(fileno=int(border)) if int(border) >= 0 else None
    ForkServer(socket.socket(fileno=int(descriptor)), folder, borders).run()


if __name__ == "__main__":
    main(sys.argv[1:])
