"""Run a command that ends when the process that started it ends, even by kill -9.

Used as a script (`python parent_death.py PARENT COMMAND...`), so that nothing runs between fork and exec in a process
that may have threads. Linux has the parent-death signal; elsewhere the command runs without it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["end_with", "main"]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int) -> bool:
    """Make the kernel kill this process when `parent`, which started it, ends. Return False if it has ended already."""
    if sys.platform != "linux":
        return True
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def main(argv: list[str]) -> None:
    """Replace this process by the command `argv[1:]`, to be killed when the process `argv[0]` ends."""
    parent, command = int(argv[0]), argv[1:]
    if not end_with(parent):
        sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606  # replaces this process
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
