"""Stop together with the parent process, even if it is killed.

The kernel sends the signal when the *thread* that started this process ends (prctl(2), PR_SET_PDEATHSIG), so the signal
is only a hint, and the parent's process id decides.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["watch_parent"]

_PR_SET_PDEATHSIG = 1
_POLL = 1.0  # wall seconds, on platforms without this signal


def watch_parent(on_exit: Callable[[], object]) -> None:
    """Call ``on_exit`` in the running loop after the parent has ended."""
    loop, parent = asyncio.get_running_loop(), os.getppid()

    def check() -> None:
        if os.getppid() != parent:
            on_exit()
        elif sys.platform != "linux":
            loop.call_later(_POLL, check)

    if sys.platform == "linux":
        import ctypes

        loop.add_signal_handler(signal.SIGUSR1, check)
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0)
    check()  # the parent may have ended already
