"""The first process of a container: what a fork does until it is the container's command, or the workload."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import NoReturn

from surveyor_agents import http2, workload  # with all that it needs, so that forks import nothing

from . import mounts, processes, traps
from .messages import Order

__all__ = ["become_container"]


def become_container(
    order: Order, parent: int, output: int, start: int, folder: str | None, border: socket.socket | None
) -> NoReturn:
    """Turn the fork, in which this runs, into the container.

    ``start``: a pipe that gets "+" when the workload runs; from a command its process id, and why it does not run,
    else the end of the file. ``border``: where the descriptor goes by which its connections are decided, if they are.
    """
    code = 126
    try:
        os.setsid()
        processes.protect(on=False)
        if folder is not None:
            os.write(start, f"{os.getpid()} ".encode())
        try:
            mounts.replace_files(order["files"])
        except OSError as error:
            os.write(start, str(error).encode())
            os._exit(code)
        processes.die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        if border is not None and order["ruled"]:
            traps.pass_on(border, str(order["id"]))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        argv = order["argv"]
        if argv is None:
            os.dup2(start, 3)
            os.closerange(4, 4096)
            os.environ.clear()
            os.environ.update(order["environment"])
            if "check" in order["arguments"][:1]:  # it runs already; a server does once it listens
                _report_start(3)
            code = workload.main(order["arguments"], lambda: _report_start(3), http2.answer)
        else:
            assert folder is not None
            os.chdir(folder)
            processes.offer_to_kernel()
            try:
                # This closes the start pipe, which reports that it runs.
                os.execvpe(argv[0], argv, order["environment"])  # noqa: S606  # it becomes the command
            except (OSError, ValueError) as error:  # ValueError: what no system call takes, such as a zero byte
                os.write(start, f"{getattr(error, 'strerror', error)}: {argv[0]!r}".encode())
    except BaseException as error:  # noqa: BLE001  # a fork may never return into the server's code
        with contextlib.suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _report_start(start: int) -> None:
    os.write(start, b"+")
    os.close(start)
