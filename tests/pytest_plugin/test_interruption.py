"""Signals while the workers of a run start, and where Python raises another error in place of the interrupt."""

from __future__ import annotations

import os
import signal
from pathlib import Path

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


CLASS = """
import signal
class Interrupting:
    def __set_name__(self, owner, name):
        signal.raise_signal(signal.SIGINT)
def create_class():
    class Late:
        attribute = Interrupting()
"""


@pytest.mark.parametrize("where", ["create_class()\n", "def test_it(): create_class()\n"], ids=["collection", "test"])
def test_an_interrupt_while_a_class_is_created_ends_the_run(tmp_path: Path, where: str) -> None:
    """Python raises a RuntimeError in place of the KeyboardInterrupt there."""
    ends = list[type[BaseException]]()

    class Plugin:
        def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
            ends.append(excinfo.type)  # after errors during collection it is a subclass of KeyboardInterrupt

    assert run(tmp_path, CLASS + where, Plugin()) == pytest.ExitCode.INTERRUPTED
    assert ends == [KeyboardInterrupt]


def test_an_interrupt_while_a_plugin_creates_a_class_ends_the_run(tmp_path: Path) -> None:
    """Outside of tests pytest would report an internal error."""

    class Plugin:
        def pytest_collection_modifyitems(self) -> None:
            exec(CLASS + "create_class()", {})

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "def test_it(): pass\n", Plugin())


def run(folder: Path, text: str, *plugins: object) -> int:
    """Run a file of tests with the plugin, and return pytest's status."""
    file = folder / f"{folder.name}.py"  # no other module has its name
    file.write_text(text, "utf-8")
    arguments = [str(file), "-c", os.devnull, "--rootdir", str(folder), "-p", "no:terminal", "-p", "no:cacheprovider"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return int(pytest.main([*arguments, "--import-mode=importlib"], plugins=[interruption, *plugins]))
    finally:
        signal.signal(signal.SIGINT, before)
