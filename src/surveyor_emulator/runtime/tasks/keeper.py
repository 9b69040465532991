"""The keeper of one container: the parent of its first process, and of every orphan below it.

Nothing that a container starts can leave its keeper, however it forks (PR_SET_CHILD_SUBREAPER). When the first process
ends, and when the fork server does, the keeper kills all that is left. It ends itself when there is nothing any more,
with the exit status of the first process, so that the fork server knows both from one event.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import processes
from .leftovers import remove_folder

__all__ = ["keep"]

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_DESCRIPTORS = 4_096


def keep(server: int, folder: Path, become_container: Callable[[int], NoReturn]) -> NoReturn:
    """Turn this fork of the server into a keeper, and a fork of it into the container; never return.

    ``become_container`` gets the keeper's process id. The keeper deletes the folder of the container in the end, since
    a container can make this take long.
    """
    os.setsid()  # a signal to the server's process group is not for it
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    processes.adopt_orphans()
    child = 0

    def forward(number: int, frame: FrameType | None) -> None:
        if child:  # the end of the server is reported by one of these signals, too
            processes.send(number if os.getppid() == server else signal.SIGKILL, [child])

    for number in _FORWARDED:
        signal.signal(number, forward)
    code = 1
    try:
        processes.die_with_parent(server, signal.SIGTERM)
        own_pid = os.getpid()
        child = first = os.fork()
        if child == 0:
            become_container(own_pid)
        if os.getppid() != server:  # its signal was sent before there was a child
            processes.send(signal.SIGKILL, [child])
        processes.protect()
        os.closerange(0, _DESCRIPTORS)
        while child:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            assert ended is not None
            if ended.si_pid == first:
                child = 0  # before its id is free for another process
                code = ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status
            os.waitpid(ended.si_pid, 0)
        processes.end_children()
        remove_folder(folder)
    finally:
        os._exit(code)
