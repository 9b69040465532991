"""Ctrl-C while the program is still imported: nothing exists that must be cleaned up, so it ends at once and quietly.

A KeyboardInterrupt that is raised during an import can arrive where Python has to drop it, such as the callback that
removes the lock of a module: it prints a traceback, and the command runs on. This module is imported first, and itself
imports only what takes hardly any time.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["end_at_once", "is_interrupt", "raise_interrupts", "repeat_lost_interrupts"]

_AGAIN = 0.05
"""Wall seconds until an interrupt is repeated: the callback in which it was lost has returned by then."""


def _end(number: int, _: object) -> None:
    os._exit(128 + number)


def end_at_once() -> None:
    """Let Ctrl-C end the process with exit code 130, unless it was ignored when the process started."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on: the command may have begun something."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether Python raised an error in place of a KeyboardInterrupt, as it does while it creates a class.

    RuntimeError: Error calling __set_name__.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def repeat_lost_interrupts() -> None:
    """Interrupt once more, for the rest of the process, where Python had to drop a KeyboardInterrupt."""
    from threading import Timer

    before = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            again = Timer(_AGAIN, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            before(lost)

    sys.unraisablehook = hook
