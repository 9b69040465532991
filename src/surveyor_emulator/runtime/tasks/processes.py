"""Process trees, memory and kills, by /proc and prctl; where there is no /proc, little of it works."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = [
    "adopt_orphans",
    "children_by_parent",
    "children_of",
    "descendants",
    "die_with_parent",
    "has_mark",
    "kill",
    "marked",
    "resident",
]

LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def adopt_orphans() -> None:
    """Make this process the new parent of every process below it that loses its own, so that none escapes."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent ends, and end now if that has happened already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def descendants(roots: Iterable[int], within: Mapping[int, list[int]] | None = None) -> set[int]:
    """Return the processes below these, and these; ``within``: an earlier result of `children_by_parent`."""
    children = children_by_parent() if within is None else within
    found: set[int] = set()
    left = list(roots)
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, ())
    return found


def children_of(parent: int) -> list[int]:
    """Return the children of one process."""
    return children_by_parent().get(parent, [])


def children_by_parent() -> dict[int, list[int]]:
    """Return parent -> children, for all processes of this machine."""
    children: dict[int, list[int]] = defaultdict(list)
    if not LINUX:
        return children
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError):  # it may end while it is read
                text = (entry / "stat").read_text("utf-8", "replace")
                children[int(text.rpartition(")")[2].split()[1])].append(int(entry.name))
    return children


def has_mark(pid: int, mark: str) -> bool:
    """Return whether a process was started with an environment entry that begins with ``mark`` (`NAME=value`)."""
    with contextlib.suppress(OSError):
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return any(entry.startswith(mark.encode()) for entry in entries)
    return False


def marked(mark: str) -> list[int]:
    """Return all processes of this machine with such an entry, as far as this user may see them."""
    if not LINUX:
        return []
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if has_mark(pid, mark)]


def resident(pids: Iterable[int]) -> int:
    """Return the bytes of memory that these processes hold together."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    return total


def kill(pids: Iterable[int]) -> None:
    """Send SIGKILL; ignore processes that have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
