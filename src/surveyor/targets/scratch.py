"""The temporary folder of a started target. One whose run was killed is deleted when the next target starts.

Each run keeps a file in its folders locked, and the kernel unlocks it however the run ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import weakref
from pathlib import Path

__all__ = ["Scratch"]

_LOCK = "in-use.lock"


class Scratch:
    """A new folder in the machine's temporary one, named for a target."""

    def __init__(self, target: str) -> None:
        _delete_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=f"surveyor-{target}-"))
        unlocked = self.path / "unlocked"
        lock = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        unlocked.rename(self.path / _LOCK)  # so that no other run finds it before it is locked
        self._deletion = weakref.finalize(self, _delete, self.path, lock)

    def delete(self) -> None:
        """Delete the folder; do nothing the second time."""
        self._deletion()


def _delete(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)


def _delete_abandoned() -> None:
    """Delete the folders of runs that are gone; leave alone what has no lock, or belongs to another user."""
    for lock in Path(tempfile.gettempdir()).glob(f"surveyor-*/{_LOCK}"):
        with contextlib.suppress(OSError):  # another run has locked it, or is deleting it
            if lock.parent.lstat().st_uid != os.geteuid() or lock.parent.is_symlink():
                continue
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(descriptor)
