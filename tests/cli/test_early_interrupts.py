"""Ctrl-C at each moment: while the program is imported, and where Python has to drop an exception."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MOMENTS = 20
STEP = 0.04  # wall seconds

LOST = """
import os, signal, sys
from surveyor.early_interrupts import end_at_once, raise_interrupts, repeat_lost_interrupts

end_at_once()
repeat_lost_interrupts()
raise_interrupts()

class Lost:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()

try:
    Lost()
    signal.pause()
except KeyboardInterrupt:
    sys.exit(130)
"""

IN_PLACE_OF_IT = """
import functools, os, runpy, signal, sys

set_name = functools.cached_property.__set_name__

def interrupted_set_name(self, owner, name):
    if owner.__name__ == "Recordings":  # a class that the command creates
        os.kill(os.getpid(), signal.SIGINT)
    set_name(self, owner, name)

functools.cached_property.__set_name__ = interrupted_set_name
sys.argv = ["surveyor", "conform", "--claim", "namespaces.create-can-be-retried"]
runpy.run_module("surveyor", run_name="__main__")
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("words", "first", "step", "codes"),
    [
        # A shell shows 130 for a program that the signal ended, too. The first one ends by itself after 0.7 s or more.
        (("surveyor", "doctor"), "surveyor.cli", STEP / 2, {130, -signal.SIGINT}),
        (("surveyor", "conform"), "surveyor.cli", STEP, {130, -signal.SIGINT}),
        (("surveyor_emulator", "--port", "0", "--dns-port", "0"), "surveyor_emulator.core", STEP, {-signal.SIGINT, 0}),
    ],
)
def test_ctrl_c_while_a_program_is_imported_ends_it_quietly(
    tmp_path: Path, words: tuple[str, ...], first: str, step: float, codes: set[int]
) -> None:
    """At twenty moments from the first import on there is no traceback. Before, Python itself is starting."""
    for number in range(MOMENTS):
        program = [sys.executable, "-X", "importtime", "-m", *words]  # a line for each import
        with subprocess.Popen(
            program, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:  # fmt: skip
            assert process.stderr is not None
            for line in process.stderr:
                if line.rstrip().endswith(first):
                    break
            try:
                errors = process.communicate(timeout=number * step)[1]
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                errors = process.communicate()[1]
        said = [line for line in errors.splitlines() if not line.startswith("import time:")]
        assert not [line for line in said if "Traceback" in line or "KeyboardInterrupt" in line], said
        assert process.returncode in codes, said


def test_an_interrupt_that_python_drops_is_repeated() -> None:
    """One that arrives in a destructor ends the program as any other, without a traceback."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")
    assert time.monotonic() - began < 30


def test_an_interrupt_that_python_replaces_ends_the_program(tmp_path: Path) -> None:
    """While a class is created Python raises a RuntimeError in place of it: it is no defect of Surveyor."""
    program = [sys.executable, "-c", IN_PLACE_OF_IT]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_that_is_ignored_stays_so() -> None:
    """As in `surveyor … &` of a script: Ctrl-C is for the foreground."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import surveyor.__main__; "
        "signal.raise_signal(signal.SIGINT); print('on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "on\n")
