"""How the program ends when a signal arrives or its output is closed.

SIGTERM and SIGHUP end a command as Ctrl-C does: with its cleanup, its report, and exit code 130. A signal that was
ignored when the program started (SIGINT by `command &` in a script, SIGHUP by nohup) stays ignored, as shells expect.
Output into a pipe that is closed, as in `surveyor claims list | head -1`, ends the program with 141 and no message.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["CLOSED_PIPE", "discard_output", "is_output_closed", "signals_interrupt"]

CLOSED_PIPE = 128 + signal.SIGPIPE
"""Exit code of a program whose output was closed, as a shell reports it."""


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


def is_output_closed(error: BaseException) -> bool:
    """Return whether the error arose because nothing reads standard output or standard error any more.

    `error` is a BrokenPipeError, or the SystemExit that click and rich raise instead. A BrokenPipeError of a socket is
    not meant: it is an error like any other.
    """
    if isinstance(error, SystemExit):
        if not isinstance(error.__context__, BrokenPipeError):
            return False
        if _raised_in(error) == "on_broken_pipe":  # by rich, which has replaced the closed standard output already
            return True
    poller = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # no file behind it, or closed, or none at all
            poller.register(stream.fileno(), select.POLLOUT)
    return any(flags & select.POLLERR for _, flags in poller.poll(0))


def discard_output() -> None:
    """Send what is still buffered for a closed pipe nowhere, so that the interpreter's last flush does not fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(null, stream.fileno())
    os.close(null)


def _raised_in(error: BaseException) -> str:
    """Return the name of the function that raised the error."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1].f_code.co_name if frames else ""
