"""How the program ends when a signal arrives or its output is closed.

SIGTERM and SIGHUP end a command as Ctrl-C does: with its cleanup, its report, and exit code 130. A signal that was
ignored when the program started (SIGINT by `command &` in a script, SIGHUP by nohup) stays ignored, as shells expect.
Output into a pipe that is closed, as in `surveyor claims list | head -1`, does so as well, with 141 and no message.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CLOSED_PIPE", "keep_standard_files", "signals_interrupt"]

CLOSED_PIPE = 128 + signal.SIGPIPE
"""Exit code of a program whose output was closed, as a shell reports it."""


def keep_standard_files() -> None:
    """Open what the program was started without, such as standard output: a file of a run must not get its number.

    Programs that are started here, and libraries that print, would write into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free: this one
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # used to the end
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # pytest needs one


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, unless they were ignored at the start of the program."""
    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                previous[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
