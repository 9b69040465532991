"""A PID namespace for all containers of a target, where Linux allows one: the surest end that a process can have.

The fork server is its first process. The kernel kills the whole namespace with it, and nothing within sees, signals or
traces a process outside (pid_namespaces(7)). An ordinary user gets it within a user namespace (user_namespaces(7)).
Linux may forbid either, as in many Docker containers, so that a child process tries it first.

``python -m surveyor_emulator.runtime.tasks.namespace`` prints why this machine does not allow it, or nothing.
"""

from __future__ import annotations

import os
import select
import sys
from typing import NoReturn

from . import mounts, processes

__all__ = ["enter", "find_problem"]


def enter() -> bool:
    """Continue as the first process of a new PID namespace; return False, with nothing changed, where it is forbidden.

    The process that called this stays outside and only waits. When one of the two ends, so does the other.
    """
    if find_problem():
        return False
    mounts.unshare(mounts.NEWPID)
    alive, outside = os.pipe()
    child = os.fork()
    if child:
        _wait_outside(child, outside)
    os.close(outside)
    processes.die_with_parent(0)  # as a process outside is seen from here
    poll = select.poll()
    poll.register(alive, select.POLLHUP)
    if poll.poll(0):  # it had ended before its end could be a signal
        os._exit(1)
    os.close(alive)
    mounts.mount_processes()
    return True


def find_problem() -> str:
    """Return why no PID namespace with a /proc for it can be made here; "" if it can."""
    if not processes.LINUX:
        return "only Linux has PID namespaces"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _try(writer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as report:
        problem = report.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return problem or ("" if status == 0 else f"a process in it ended with {status}")


def _try(report: int) -> NoReturn:
    status = 1
    try:
        mounts.unshare(mounts.NEWPID)
        child = os.fork()
        if child == 0:
            mounts.mount_processes()
            status = 0 if os.readlink("/proc/self") == "1" == str(os.getpid()) else 2  # noqa: PTH115  # no Path in a fork
        else:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except OSError as error:
        os.write(report, str(error).encode())
    finally:
        os._exit(status)


def _wait_outside(child: int, alive: int) -> NoReturn:
    """Hold nothing open but the pipe whose end says that this process has ended, and end as the child does."""
    os.closerange(3, alive)
    os.closerange(alive + 1, 4_096)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)


if __name__ == "__main__":
    sys.stdout.write(find_problem())
