"""What a target leaves behind that is killed together with all its helpers, and the sweep of it at the next start.

A target's folder names its owner, by process id and start time, and the mark of the target's containers: their maximum
of bytes in message queues, which every process inherits, no program sets, and no ordinary user can raise again. The
sweep kills a process only if it has the mark of a folder whose owner is gone, and started after that owner.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from . import processes

__all__ = ["Owner", "create_folder", "has_mark", "remove_folder", "set_mark", "sweep"]

PREFIX = "surveyor-tasks-"
_FILE = "owner.json"
_MAX_SIZE = 4_096
_PASSES = 20
_MARKS = 500_000
"""How many marks there are below the maximum that this process has itself."""


class Owner(msgspec.Struct, frozen=True):
    """A target: its process id, its start in clock ticks after ``boot``, in which PID namespace, and the mark."""

    pid: int
    started: int | None
    boot: str
    namespace: int
    mark: int

    def is_gone(self) -> bool:
        """Return whether it has ended; False if that cannot be known, since it is or was in another namespace."""
        if self.boot != _boot():
            return True
        return self.namespace == _namespace() and processes.start_time(self.pid) != self.started


def create_folder() -> tuple[Path, int]:
    """Create the folder of a new target, which this process is; return it and the mark, 0 if there are none here."""
    used = {owner.mark for _, owner in _owned_folders()}
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    pid = os.getpid()
    owner = Owner(pid, processes.start_time(pid), _boot(), _namespace(), _choose_mark(used))
    unfinished = folder / "unfinished"
    unfinished.write_bytes(msgspec.json.encode(owner))
    unfinished.rename(folder / _FILE)
    return folder, owner.mark


def set_mark(mark: int) -> None:
    """Give this process, and all that it starts, the mark."""
    if mark:
        import resource

        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (mark, mark))


def has_mark(pid: int, mark: int) -> bool:
    """Return whether a process has the mark."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/limits").read_text("utf-8").splitlines()
        limits = next((line.split()[3:5] for line in lines if line.startswith("Max msgqueue size")), [])
        return mark != 0 and limits[1:] == [str(mark)]
    return False


def remove_folder(folder: Path) -> None:
    """Delete a folder, also where a container has taken the permission away, or nested folders thousands deep.

    What ends at this moment may still write to it. The owner goes last, so that the next start sweeps what is left.
    """
    for _ in range(_PASSES):
        _empty(folder)
        with contextlib.suppress(OSError):
            if [entry.name for entry in os.scandir(folder)] in ([_FILE], []):
                (folder / _FILE).unlink(missing_ok=True)
                folder.rmdir()
                return


def _empty(folder: Path) -> None:
    """Delete all but the owner in a folder. Each folder within is moved up before, so that no path is long."""
    token, left = os.urandom(8).hex(), [folder]
    for path in left:  # the list grows meanwhile
        with contextlib.suppress(OSError):  # gone already
            path.chmod(0o700)
            for entry in list(os.scandir(path)):
                with contextlib.suppress(OSError):  # it belongs to another user
                    if entry.is_dir(follow_symlinks=False):
                        Path(entry).chmod(0o700)
                        left.append(Path(entry).rename(folder / f"{token}.{len(left)}"))
                    elif path != folder or entry.name != _FILE:
                        Path(entry).unlink()
            if path != folder:
                path.rmdir()


def sweep() -> list[Path]:
    """Kill what is left of targets that are gone, and delete their folders; return these."""
    swept = [(folder, owner) for folder, owner in _owned_folders() if owner.is_gone()]
    for folder, owner in swept:
        # A task may have changed the file: what has the maximum of this process, as all others do, is no container.
        if owner.boot == _boot() and 0 < owner.mark < _maximum():
            marked = [pid for pid in processes.all_pids() if has_mark(pid, owner.mark)]
            processes.end_tree(pid for pid in marked if (processes.start_time(pid) or 0) >= (owner.started or 0))
        remove_folder(folder)
    return [folder for folder, _ in swept]


def _owned_folders() -> Iterator[tuple[Path, Owner]]:
    """Yield the folders of this user's targets with their owners."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # Others may have made it, or are deleting it.
        with contextlib.suppress(OSError, msgspec.DecodeError):
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                yield folder, msgspec.json.decode(_read_file(folder / _FILE), type=Owner)


def _read_file(path: Path) -> bytes:
    """Return the beginning of a file, which may be anything: a task can change it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _MAX_SIZE)
    finally:
        os.close(descriptor)


def _choose_mark(used: set[int]) -> int:
    """Return a mark that no other folder has; 0 if there are none on this system."""
    maximum = _maximum()
    free = [maximum - 1 - int.from_bytes(os.urandom(4)) % min(maximum - 1, _MARKS) for _ in range(100) if maximum > 1]
    return next((mark for mark in free if mark not in used), 0)


def _maximum() -> int:
    """Return below which number marks of containers are; 0 if there are none on this system."""
    if not processes.LINUX:
        return 0
    import resource

    _, maximum = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    return 2 * _MARKS if maximum == resource.RLIM_INFINITY else maximum


def _boot() -> str:
    """Return which start of this machine this is."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


def _namespace() -> int:
    with contextlib.suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0
