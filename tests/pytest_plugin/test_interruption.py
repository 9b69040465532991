"""Ctrl-C while the workers of a run start."""

from __future__ import annotations

import signal

import pytest

from surveyor.pytest_plugin import interruption


def test_an_interrupt_waits_until_the_workers_have_started() -> None:
    """It arrives after the block, and Ctrl-C works as before from then on."""
    before, steps = signal.getsignal(signal.SIGINT), list[str]()

    def start_workers() -> None:
        with interruption._postponed_interrupts():
            signal.raise_signal(signal.SIGINT)
            steps.append("started")

    with pytest.raises(KeyboardInterrupt):
        start_workers()
    assert steps == ["started"]
    assert signal.getsignal(signal.SIGINT) is before


def test_without_an_interrupt_nothing_is_raised() -> None:
    """Also where Ctrl-C is ignored, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption._postponed_interrupts():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    with interruption._postponed_interrupts():
        pass
