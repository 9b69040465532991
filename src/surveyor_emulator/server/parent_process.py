"""Ending with the process that started this one, however that one ends.

The kernel sends the signal when the *thread* ends that started us (prctl(2), PR_SET_PDEATHSIG), so it is taken as a
hint only, and the process id of the parent decides.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["watch"]

_PR_SET_PDEATHSIG = 1
_POLL = 1.0  # wall seconds, where there is no such signal


def watch(gone: Callable[[], object]) -> None:
    """Have ``gone`` called in the running loop once the parent has ended."""
    loop, parent = asyncio.get_running_loop(), os.getppid()

    def look() -> None:
        if os.getppid() != parent:
            gone()
        elif sys.platform != "linux":
            loop.call_later(_POLL, look)

    if sys.platform == "linux":
        import ctypes

        loop.add_signal_handler(signal.SIGUSR1, look)
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0)
    look()  # it may have ended before
