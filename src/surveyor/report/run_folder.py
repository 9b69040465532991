"""Reserve the folder of a run's output, so that two runs do not write into one."""

from __future__ import annotations

import atexit
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from surveyor.errors import UsageError

__all__ = ["LOCK_FILE", "make_folder", "reserve_folder"]

LOCK_FILE = ".lock"

_UNREAD = ("-rate.json", ".lock")
"""Ends the names of files that no one reads after the run."""

_reserved: dict[tuple[int, int], int] = {}
"""Descriptors of the lock files of this process, by device and inode."""


def make_folder(out: Path) -> None:
    """Create the folder `out` and check that it is writable. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}; choose another folder with --out") from None


def reserve_folder(out: Path) -> None:
    """Create the folder `out` and reserve it for this process until the process ends, however it ends.

    Raises UsageError if it cannot be written, or if another process has reserved it. The kernel releases the lock, so
    none is left by a killed run. On a file system without locks nothing is reserved. A new folder in which nothing was
    reported is deleted when the process ends.
    """
    is_new = not out.exists()
    make_folder(out)
    try:
        descriptor = os.open(out / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UsageError(
            f"cannot write to {out / LOCK_FILE}: {error.strerror}; choose another folder with --out"
        ) from None
    status = os.fstat(descriptor)
    if (status.st_dev, status.st_ino) in _reserved:
        os.close(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        process = f" (process {holder})" if holder else ""
        raise UsageError(f"another run{process} writes to {out}; choose another folder with --out") from None
    except OSError:
        os.close(descriptor)
        return
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    _reserved[status.st_dev, status.st_ino] = descriptor
    if is_new:
        atexit.register(_delete_unused, out.absolute(), os.getpid())


def _delete_unused(out: Path, process: int) -> None:
    """Delete the folder of a run that ended before it began: it holds nothing but locks and the rate of calls."""
    if process != os.getpid():
        return
    with suppress(OSError):
        paths = list(out.iterdir())
        if all(path.name == LOCK_FILE or path.name.endswith(_UNREAD) for path in paths):
            for path in paths:
                path.unlink()
            out.rmdir()
