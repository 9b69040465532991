"""Files that a task sees in place of some of the machine's, which stay unchanged for everything else.

A mount namespace, and where the user is not root a user namespace around it, holds bind mounts over /etc/hosts and
/etc/resolv.conf (user_namespaces(7), mount_namespaces(7)). Linux may forbid either, so it is tried before it is used.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["HOSTS", "NEWPID", "RESOLVER", "can_replace", "mount_processes", "replace_files", "unshare"]

HOSTS, RESOLVER = "/etc/hosts", "/etc/resolv.conf"

_NEWNS, _NEWUSER, NEWPID = 0x0002_0000, 0x1000_0000, 0x2000_0000
_NOSUID, _NODEV, _NOEXEC = 2, 4, 8
_BIND, _RECURSIVE, _SLAVE = 4_096, 16_384, 1 << 19
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def replace_files(files: Mapping[str, str]) -> None:
    """Make this process, and all that it starts, see another file at each path (path -> file). Raises OSError."""
    if not files:
        return
    unshare()
    for path, source in files.items():
        # If the machine's file is a link, its target is covered.
        _call("mount", os.fsencode(source), os.fsencode(os.path.realpath(path)), None, _BIND, None)


def unshare(also: int = 0) -> None:
    """Give this process a mount namespace, in which nothing that it mounts is seen elsewhere. Raises OSError.

    ``also``: `NEWPID` for a PID namespace of what it starts next.
    """
    user, group = os.getuid(), os.getgid()
    try:
        _call("unshare", _NEWNS | also)
    except PermissionError:
        _call("unshare", _NEWNS | _NEWUSER | also)
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    _call("mount", None, b"/", None, _RECURSIVE | _SLAVE, None)


def mount_processes() -> None:
    """Make /proc show the processes of this process's PID namespace, in a mount namespace. Raises OSError."""
    _call("mount", b"proc", b"/proc", b"proc", _NOSUID | _NODEV | _NOEXEC, None)


def can_replace() -> bool:
    """Return whether /etc/hosts can be replaced here; a child process tries it."""
    if _libc is None:
        return False
    with tempfile.NamedTemporaryFile() as replacement:
        replacement.write(b"surveyor\n")
        replacement.flush()
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(OSError):
                signal.set_wakeup_fd(-1)
                replace_files({HOSTS: replacement.name})
                status = 0 if Path(HOSTS).read_bytes() == b"surveyor\n" else 1
            os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library. Raises OSError if it fails, or if this system does not have it."""
    if _libc is None:
        raise OSError(f"there is no {name}() on this system")
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
