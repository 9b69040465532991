"""An interrupted run ends its workers at once: each gets a signal, and cleans up what its test created.

Without it a worker finishes its test, or is interrupted after five seconds by execnet, wherever it is then.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from surveyor.early_interrupts import is_interrupt

__all__ = ["interrupt_once"]

_CLEANUP = 4.0
"""Wall seconds for the cleanup of a test: below the five after which execnet interrupts a worker that has not ended."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Handler:
    """Interrupts at the first signal. Later ones do not interrupt the cleanup, unless it takes long."""

    def __init__(self) -> None:
        self._last = -_CLEANUP

    def __call__(self, number: int, frame: object) -> None:
        if time.monotonic() - self._last >= _CLEANUP:
            self._last = time.monotonic()
            raise KeyboardInterrupt


class _Interrupter:
    """Knows the workers of a run, and passes an interruption on to them."""

    def __init__(self) -> None:
        self._pids: list[int] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        """Let xdist start its workers whole: one whose pipe is closed meanwhile prints a traceback."""
        with _postponed_interrupts():
            yield

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Note the process of a worker of xdist."""
        self._pids.append(node.gateway._io.popen.pid)  # noqa: SLF001  # execnet names it nowhere else

    def pytest_exception_interact(self, call: pytest.CallInfo[object]) -> None:
        """Interrupt the run if Python raised this error of a test, or of the collection, in place of an interrupt."""
        self.pytest_internalerror(call.excinfo)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException] | None) -> None:
        """Interrupt the run if Python raised this error, which is of no test, in place of an interrupt."""
        if excinfo is not None and is_interrupt(excinfo.value):
            raise KeyboardInterrupt from excinfo.value

    def pytest_keyboard_interrupt(self) -> None:
        """Interrupt the workers."""
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


@contextmanager
def _postponed_interrupts() -> Iterator[None]:
    """Handle signals that interrupt this process at the end of the block only."""
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: found for number in _SIGNALS if is_main and callable(found := signal.getsignal(number))}
    postponed: list[int] = []
    for number in handlers:
        signal.signal(number, lambda received, _: postponed.append(received))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if postponed:
            signal.raise_signal(postponed[0])


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Interrupter())
    elif threading.current_thread() is threading.main_thread():
        interrupt_once()


def interrupt_once() -> None:
    """Let the first signal to this process interrupt it, and later ones only if its cleanup takes long."""
    handler = _Handler()
    for number in _SIGNALS:
        signal.signal(number, handler)
