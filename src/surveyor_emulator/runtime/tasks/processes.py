"""What the kernel tells of processes and does to them: families, memory, ends; where there is no /proc, little."""

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
    "children_of",
    "descendants",
    "die_with_parent",
    "families",
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
    """From now on what loses its parent below this process becomes its child, and cannot get away."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent ends, and end now if that has happened already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def descendants(roots: Iterable[int], within: Mapping[int, list[int]] | None = None) -> set[int]:
    """The processes below these, themselves included; ``within`` are families that were looked at before."""
    known = families() if within is None else within
    found: set[int] = set()
    left = list(roots)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += known.get(one, ())
    return found


def children_of(parent: int) -> list[int]:
    """The children of one process."""
    return families().get(parent, [])


def families() -> dict[int, list[int]]:
    """Parent -> children, of all processes of this machine."""
    found: dict[int, list[int]] = defaultdict(list)
    if not LINUX:
        return found
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError):  # it may end while it is looked at
                text = (entry / "stat").read_text("utf-8", "replace")
                found[int(text.rpartition(")")[2].split()[1])].append(int(entry.name))
    return found


def has_mark(pid: int, mark: str) -> bool:
    """Whether a process was started with an entry in its environment that begins so (`NAME=value`)."""
    with contextlib.suppress(OSError):
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return any(one.startswith(mark.encode()) for one in entries)
    return False


def marked(mark: str) -> list[int]:
    """All processes of this machine, as far as they may be seen, that have such an entry."""
    if not LINUX:
        return []
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal() and has_mark(int(one.name), mark)]


def resident(pids: Iterable[int]) -> int:
    """Bytes of memory that these processes hold in all."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    return total


def kill(pids: Iterable[int]) -> None:
    """SIGKILL; who has ended is left alone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
