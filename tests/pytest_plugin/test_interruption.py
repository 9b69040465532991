"""Signals while the workers of a run start."""

from __future__ import annotations

import signal

import pytest

from surveyor.pytest_plugin import interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_waits_until_the_workers_have_started(number: signal.Signals) -> None:
    """It arrives after the block, and the signal is handled as before from then on."""
    steps = list[str]()

    def start_workers() -> None:
        with interruption._postponed_interrupts():
            signal.raise_signal(number)
            steps.append("started")

    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            start_workers()
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert steps == ["started"]


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
