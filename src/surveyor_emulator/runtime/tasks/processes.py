"""Process trees, memory and kills, by /proc and prctl; where there is no /proc, little of it works."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

__all__ = [
    "LINUX",
    "adopt_orphans",
    "all_pids",
    "children_of",
    "count_threads",
    "descendants",
    "die_with_parent",
    "end_children",
    "end_tree",
    "has_ended",
    "offer_to_kernel",
    "protect",
    "resident",
    "send",
    "start_time",
]

LINUX = sys.platform == "linux"
PATIENCE = 5.0
"""Wall seconds in which killed processes must be gone. Only what this user may not kill, such as sudo, takes longer."""

_PASSES = 100
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def adopt_orphans() -> None:
    """Make this process the new parent of every process below it that loses its own, so that none escapes."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Have this process get a signal when its parent ends, and end now if that has happened already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def protect(*, on: bool = True) -> None:
    """Forbid other processes of an ordinary user to trace this process, which forks inherit; ``on=False``: allow it."""
    if _libc is not None:
        _libc.prctl(_PR_SET_DUMPABLE, 0 if on else 1, 0, 0, 0)


def offer_to_kernel() -> None:
    """Have the kernel end this process, and what it starts, before others when the machine runs out of memory."""
    with contextlib.suppress(OSError), Path("/proc/self/oom_score_adj").open("w", encoding="ascii") as file:
        file.write("500")


def descendants(roots: Iterable[int], children: Callable[[int], Iterable[int]] | None = None) -> set[int]:
    """Return the processes below these, and these; ``children`` is an earlier result of `family`."""
    children = children or family()
    found: set[int] = set()
    left = list(roots)
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children(pid)
    return found


def family() -> Callable[[int], Iterable[int]]:
    """Return a function process -> children, which reads no others where Linux lists them, else all once."""
    if _LISTS_CHILDREN:
        return children_of
    children: dict[int, list[int]] = defaultdict(list)
    for pid in all_pids():
        with contextlib.suppress(OSError, ValueError, IndexError):  # it may end while it is read
            children[int(_stat(pid)[1])].append(pid)
    return lambda pid: children.get(pid, ())


def children_of(parent: int) -> list[int]:
    """Return the children of one process, those that nothing has waited for included."""
    if not _LISTS_CHILDREN:
        return list(family()(parent))
    children: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208  # ten times a second for each process
            with contextlib.suppress(OSError):
                children += map(int, _read(f"/proc/{parent}/task/{thread}/children").split())
    return children


def all_pids() -> Iterator[int]:
    """Yield the processes of this machine, or of this namespace."""
    if LINUX:
        yield from (int(name) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208  # as above


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the machine did; None if there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_stat(pid)[19])
    return None


_EXITING = 0x4
"""Flag of a process in /proc/PID/stat that has begun to end (PF_EXITING in Linux's sched.h)."""


def has_ended(pid: int) -> bool:
    """Return whether a process is gone, or is ending: its sockets are closed before its parent can wait for it."""
    with contextlib.suppress(OSError, IndexError):
        state, *_, flags = _stat(pid)[:7]
        return state in "ZX" or bool(int(flags) & _EXITING)
    return True


def resident(pids: Iterable[int]) -> int:
    """Return the bytes of memory that these processes hold together."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE
    return total


def count_threads(pids: Iterable[int]) -> int:
    """Return how many threads these processes have together."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208  # ten times a second for each process
    return total


def send(number: int, pids: Iterable[int]) -> None:
    """Send a signal; ignore processes that have ended, and those that this user may not signal."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_tree(roots: Iterable[int], *, spare: Iterable[int] = ()) -> set[int]:
    """Kill these processes and all below them, apart from ``spare``; return them.

    All are stopped first, until none is new: a stopped process neither forks nor notices that others are killed.
    """
    roots = list(roots)
    stopped: set[int] = set()
    for _ in range(_PASSES):
        new = descendants(roots) - stopped - {*spare}
        if not new:
            break
        send(signal.SIGSTOP, new)
        stopped |= new
    send(signal.SIGKILL, stopped)
    return stopped


def end_children(which: Callable[[int], object] = lambda pid: True) -> None:
    """Kill these children of this process with all below them, also those that it adopts meanwhile; return without any.

    What cannot be killed is left after `PATIENCE`.
    """
    deadline = time.monotonic() + PATIENCE
    own_pid = os.getpid()
    while pids := [pid for pid in children_of(own_pid) if which(pid)]:
        end_tree(pids)
        for pid in pids:
            _wait_for(pid, deadline)
        if time.monotonic() > deadline:
            return


def _wait_for(child: int, deadline: float) -> None:
    with contextlib.suppress(ChildProcessError):
        try:
            descriptor = os.pidfd_open(child)
        except (AttributeError, OSError):  # Linux before 5.3, or another system
            os.waitpid(child, 0)
            return
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1_000)
        finally:
            os.close(descriptor)
        os.waitpid(child, os.WNOHANG)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may hold anything: state, parent, group …"""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # ten times a second for each process
        return file.read()


_LISTS_CHILDREN = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()
